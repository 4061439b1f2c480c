"""Bodies of ``/admin/anti-stale-guard``."""

from __future__ import annotations

from typing import Literal

from mmbot.api.bodies import Answer, Request

__all__ = [
    "AntiStaleAnswer",
    "AntiStaleDisabled",
    "AntiStaleReason",
    "AntiStaleRequest",
    "AntiStaleResult",
    "StaleOrderAction",
]

AntiStaleReason = Literal["ttl_expired", "price_drift"]


class AntiStaleAnswer(Answer):
    """Settings in force and how many orders are watched."""

    active_orders_count: int
    enabled: bool
    order_ttl_ms: int
    price_drift_bps: float


class AntiStaleRequest(Request):
    """Check one symbol, or all without one."""

    symbol: str = ""


class StaleOrderAction(Answer):
    """What was done about one order; `success` says that the request was taken."""

    client_order_id: str
    drift_bps: float
    reason: AntiStaleReason
    success: bool
    symbol: str


class AntiStaleResult(Answer):
    """A pass; counts are of actions that succeeded, `errors` of those that did not and of checks.

    `symbol` is ``all`` for a pass over all symbols.
    """

    actions: tuple[StaleOrderAction, ...]
    drift_refreshes: int
    enabled: Literal[True] = True
    errors: int
    symbol: str
    ttl_cancels: int


class AntiStaleDisabled(Answer):
    """The guard is off: nothing was checked."""

    actions: tuple[()] = ()
    enabled: Literal[False] = False
