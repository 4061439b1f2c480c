"""Bybit's rate limits as published for new accounts, and what its answers say about them.

https://bybit-exchange.github.io/docs/v5/rate-limit: a rolling second per account and endpoint, with
the headers ``X-Bapi-Limit`` (in force), ``X-Bapi-Limit-Status`` (left) and
``X-Bapi-Limit-Reset-Timestamp`` (ms by the venue's clock: when requests pass again once the limit
is exceeded, else now); 600 HTTP requests in five seconds per address, beyond which everything is
answered with HTTP 403 for ten minutes. A batch counts as its orders in the account's bucket, whose
limit is separate from that of single orders, and as one request of the address. Requests on the
trade socket count for the account like REST requests, but not for the address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mmbot.units import NS_PER_MIN, NS_PER_MS, NS_PER_SEC
from mmbot.venues.budget.rules import BucketRule, BudgetRules, LimitSight, Scope
from mmbot.venues.failures import Operation

__all__ = ["BYBIT_BUDGET", "HTTP_ADDRESS", "ON_SOCKET", "limit_sights"]

HTTP_ADDRESS: Final = "http"
"""Bucket of the address."""
ON_SOCKET: Final = "ws:"
"""Prefix of the groups of the trade socket: ``ws:/v5/order/create``."""

_LIMIT: Final = "x-bapi-limit"
_LEFT: Final = "x-bapi-limit-status"
_RESET: Final = "x-bapi-limit-reset-timestamp"
_ACCOUNT_LIMIT: Final = 10006
_ADDRESS_LIMIT: Final = 10018
_FORBIDDEN: Final = 403
_BAN_NS: Final = 10 * NS_PER_MIN
_SPAN_NS: Final = NS_PER_SEC
_SLACK_NS: Final = 50 * NS_PER_MS
# A reset that lies further off than this is no limit of a rolling second.
_RESET_MAX_NS: Final = NS_PER_MIN

_ENDPOINTS: Final[Mapping[str, tuple[Operation, int]]] = {
    "/v5/order/create": (Operation.CREATE, 10),
    "/v5/order/create-batch": (Operation.CREATE, 10),
    "/v5/order/amend": (Operation.AMEND, 10),
    "/v5/order/amend-batch": (Operation.AMEND, 10),
    "/v5/order/cancel": (Operation.CANCEL, 10),
    "/v5/order/cancel-batch": (Operation.CANCEL, 10),
    "/v5/order/cancel-all": (Operation.CANCEL, 10),
    "/v5/order/realtime": (Operation.QUERY, 50),
    "/v5/order/history": (Operation.QUERY, 50),
    "/v5/execution/list": (Operation.QUERY, 50),
    "/v5/position/list": (Operation.QUERY, 50),
    "/v5/account/wallet-balance": (Operation.QUERY, 50),
    "/v5/account/fee-rate": (Operation.QUERY, 10),
    "/v5/account/info": (Operation.QUERY, 50),
    "/v5/user/query-api": (Operation.QUERY, 10),
}
_TRADE_SOCKET: Final = tuple(
    f"/v5/order/{verb}{batch}" for verb in ("create", "amend", "cancel") for batch in ("", "-batch")
)


def _rules() -> BudgetRules:
    buckets = {
        path: BucketRule(
            scope=Scope.UID,
            limit=limit,
            span_ns=_SPAN_NS,
            slack_ns=_SLACK_NS,
            kinds=frozenset({kind}),
            is_per_order=path.endswith("-batch"),
        )
        for path, (kind, limit) in _ENDPOINTS.items()
    }
    buckets[HTTP_ADDRESS] = BucketRule(
        scope=Scope.IP,
        limit=600,
        span_ns=5 * NS_PER_SEC,
        slack_ns=_SLACK_NS,
        kinds=frozenset(Operation),
    )
    groups: dict[str, tuple[str, ...]] = {path: (path, HTTP_ADDRESS) for path in _ENDPOINTS}
    groups |= {f"{ON_SOCKET}{path}": (path,) for path in _TRADE_SOCKET}
    return BudgetRules(buckets, groups, unnamed=(HTTP_ADDRESS,))


BYBIT_BUDGET: Final = _rules()
"""Groups are REST paths (``/v5/order/create``) and, with `ON_SOCKET`, those of the trade socket."""


def limit_sights(
    headers: Mapping[str, str],
    *,
    http_status: int | None,
    ret_code: int | None,
    venue_now_ms: int | None,
) -> list[LimitSight]:
    """What an answer says about the limits of its endpoint.

    Args:
        headers: of the HTTP answer, or ``header`` of an answer on the trade socket; any case.
        http_status: None on a socket.
        ret_code: None without a body that can be read.
        venue_now_ms: the venue's clock at the answer (``time`` of the body), None if unknown.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    limit, left, reset_ms = (_whole(lower.get(name)) for name in (_LIMIT, _LEFT, _RESET))
    blocked_ns = 0
    if ret_code == _ACCOUNT_LIMIT:
        blocked_ns = _SPAN_NS
        if reset_ms is not None and venue_now_ms is not None:
            until_ns = (reset_ms - venue_now_ms) * NS_PER_MS
            blocked_ns = min(max(until_ns, 0), _RESET_MAX_NS) or _SLACK_NS
        left = 0 if left is None else left
    sights = []
    if limit is not None or left is not None or blocked_ns:
        sights.append(LimitSight(scope=Scope.UID, limit=limit, left=left, blocked_ns=blocked_ns))
    if http_status == _FORBIDDEN:
        sights.append(LimitSight(scope=Scope.IP, blocked_ns=_BAN_NS))
    elif ret_code == _ADDRESS_LIMIT:
        sights.append(LimitSight(scope=Scope.IP, left=0, blocked_ns=5 * _SPAN_NS))
    return sights


def _whole(text: str | None) -> int | None:
    is_whole = text is not None and text.isascii() and text.isdigit() and len(text) <= 18
    return int(text) if text is not None and is_whole else None
