"""A client's socket as a state machine: text frames in, frames out; nothing here is connected.

Three kinds: public streams (`PublicSocket`), private streams (`PrivateSocket`), order entry
(`TradeSocket`). Acks, errors and pongs have the shapes that each kind has on the venue. Frames of
data are made elsewhere; a socket only knows which topics it wants.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from mmbot.venues.simulated.accounts import Account
from mmbot.venues.simulated.auth import Keys, check_time
from mmbot.venues.simulated.codes import (
    BAD_PARAMETER,
    DUPLICATE_REQUEST_ID,
    OK,
    OP_NOT_FOUND,
    Refusal,
)
from mmbot.venues.simulated.engine import LocalExchange
from mmbot.venues.simulated.gate import Gate
from mmbot.venues.simulated.limits import AccountLimits, Exceeded
from mmbot.venues.simulated.protection import PROTECTION_TOPIC
from mmbot.venues.simulated.rest import ORDER_BATCHES, ORDER_REQUESTS, run_batch

__all__ = ["PrivateSocket", "PublicSocket", "Socket", "TradeSocket", "request_path"]

Frame = dict[str, Any]
# Length of all arguments of one connection to a public stream of contracts, characters.
_ARGS_LENGTH_MAX: Final = 21_000
_PRIVATE_TOPICS: Final = (
    "order",
    "execution",
    "execution.fast",
    "position",
    "wallet",
    PROTECTION_TOPIC,
)
_REQUEST_IDS_KEPT: Final = 10_000
_TRADE_PATHS: Final[Mapping[str, str]] = {
    "order.create": "/v5/order/create",
    "order.amend": "/v5/order/amend",
    "order.cancel": "/v5/order/cancel",
    "order.create-batch": "/v5/order/create-batch",
    "order.amend-batch": "/v5/order/amend-batch",
    "order.cancel-batch": "/v5/order/cancel-batch",
}


class Socket(Protocol):
    """What the server needs of a client's socket."""

    conn_id: str
    topics: set[str]
    account: Account | None

    def receive(self, text: str, now_ms: int) -> list[Frame]:
        """What to send back for one text frame."""
        ...


def _parse(text: str) -> Frame | None:
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return frame if isinstance(frame, dict) else None


def request_path(text: str) -> str | None:
    """The REST path of what a frame of the trade socket asks for; None for no order request."""
    frame = _parse(text) or {}
    return _TRADE_PATHS.get(str(frame.get("op")))


@dataclass(slots=True)
class PublicSocket:
    """Public streams. `first_frame` makes a topic's opening frame, or None for an unknown topic."""

    conn_id: str
    first_frame: Callable[[str], list[Frame] | None]
    topics: set[str] = field(default_factory=set)
    account: Account | None = None

    def receive(self, text: str, now_ms: int) -> list[Frame]:
        """Subscribe, unsubscribe, ping."""
        del now_ms
        frame = _parse(text) or {}
        op = frame.get("op")
        if op == "ping":
            return [self._ack(frame, "pong", op="ping")]
        if op not in ("subscribe", "unsubscribe"):
            return [self._ack(frame, f"error:unknown op {op}", is_ok=False)]
        args = frame.get("args")
        if not isinstance(args, list) or not args or not all(isinstance(a, str) for a in args):
            return [self._ack(frame, "error:args invalid", is_ok=False)]
        return self._subscribe(frame, args) if op == "subscribe" else self._leave(frame, args)

    def _subscribe(self, frame: Frame, args: list[str]) -> list[Frame]:
        if sum(map(len, self.topics)) + sum(map(len, args)) > _ARGS_LENGTH_MAX:
            return [self._ack(frame, "error:args length exceeds limit", is_ok=False)]
        opening: list[Frame] = []
        for topic in args:
            if topic in self.topics:
                text = f"error:already subscribed,topic:{topic}"
                return [self._ack(frame, text, is_ok=False)]
            first = self.first_frame(topic)
            if first is None:
                text = f"error:handler not found,topic:{topic}"
                return [self._ack(frame, text, is_ok=False)]
            opening += first
        self.topics.update(args)
        return [self._ack(frame, "subscribe"), *opening]

    def _leave(self, frame: Frame, args: list[str]) -> list[Frame]:
        self.topics.difference_update(args)
        return [self._ack(frame, "")]

    def _ack(self, frame: Frame, text: str, *, is_ok: bool = True, op: str | None = None) -> Frame:
        return {
            "success": is_ok,
            "ret_msg": text,
            "conn_id": self.conn_id,
            "req_id": frame.get("req_id", ""),
            "op": op or frame.get("op", ""),
        }


@dataclass(slots=True)
class PrivateSocket:
    """Streams of one account, after ``auth``."""

    conn_id: str
    keys: Keys
    topics: set[str] = field(default_factory=set)
    account: Account | None = None

    def receive(self, text: str, now_ms: int) -> list[Frame]:
        """Auth, subscribe, unsubscribe, ping."""
        frame = _parse(text) or {}
        match frame.get("op"):
            case "ping":
                pong: Frame = {"op": "pong", "args": [str(now_ms)], "conn_id": self.conn_id}
                return [{"req_id": frame.get("req_id", ""), **pong}]
            case "auth":
                return [self._auth(frame, now_ms)]
            case "subscribe" | "unsubscribe":
                return [self._subscribe(frame)]
            case op:
                return [self._ack(frame, f"error:unknown op {op}", is_ok=False)]

    def _auth(self, frame: Frame, now_ms: int) -> Frame:
        try:
            self.account = self.keys.socket(frame.get("args"), now_ms)
        except Refusal as exc:
            return self._ack(frame, exc.ret_msg, is_ok=False)
        return self._ack(frame, "")

    def _subscribe(self, frame: Frame) -> Frame:
        args = frame.get("args")
        if self.account is None:
            return self._ack(frame, "Request not authorized", is_ok=False)
        if not isinstance(args, list) or not args:
            return self._ack(frame, "error:args invalid", is_ok=False)
        topics = [str(topic).removesuffix(".linear") for topic in args]
        unknown = [topic for topic in topics if topic not in _PRIVATE_TOPICS]
        if unknown:
            text = f"error:handler not found,topic:{unknown[0]}"
            return self._ack(frame, text, is_ok=False)
        if frame["op"] == "subscribe":
            self.topics.update(topics)
        else:
            self.topics.difference_update(topics)
        return self._ack(frame, "")

    def _ack(self, frame: Frame, text: str, *, is_ok: bool = True) -> Frame:
        ack: Frame = {
            "success": is_ok,
            "ret_msg": text,
            "op": frame.get("op", ""),
            "conn_id": self.conn_id,
        }
        if "req_id" in frame:
            ack["req_id"] = frame["req_id"]
        return ack


@dataclass(slots=True)
class TradeSocket:
    """Order entry over a socket, after ``auth``."""

    conn_id: str
    keys: Keys
    exchange: LocalExchange
    limits: AccountLimits
    gate: Gate
    topics: set[str] = field(default_factory=set)
    account: Account | None = None
    _seen: deque[str] = field(default_factory=lambda: deque(maxlen=_REQUEST_IDS_KEPT))

    def receive(self, text: str, now_ms: int) -> list[Frame]:
        """Auth, orders, ping."""
        frame = _parse(text) or {}
        op = frame.get("op")
        if op == "ping":
            return [self._reply({**frame, "op": "pong"}, OK, "OK", {"data": [str(now_ms)]})]
        try:
            if op == "auth":
                self.account = self.keys.socket(frame.get("args"), now_ms)
                return [self._reply(frame, OK, "OK")]
            return [self._order(frame, now_ms)]
        except Exceeded as exc:
            told: Frame = {"header": self._header(now_ms, exc.quota.headers()), "data": {}}
            return [self._reply(frame, exc.ret_code, exc.ret_msg, told)]
        except Refusal as exc:
            more: Frame = {}
            if op != "auth":
                more = {"header": self._header(now_ms, {}), "data": {}}
            return [self._reply(frame, exc.ret_code, exc.ret_msg, more)]

    def _order(self, frame: Frame, now_ms: int) -> Frame:
        path = _TRADE_PATHS.get(str(frame.get("op")))
        if path is None:
            raise Refusal(OP_NOT_FOUND, "op type is not found")
        if self.account is None:
            raise Refusal(BAD_PARAMETER, "Request not authorized")
        self.gate.check_signed(path, now_ms)
        self._check_request_id(frame)
        header = frame.get("header")
        if not isinstance(header, dict):
            raise Refusal(BAD_PARAMETER, "params error: header invalid")
        check_time(header.get("X-BAPI-TIMESTAMP"), header.get("X-BAPI-RECV-WINDOW"), now_ms)
        args = frame.get("args")
        if not isinstance(args, list) or len(args) != 1 or not isinstance(args[0], dict):
            raise Refusal(BAD_PARAMETER, "params error: args must hold one request")
        batch = args[0].get("request") if path in ORDER_BATCHES else None
        if path in ORDER_BATCHES and not _is_batch(batch):
            raise Refusal(BAD_PARAMETER, "params error: request invalid")
        quota = self.limits.take(self.account.uid, path, now_ms, len(batch or (1,)))
        more: Frame = {"header": self._header(now_ms, quota.headers() if quota else {})}
        if batch:
            more["data"], more["retExtInfo"] = run_batch(
                self.exchange, self.account.uid, path, args[0], batch
            )
        else:
            more["data"] = ORDER_REQUESTS[path](self.exchange, self.account.uid, args[0])
        return self._reply(frame, OK, "OK", more)

    def _check_request_id(self, frame: Frame) -> None:
        request_id = frame.get("reqId")
        if request_id is None:
            return
        if request_id in self._seen:
            raise Refusal(DUPLICATE_REQUEST_ID, "reqId is duplicated")
        self._seen.append(str(request_id))

    def _reply(self, frame: Frame, code: int, text: str, more: Frame | None = None) -> Frame:
        reply: Frame = {"reqId": frame["reqId"]} if "reqId" in frame else {}
        reply |= {"retCode": code, "retMsg": text, "op": frame.get("op", "")}
        return {**reply, **(more or {}), "connId": self.conn_id}

    @staticmethod
    def _header(now_ms: int, quota: Mapping[str, str]) -> dict[str, str]:
        return {**quota, "Traceid": f"{now_ms:032x}", "Timenow": str(now_ms)}


def _is_batch(batch: object) -> bool:
    return (
        isinstance(batch, list)
        and 1 <= len(batch) <= 20
        and all(isinstance(item, dict) for item in batch)
    )
