"""What the health paths answer. Pure: a view in, a status and a body out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from mmbot.api.health.view import HealthView
from mmbot.units import NS_PER_SEC

__all__ = ["PATHS", "STALLED_NS", "answer"]

STALLED_NS: Final = 5 * NS_PER_SEC
"""Age of a view from which on its session stands still: nothing it says is true any more."""
_UNKNOWN_NS: Final = 10 * NS_PER_SEC
_RECONCILE_NS: Final = 60 * NS_PER_SEC

Body = dict[str, Any]


def answer(path: str, view: HealthView, *, now_ns: int, started_ns: int) -> tuple[int, Body]:
    """The status and body of one of `PATHS`.

    Args:
        path: without its query.
        view: the session's newest.
        now_ns: wall clock.
        started_ns: when the process began to answer.
    """
    if path == "/healthz":
        return 200, {"status": "ok", "uptime_seconds": max(0, now_ns - started_ns) / NS_PER_SEC}
    reasons, body = PATHS[path](view, now_ns)
    if view.stage == "trading" and now_ns - view.at_ns > STALLED_NS:
        reasons.add("loop_stalled")
    if path == "/readyz":
        found = {"status": "not_ready", "reasons": sorted(reasons)}
        return (503, found) if reasons else (200, {"status": "ready"})
    if reasons:
        return 503, {"status": "fail", "reasons": sorted(reasons), **body}
    return 200, {"status": "ok", **body}


def _named(**reasons: bool) -> set[str]:
    return {name for name, holds in reasons.items() if holds}


def _alive(view: HealthView, now_ns: int) -> tuple[set[str], Body]:
    del view, now_ns
    return set(), {}


def _ready(view: HealthView, now_ns: int) -> tuple[set[str], Body]:
    del now_ns
    reasons = _named(
        audit_unwritable=not view.is_audit_writable,
        circuit_open=view.circuit == "open",
        guard_paused_effective=view.guard_paused,
        not_leader=not view.leads,
        reconcile_pending=view.is_reconciling,
        rest_unavailable=not view.connector.rest_ok,
        risk_paused=view.risk_paused,
        starting=view.stage == "starting",
        stopping=view.stage == "stopping",
        ws_disconnected=not view.connector.ws_connected,
    )
    return reasons, {}


def _orders(view: HealthView, now_ns: int) -> tuple[set[str], Body]:
    unknown_ns = 0 if view.oldest_unknown_ns is None else now_ns - view.oldest_unknown_ns
    age_ns = None if view.reconciled_ns is None else max(0, now_ns - view.reconciled_ns)
    reasons = _named(
        unknown_orders=unknown_ns > _UNKNOWN_NS,
        reconcile_stale=view.stage == "trading" and (age_ns is None or age_ns > _RECONCILE_NS),
    )
    return reasons, {
        "active_orders": view.active_orders,
        "unknown_orders": view.unknown_orders,
        "last_reconcile_age_sec": None if age_ns is None else age_ns / NS_PER_SEC,
        "reject_rate": view.reject_rate,
        "order_age_p95_ms": view.order_age_p95_ms,
    }


def _risk(view: HealthView, now_ns: int) -> tuple[set[str], Body]:
    del now_ns
    reasons = _named(
        risk_paused=view.risk_paused,
        caps_breached=view.caps_breached,
        skew_breached=view.skew_breached,
    )
    return reasons, {
        "risk_paused": view.risk_paused,
        "guard_paused_effective": view.guard_paused,
        "drawdown_day": view.drawdown_day,
        "intraday_caps_breached": view.caps_breached,
        "position_skew_breach": view.skew_breached,
    }


def _connectors(view: HealthView, now_ns: int) -> tuple[set[str], Body]:
    del now_ns
    found, lag_max = view.connector, view.ws_lag_ms_max
    lag_ms, rate_max = found.lag_ms, view.rest_error_rate_max
    reasons = _named(
        ws_disconnected=not found.ws_connected,
        ws_lag=lag_max is not None and lag_ms is not None and lag_ms > lag_max,
        rest_errors=rate_max is not None and found.rest_error_rate > rate_max,
        circuit_open=view.circuit == "open",
    )
    return reasons, {
        "ws": {
            "connected": found.ws_connected,
            "lag_ms": found.lag_ms,
            "reconnects": found.reconnects,
        },
        "rest": {"ok": found.rest_ok, "error_rate": found.rest_error_rate},
        "circuit": view.circuit,
    }


PATHS: Final[Mapping[str, Callable[[HealthView, int], tuple[set[str], Body]]]] = MappingProxyType(
    {
        "/healthz": _alive,
        "/readyz": _ready,
        "/healthz/orders": _orders,
        "/healthz/risk": _risk,
        "/healthz/connectors": _connectors,
    }
)
"""Everything that is answered, and how."""
