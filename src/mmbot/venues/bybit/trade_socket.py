"""Order entry over Bybit's trade socket: requests out, answers matched by ``reqId``.

A request is sent once. It ends with its answer, with its deadline, or with its connection; in the
last two cases nobody knows whether it had an effect, the error says so (`is_sent`), and it is never
sent again from here. An answer that comes after its deadline is counted and dropped: the private
stream tells what became of the order.

https://bybit-exchange.github.io/docs/v5/websocket/trade/guideline
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from mmbot.clock import monotonic_ns, wall_ns
from mmbot.ids import base36
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.budget.turnstile import Turnstile
from mmbot.venues.bybit.answers import Answer, Asked, read_answer
from mmbot.venues.bybit.codes import BYBIT_CODES
from mmbot.venues.bybit.limits import ON_SOCKET, limit_sights
from mmbot.venues.bybit.signing import ApiCredentials, auth_args
from mmbot.venues.failures import FailureKind, Operation
from mmbot.venues.ports import CallError, GapReason
from mmbot.venues.stream.heartbeat import QUIET_SOCKET, Heartbeat, Pulse
from mmbot.venues.stream.socket import ReconnectingSocket, Tick
from mmbot.venues.stream.venue_clock import VenueClock

__all__ = ["AUTH_VALID_MS", "TradeDialogue", "TradeSocket", "auth_frame"]

AUTH_VALID_MS: Final = 10_000
_AUTH_PATIENCE_NS: Final = 5 * NS_PER_SEC
_ENCODER: Final = msgspec.json.Encoder()
_PING: Final = b'{"op":"ping"}'


def auth_frame(credentials: ApiCredentials, venue_ns: int, *, req_id: str | None = None) -> bytes:
    """The request that opens a private or trade connection."""
    expires_ms = venue_ns // NS_PER_MS + AUTH_VALID_MS
    frame: dict[str, object] = {"op": "auth", "args": auth_args(credentials, expires_ms=expires_ms)}
    if req_id is not None:
        frame["reqId"] = req_id
    return _ENCODER.encode(frame)


@dataclass(slots=True)
class _Pending:
    future: asyncio.Future[Answer]
    asked: Asked
    path: str
    sent_ns: int


class TradeDialogue:
    """What is said on the trade socket; see `mmbot.venues.stream.socket.Dialogue`."""

    def __init__(
        self, credentials: ApiCredentials, *, clock: VenueClock, budget: Turnstile
    ) -> None:
        self.is_ready = False
        self.refusal: CallError | None = None
        self.late_answers = 0
        self.unreadable = 0
        self._credentials = credentials
        self._clock = clock
        self._budget = budget
        self._pending: dict[str, _Pending] = {}
        self._heartbeat = Heartbeat(QUIET_SOCKET, 0)
        self._opened_ns = 0
        self._is_impossible = False
        self._observing: set[asyncio.Task[None]] = set()

    def opened(self, now_ns: int) -> Sequence[bytes]:
        """Say who we are."""
        self.is_ready = False
        self._opened_ns = now_ns
        self._heartbeat = Heartbeat(QUIET_SOCKET, now_ns)
        venue_ns = self._clock.now_ns()
        # Without the venue's time no signature is right; the adapter measures it before it begins.
        self._is_impossible = venue_ns is None
        return [] if venue_ns is None else [auth_frame(self._credentials, venue_ns)]

    def received(self, frame: bytes, now_ns: int) -> Sequence[bytes]:
        """Match an answer with its request."""
        self._heartbeat.heard(now_ns)
        answer = read_answer(frame)
        if answer is None:
            self.unreadable += 1
            return ()
        if answer.op == "auth":
            self._authenticated(answer)
            return ()
        pending = self._pending.pop(answer.req_id, None) if answer.req_id else None
        if pending is None:
            self.late_answers += answer.op.startswith("order.")
            return ()
        self._learn(answer, pending, now_ns)
        if not pending.future.done():
            pending.future.set_result(answer)
        return ()

    def ticked(self, now_ns: int) -> Tick:
        """Keep the connection alive, or find it dead."""
        if self._is_impossible:
            return Tick(lost=GapReason.DISCONNECTED)
        if not self.is_ready and now_ns - self._opened_ns > _AUTH_PATIENCE_NS:
            return Tick(lost=GapReason.HALF_OPEN)
        match self._heartbeat.check(now_ns):
            case Pulse.DEAD:
                return Tick(lost=GapReason.HALF_OPEN)
            case Pulse.PING:
                return Tick((_PING,))
            case Pulse.FINE:
                return Tick()

    def lost(self, reason: GapReason) -> None:
        """Nobody knows what became of what was sent and not answered."""
        self.is_ready = False
        pending, self._pending = self._pending, {}
        for one in pending.values():
            if not one.future.done():
                text = f"the trade socket was lost: {reason}"
                one.future.set_exception(one.asked.error(FailureKind.DISCONNECT, text))

    def expect(
        self, req_id: str, asked: Asked, path: str, *, sent_ns: int | None = None
    ) -> asyncio.Future[Answer]:
        """Wait for the answer to a request that was sent just now."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._pending[req_id] = _Pending(
            future, asked, path, monotonic_ns() if sent_ns is None else sent_ns
        )
        return future

    def forget(self, req_id: str) -> None:
        """Do not wait any longer."""
        self._pending.pop(req_id, None)

    def _authenticated(self, answer: Answer) -> None:
        if answer.ret_code == 0:
            self.is_ready = True
        elif answer.ret_code in BYBIT_CODES.session_refused:
            asked = Asked(Operation.QUERY)
            self.refusal = asked.error(FailureKind.CODE, answer.ret_msg, code=answer.ret_code)

    def _learn(self, answer: Answer, pending: _Pending, now_ns: int) -> None:
        """What the answer's header says about the clock and the limits."""
        told = {name.lower(): value for name, value in answer.header.items()}
        text = told.get("timenow", "")
        venue_ms = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
        if venue_ms:
            self._clock.observe(
                sent_ns=pending.sent_ns,
                recv_ns=now_ns,
                venue_ns=venue_ms * NS_PER_MS,
                grain_ns=NS_PER_MS,
            )
        sights = limit_sights(
            answer.header, http_status=None, ret_code=answer.ret_code, venue_now_ms=venue_ms
        )
        for sight in sights:
            told_budget = self._budget.budget.observe(
                f"{ON_SOCKET}{pending.path}", sight, now_ns=now_ns
            )
            task = asyncio.ensure_future(told_budget)
            self._observing.add(task)
            task.add_done_callback(self._observing.discard)


class TradeSocket:
    """Sends requests on a trade socket while it is up."""

    def __init__(self, socket: ReconnectingSocket, dialogue: TradeDialogue) -> None:
        self.socket = socket
        self.dialogue = dialogue
        # An id that the venue has seen, perhaps from an earlier process, is refused (20006).
        self._prefix = base36(wall_ns())
        self._numbers = itertools.count(1)

    @property
    def is_up(self) -> bool:
        """Whether requests can be sent."""
        return self.socket.is_up

    def next_req_id(self) -> str:
        """An id that no request of this or an earlier process had."""
        return f"{self._prefix}-{next(self._numbers)}"

    def begin(
        self, frame: bytes, req_id: str, asked: Asked, *, path: str, deadline_ms: int
    ) -> asyncio.Future[Answer]:
        """Send a request that is already encoded; what is returned has its answer.

        Args:
            frame: one text frame; its ``reqId`` is `req_id`.
            req_id: unique.
            asked: what it asks, for errors.
            path: REST path of the same request, for the budget.
            deadline_ms: how long the answer may take.

        Returns:
            The answer, whatever its code; or `CallError`: `TIMEOUT` or `DISCONNECT`, and sent, when
            nobody knows.

        Raises:
            CallError: `CONNECT` and not sent while the socket is down.
        """
        sent_ns = monotonic_ns()
        if not self.socket.send(frame):
            raise asked.error(FailureKind.CONNECT, "the trade socket is down", is_sent=False)
        return self.answer_to(req_id, asked, path, sent_ns=sent_ns, deadline_ms=deadline_ms)

    def send(self, frame: bytes) -> bool:
        """Send a request; False, and nothing was written, while the socket is down.

        `answer_to` has to follow before anything is waited for.
        """
        return self.socket.send(frame)

    def answer_to(
        self, req_id: str, asked: Asked, path: str, *, sent_ns: int, deadline_ms: int
    ) -> asyncio.Future[Answer]:
        """The answer to what was sent just now; see `begin`."""
        answered = self.dialogue.expect(req_id, asked, path, sent_ns=sent_ns)

        def late() -> None:
            if not answered.done():
                text = f"no answer on the trade socket within {deadline_ms} ms"
                answered.set_exception(asked.error(FailureKind.TIMEOUT, text))

        timer = answered.get_loop().call_later(deadline_ms / 1_000, late)

        def over(_: asyncio.Future[Answer]) -> None:
            timer.cancel()
            self.dialogue.forget(req_id)

        answered.add_done_callback(over)
        return answered
