"""What a session says of its health, once a second."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mmbot.venues.ports import ConnectorHealth

__all__ = ["HealthView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """A session at `at_ns`; times are nanoseconds since 1970.

    Attributes:
        stage: where it is.
        leads: False for a follower.
        circuit: state of the circuit breaker.
        risk_paused: whether the risk grade keeps it from quoting.
        guard_paused: whether the runtime guard does, dry runs left out.
        drawdown_day: fraction of the day's high water.
        caps_breached: a cap of the day was hit.
        skew_breached: a limit of positions was.
        active_orders: orders that may be filled.
        unknown_orders: those of them of which nobody knows what they are.
        oldest_unknown_ns: since when the oldest of these; None without one.
        reconciled_ns: last comparison with the venue, None before the first.
        is_reconciling: nothing may be quoted before the next one.
        reject_rate: share of refused requests.
        order_age_p95_ms: nearest-rank 95th percentile over active orders; None without one.
        connector: the venue's connections.
        is_audit_writable: whether audit lines reach their file.
        ws_lag_ms_max: `runtime_guard.ws_lag_ms_max` in force.
        rest_error_rate_max: `runtime_guard.rest_error_rate_max` in force.
    """

    at_ns: int
    stage: Literal["starting", "trading", "stopping"]
    leads: bool = True
    circuit: str = "closed"
    risk_paused: bool = False
    guard_paused: bool = False
    drawdown_day: float = 0.0
    caps_breached: bool = False
    skew_breached: bool = False
    active_orders: int = 0
    unknown_orders: int = 0
    oldest_unknown_ns: int | None = None
    reconciled_ns: int | None = None
    is_reconciling: bool = False
    reject_rate: float = 0.0
    order_age_p95_ms: float | None = None
    connector: ConnectorHealth = field(default_factory=ConnectorHealth)
    is_audit_writable: bool = True
    ws_lag_ms_max: float | None = None
    rest_error_rate_max: float | None = None
