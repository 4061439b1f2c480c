"""What a session at a venue publishes about itself, and the listener's answers from it.

The trading loop replaces what is published about once a second; the listener's threads read it and
touch nothing else.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mmbot.api.health.answers import PATHS, answer
from mmbot.api.health.view import HealthView
from mmbot.cli.listener import Response, json_response
from mmbot.clock import wall_ns
from mmbot.config import AppConfig
from mmbot.config.changes import key_values
from mmbot.telemetry.exposition import CONTENT_TYPE, exposition
from mmbot.telemetry.metrics import SessionMetrics
from mmbot.trading.live.fault_book import FaultBook
from mmbot.trading.live.holds import HoldReason
from mmbot.trading.reconcile import OrderState
from mmbot.units import NS_PER_SEC
from mmbot.venues.ports import ConnectorHealth

if TYPE_CHECKING:
    from mmbot.trading.live.shell import Shell

__all__ = ["METRICS_PATH", "HealthWatch"]

METRICS_PATH: Final = "/metrics"
_UNTIL_RECONCILED: Final = (HoldReason.RECOVERY, HoldReason.PRIVATE, HoldReason.DESYNC)


@dataclass(frozen=True, slots=True)
class _Published:
    """What the loop gives away as a whole; `state` and `config` are None before it has any."""

    view: HealthView
    state: Mapping[str, Any] | None = None
    config: AppConfig | None = None
    given: dict[str, dict[tuple[str, ...], float]] = field(default_factory=dict)


@dataclass(slots=True)
class HealthWatch:
    """A `mmbot.trading.live.shell_records.Watch`; `respond` is for a `Listener`.

    Args:
        connector: how the venue's connections are; None as far as the session itself sees.
        config: the configuration in force.
        metrics: makes samples.
        is_audit_writable: whether audit lines reach their file.
        faults: what went wrong so far.
        clock: wall clock.
    """

    connector: Callable[[], ConnectorHealth] | None
    config: Callable[[], AppConfig]
    metrics: SessionMetrics
    is_audit_writable: Callable[[], bool]
    faults: FaultBook = field(default_factory=FaultBook)
    clock: Callable[[], int] = wall_ns
    requests: Counter[str] = field(default_factory=Counter)
    _started_ns: int = 0
    _next_ns: int = 0
    _published: _Published = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Answer that it starts."""
        self._started_ns = self.clock()
        self._published = _Published(HealthView(at_ns=self._started_ns, stage="starting"))

    async def look(self, shell: Shell, now_ns: int) -> None:
        """Publish once a second, and at once that the session ends."""
        is_new = shell.is_ending and self._published.view.stage != "stopping"
        if now_ns >= self._next_ns or is_new:
            self._next_ns = now_ns + NS_PER_SEC
            self.publish(shell, now_ns)

    def publish(self, shell: Shell, now_ns: int) -> None:
        """Replace what is published."""
        state = shell.desk.core.session().state()
        connector = _seen(shell) if self.connector is None else self.connector()
        view = self._view(shell, state, connector, now_ns)
        given = _given(shell, connector) | {"faults_total": _by_labels(self.faults)}
        self._published = _Published(view, state, self.config(), given)

    def respond(self, path: str) -> Response | None:
        """The answer to a path; None for one that does not exist."""
        if path != METRICS_PATH and path not in PATHS:
            return None
        with self._lock:
            self.requests[path] += 1
            if path == METRICS_PATH:
                return self._metrics_text()
        view = self._published.view
        status, body = answer(path, view, now_ns=self.clock(), started_ns=self._started_ns)
        return json_response(status, body)

    def _metrics_text(self) -> Response:
        published = self._published
        if published.state is None or published.config is None:
            return json_response(503, {"error": "metrics_not_available"})
        served: dict[tuple[str, ...], float] = {
            (path,): float(count) for path, count in self.requests.items()
        }
        samples = self.metrics.samples(
            published.state,
            config=key_values(published.config),
            given=published.given | {"http_requests_total": served},
        )
        return Response(200, CONTENT_TYPE, exposition(samples).encode("ascii", "backslashreplace"))

    def _view(
        self, shell: Shell, state: Mapping[str, Any], connector: ConnectorHealth, now_ns: int
    ) -> HealthView:
        guard = self.config().runtime_guard
        unknown = [one for one in shell.desk.ledger if one.state is OrderState.UNKNOWN]
        skew = state["pos_skew"]
        snapshots = [shell.desk.core.snapshot(symbol) for symbol in shell.plan.symbols]
        ages = sorted(order["age_ms"] for one in snapshots for order in one["orders"])
        return HealthView(
            at_ns=now_ns,
            stage="stopping" if shell.is_ending else "trading",
            leads=bool(state["leader"]),
            circuit=state["circuit"]["state"],
            risk_paused=state["risk"]["risk_paused"],
            guard_paused=state["guard"]["paused_effective"],
            drawdown_day=state["risk"]["drawdown_day"],
            caps_breached=state["intraday_caps"]["breached"],
            skew_breached=bool(skew["symbol_breach_count"] or skew["color_breach"]),
            active_orders=len(ages),
            unknown_orders=len(unknown),
            oldest_unknown_ns=min((one.asked_ns for one in unknown), default=None),
            reconciled_ns=shell.heard.cycled_ns,
            is_reconciling=any(shell.holds.has(reason) for reason in _UNTIL_RECONCILED),
            reject_rate=state["throttle"]["order_reject_rate"],
            order_age_p95_ms=ages[math.ceil(0.95 * len(ages)) - 1] if ages else None,
            connector=connector,
            is_audit_writable=self.is_audit_writable(),
            ws_lag_ms_max=guard.ws_lag_ms_max,
            rest_error_rate_max=guard.rest_error_rate_max,
        )


def _seen(shell: Shell) -> ConnectorHealth:
    """The connections of a venue whose adapter says nothing about them."""
    return ConnectorHealth(
        ws_connected=not shell.holds.has(HoldReason.PRIVATE),
        rest_ok=not shell.holds.has(HoldReason.DESYNC),
    )


def _given(shell: Shell, connector: ConnectorHealth) -> dict[str, dict[tuple[str, ...], float]]:
    """What the core does not count."""
    counts = {symbol: shell.desk.core.feed_counts(symbol) for symbol in shell.plan.symbols}
    feed = {
        "md_gaps_total": ("gaps", "lost"),
        "md_resyncs_total": ("snapshots",),
        "md_frames_rejected_total": ("rejected",),
    }
    given: dict[str, dict[tuple[str, ...], float]] = {
        name: {
            (symbol,): float(sum(found[key] for key in keys)) for symbol, found in counts.items()
        }
        for name, keys in feed.items()
    }
    actions = shell.asker.counters.actions
    return given | {
        "ws_reconnects_total": {(): float(connector.reconnects)},
        "reconcile_actions_total": {(name,): float(count) for name, count in actions.items()},
        "backoff_seconds_sum": {(): shell.sender.counters.backoff.seconds_sum},
    }


def _by_labels(faults: FaultBook) -> dict[tuple[str, ...], float]:
    parted = {name.partition("."): count for name, count in faults.totals.items()}
    return {(kind, detail): float(count) for (kind, _, detail), count in parted.items()}
