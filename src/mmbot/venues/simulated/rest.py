"""The REST side as one function: a request in, an answer out.

Order of checks: the address's limit (403), the route, the signature, the account's limit (10006),
then the request itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from mmbot.units import NS_PER_MS
from mmbot.venues.simulated.auth import Keys
from mmbot.venues.simulated.codes import BAD_PARAMETER, OK, ROUTE_NOT_FOUND, SERVER_ERROR, Refusal
from mmbot.venues.simulated.engine import LocalExchange
from mmbot.venues.simulated.entry import amend_order, cancel_all, cancel_order, create_order
from mmbot.venues.simulated.gate import Gate
from mmbot.venues.simulated.limits import AccountLimits, AddressLimits, Exceeded
from mmbot.venues.simulated.protection import protection_info, set_protection
from mmbot.venues.simulated.queries import (
    PRIVATE_QUERIES,
    PUBLIC_QUERIES,
    set_leverage,
    switch_mode,
)

__all__ = ["ORDER_BATCHES", "ORDER_REQUESTS", "RestAnswer", "RestApi", "RestRequest", "run_batch"]

Params = Mapping[str, object]
Result = dict[str, Any]
_Command = Callable[[LocalExchange, int, Params], Result]

ORDER_REQUESTS: Final[Mapping[str, _Command]] = {
    "/v5/order/create": create_order,
    "/v5/order/amend": amend_order,
    "/v5/order/cancel": cancel_order,
}
ORDER_BATCHES: Final[Mapping[str, _Command]] = {
    "/v5/order/create-batch": create_order,
    "/v5/order/amend-batch": amend_order,
    "/v5/order/cancel-batch": cancel_order,
}
_COMMANDS: Final[Mapping[str, _Command]] = {
    **ORDER_REQUESTS,
    "/v5/order/cancel-all": cancel_all,
    "/v5/order/disconnected-cancel-all": set_protection,
    "/v5/position/set-leverage": set_leverage,
    "/v5/position/switch-mode": switch_mode,
}
_QUERIES: Final[Mapping[str, _Command]] = {
    **PRIVATE_QUERIES,
    "/v5/account/query-dcp-info": protection_info,
}
_BATCH_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class RestRequest:
    """An HTTP request; header names in lower case, `query` as it came (it is what was signed)."""

    method: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]
    address: str


@dataclass(frozen=True, slots=True)
class RestAnswer:
    """An HTTP answer."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class RestApi:
    """Answers requests of all clients."""

    exchange: LocalExchange
    keys: Keys
    account_limits: AccountLimits
    address_limits: AddressLimits
    gate: Gate = field(default_factory=Gate)

    def answer(self, request: RestRequest, now_ms: int) -> RestAnswer:
        """What the exchange says to a request at `now_ms` of its clock."""
        is_known = self.address_limits.may_request(request.address, now_ms)
        if self.gate.is_forbidden or not is_known:
            return RestAnswer(403, "403, access too frequent")
        headers: dict[str, str] = {}
        try:
            result, extra = self._dispatch(request, now_ms, headers)
        except Exceeded as exc:
            headers.update(exc.quota.headers())
            return _answer(exc.ret_code, exc.ret_msg, now_ms=now_ms, headers=headers)
        except Refusal as exc:
            status = 404 if exc.ret_code == ROUTE_NOT_FOUND else 200
            return _answer(exc.ret_code, exc.ret_msg, now_ms=now_ms, headers=headers, status=status)
        return _answer(OK, "OK", now_ms=now_ms, headers=headers, result=result, extra=extra)

    def _dispatch(
        self, request: RestRequest, now_ms: int, headers: dict[str, str]
    ) -> tuple[Result, Result]:
        path = request.path
        if request.method == "GET" and path == "/v5/market/time":
            return {"timeSecond": str(now_ms // 1000), "timeNano": str(now_ms * NS_PER_MS)}, {}
        if request.method == "GET" and path in PUBLIC_QUERIES:
            if self.gate.is_in_maintenance:
                raise Refusal(SERVER_ERROR)
            return PUBLIC_QUERIES[path](self.exchange, _query(request)), {}
        private = _QUERIES if request.method == "GET" else {**_COMMANDS, **ORDER_BATCHES}
        if request.method not in ("GET", "POST") or path not in private:
            raise Refusal(ROUTE_NOT_FOUND)
        payload = request.query if request.method == "GET" else request.body
        uid = self.keys.rest(request.headers, payload, now_ms).uid
        self.gate.check_signed(path, now_ms)
        params = _query(request) if request.method == "GET" else _body(request)
        batch = _batch(params) if path in ORDER_BATCHES else None
        quota = self.account_limits.take(uid, path, now_ms, len(batch or (1,)))
        if quota is not None:
            headers.update(quota.headers())
        if batch is not None:
            return run_batch(self.exchange, uid, path, params, batch)
        if request.method == "GET":
            return _QUERIES[path](self.exchange, uid, params), {}
        return _COMMANDS[path](self.exchange, uid, params), {}


def run_batch(
    exchange: LocalExchange, uid: int, path: str, params: Params, batch: list[Params]
) -> tuple[Result, Result]:
    """Each order of a batch on its own: results, and code and text of each."""
    rows: list[Result] = []
    codes: list[Result] = []
    for item in batch:
        asked = {**item, "category": params.get("category")}
        symbol = str(item.get("symbol") or "")
        ids: Result = {"orderId": "", "orderLinkId": str(item.get("orderLinkId") or "")}
        code, text = OK, "OK"
        try:
            ids = ORDER_BATCHES[path](exchange, uid, asked)
        except Refusal as exc:
            code, text = exc.ret_code, exc.ret_msg
        row: Result = {"category": params.get("category"), "symbol": symbol, **ids}
        if path.endswith("create-batch"):
            row["createAt"] = str(exchange.now_ms) if code == OK else ""
        rows.append(row)
        codes.append({"code": code, "msg": text})
    return {"list": rows}, {"list": codes}


def _batch(params: Params) -> list[Params]:
    batch = params.get("request")
    if not isinstance(batch, list) or not 1 <= len(batch) <= _BATCH_MAX:
        raise Refusal(BAD_PARAMETER, f"params error: request must hold 1 to {_BATCH_MAX} orders")
    if not all(isinstance(item, dict) for item in batch):
        raise Refusal(BAD_PARAMETER, "params error: request invalid")
    return batch


def _query(request: RestRequest) -> Params:
    return dict(parse_qsl(request.query, keep_blank_values=True))


def _body(request: RestRequest) -> Params:
    try:
        params = json.loads(request.body or "{}")
    except (ValueError, RecursionError):
        raise Refusal(BAD_PARAMETER, "params error: body is not JSON") from None
    if not isinstance(params, dict):
        raise Refusal(BAD_PARAMETER, "params error: body is not an object")
    return params


def _answer(
    code: int,
    text: str,
    *,
    now_ms: int,
    headers: Mapping[str, str],
    result: Result | None = None,
    extra: Result | None = None,
    status: int = 200,
) -> RestAnswer:
    body = {
        "retCode": code,
        "retMsg": text,
        "result": result or {},
        "retExtInfo": extra or {},
        "time": now_ms,
    }
    return RestAnswer(status, json.dumps(body, separators=(",", ":")), headers)
