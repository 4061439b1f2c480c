"""The kill drill of a running session: it is killed for real, and every second of it is judged.

Pure: samples in, a verdict out. A kill acts at the session's next synchronisation; what is created
until then may still have been decided before. From the first sample behind it (the gate is closed)
nothing may be created or amended. When no order rests, is unknown or under way any more, the drill
goes on watching for a while, then it has passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["DrillResult", "DrillSample", "DrillWatch", "drill_sample", "obstacle"]

#: A kill has reached every symbol: two synchronisations of 100 ms.
_GATE_NS: Final = 200 * NS_PER_MS
#: Cancels need round trips, and some are sent again.
_GONE_WITHIN_NS: Final = 10 * NS_PER_SEC
#: How long it is watched after the last order has gone.
_WATCHED_NS: Final = 3 * NS_PER_SEC


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillSample:
    """A session at `ts_ns`, by its own clock; sums over its symbols.

    `open_orders` rest, are unknown or under way; `created` and `amended` are requests sent so far.
    """

    ts_ns: int
    open_orders: int
    created: int
    amended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillResult:
    """What a drill has shown; times in ms after the kill, None for what never came."""

    verdict: Literal["passed", "orders_left", "order_created"]
    orders_at_kill: int
    orders_left: int
    created_after_gate: int
    amended_after_gate: int
    gate_closed_ms: float | None
    gone_ms: float | None
    watched_ms: float

    @property
    def passed(self) -> bool:
        """No order was left and none was created."""
        return self.verdict == "passed"

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "passed": self.passed}


def drill_sample(
    state: Mapping[str, Any], snapshots: Mapping[str, Mapping[str, Any]]
) -> DrillSample:
    """A sample of an engine: `SessionControl.state`, and `Backtest.snapshot` by symbol."""
    orders = [part["orders"] for part in state["by_symbol"].values()]
    return DrillSample(
        ts_ns=state["ts_ns"],
        open_orders=sum(len(snapshot["orders"]) for snapshot in snapshots.values()),
        created=sum(one["creates_total"] for one in orders),
        amended=sum(one["amends_total"] for one in orders),
    )


def obstacle(state: Mapping[str, Any]) -> str | None:
    """Why a session is not drilled: one that quotes nothing shows nothing."""
    grade = state["risk"]["grade"]
    return f"the risk grade is {grade} already" if grade in ("FLAT", "HALTED") else None


class DrillWatch:
    """Judges a drill; `begin` with the last sample before the kill."""

    def __init__(self, before: DrillSample) -> None:
        self._before = before
        self._gate: DrillSample | None = None
        self._gone_ns: int | None = None

    def see(self, sample: DrillSample) -> DrillResult | None:
        """Take in a sample; the result once the drill is over."""
        since_ns = sample.ts_ns - self._before.ts_ns
        if since_ns < _GATE_NS:
            return None
        if self._gate is None:
            self._gate = sample
        if sample.created > self._gate.created or sample.amended > self._gate.amended:
            return self._result("order_created", sample)
        if sample.open_orders:
            # an order that comes back, say as a late report has it, has not gone
            self._gone_ns = None
            return self._result("orders_left", sample) if since_ns >= _GONE_WITHIN_NS else None
        if self._gone_ns is None:
            self._gone_ns = sample.ts_ns
        return self._result("passed", sample) if self._is_over(sample) else None

    def _is_over(self, sample: DrillSample) -> bool:
        return self._gone_ns is not None and sample.ts_ns - self._gone_ns >= _WATCHED_NS

    def _result(
        self, verdict: Literal["passed", "orders_left", "order_created"], last: DrillSample
    ) -> DrillResult:
        gate = self._gate or last
        return DrillResult(
            verdict=verdict,
            orders_at_kill=self._before.open_orders,
            orders_left=last.open_orders,
            created_after_gate=last.created - gate.created,
            amended_after_gate=last.amended - gate.amended,
            gate_closed_ms=self._ms(gate.ts_ns),
            gone_ms=None if self._gone_ns is None else self._ms(self._gone_ns),
            watched_ms=self._ms(last.ts_ns),
        )

    def _ms(self, ts_ns: int) -> float:
        return (ts_ns - self._before.ts_ns) / NS_PER_MS
