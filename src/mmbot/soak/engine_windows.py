"""Measuring windows over a running engine: where one ends the next begins, and nothing is lost.

A window ends at an instant of market time; what was counted until then is noted at once. Its fills
are complete only when the market has moved on by the adverse horizon, which is awaited with orders
running: fills of that time belong to the next window.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mmbot.research.edge_accounts import AuditedFill, Stretch
from mmbot.research.edge_sentinel import BUCKET_MIN, SentinelBucket, edge_sentinel
from mmbot.research.window_edge import WindowPart, audited_fills, counted_between, window_fields
from mmbot.store.runtime import runtime_block
from mmbot.trading.drive import Drive
from mmbot.units import NS_PER_MIN, NS_PER_MS, NS_PER_SEC, format_utc_ns

__all__ = ["EngineWindow", "EngineWindows"]

_STEP_NS: Final = NS_PER_SEC
# A fill waits for the next mid after its horizon; where the market stands still it counts later.
_WAIT_MAX_NS: Final = 5 * NS_PER_SEC
_WAIT_STEP_NS: Final = 100 * NS_PER_MS


@dataclass(frozen=True, slots=True)
class _Mark:
    """One instant: every symbol's result; empty at the start of the run."""

    ns: int
    results: tuple[Mapping[str, Any], ...]

    def fills(self, at: int) -> int:
        return int(self.results[at].get("fills_total", 0))

    def mid(self, at: int) -> float:
        return float(self.results[at].get("final_mid", 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineWindow:
    """A measured window: ends in ns of market time, the fields of an edge report, ticks."""

    from_ns: int
    to_ns: int
    symbols: Mapping[str, Mapping[str, Any]]
    totals: Mapping[str, Any]
    ticks: int
    cut: bool

    def report(self, *, horizon_ms: int, mode: str) -> dict[str, Any]:
        """The ``EDGE_REPORT`` document of the window."""
        return {
            "runtime": runtime_block(mode=mode),
            "window": {"from": format_utc_ns(self.from_ns), "to": format_utc_ns(self.to_ns)},
            "horizon_ms": horizon_ms,
            "rejected_lines": 0,
            "symbols": dict(self.symbols),
            "totals": dict(self.totals),
        }

    def sentinel(self) -> dict[str, Any]:
        """The ``EDGE_SENTINEL`` document; a window counts to the bucket that it begins in."""
        length_ns = BUCKET_MIN * NS_PER_MIN
        label = format_utc_ns(self.from_ns - self.from_ns % length_ns)[:16] + "Z"
        buckets = [
            SentinelBucket(symbol, label, fields)
            for symbol, fields in self.symbols.items()
            if fields["fills"]
        ]
        return edge_sentinel(buckets, self.totals)


class EngineWindows:
    """Advances a drive window by window; the drive has begun.

    Args:
        drive: over an engine that records.
        horizon_ns: adverse horizon.
    """

    def __init__(self, drive: Drive, horizon_ns: int) -> None:
        self._drive = drive
        self._horizon_ns = horizon_ns
        symbols = range(len(drive.feeds))
        self._waiting: list[list[AuditedFill]] = [[] for _ in symbols]
        self._measured = [0 for _ in symbols]
        self._position = [0.0 for _ in symbols]
        self._mark = _Mark(drive.start_ns, tuple({} for _ in symbols))
        self._finished = False

    @property
    def ended_ns(self) -> int:
        """Where the last window ended."""
        return self._mark.ns

    @property
    def results(self) -> tuple[Mapping[str, Any], ...]:
        """Every symbol's result at the end of the last window; empty before the first."""
        return self._mark.results

    def trade(
        self,
        length_ns: int,
        stop: Callable[[], bool],
        pace: Callable[[int], None] = lambda _ns: None,
    ) -> EngineWindow:
        """Trade one window and measure it.

        Args:
            length_ns: of market time.
            stop: asked between steps of a second; True ends the window there.
            pace: told before each step how far it leads; may sleep.

        Raises:
            CoreError: the engine cannot go on.
        """
        end_ns = self._mark.ns + length_ns
        while self._drive.target_ns < end_ns and not self._drive.exhausted and not stop():
            target_ns = min(self._drive.target_ns + _STEP_NS, end_ns)
            pace(target_ns)
            self._drive.advance(target_ns)
        cut = self._drive.target_ns < end_ns or self._drive.exhausted
        before, self._mark = self._mark, self._marked()
        self._await_fills()
        return self._measure(before, cut=cut)

    def end(self) -> int:
        """Cancel all orders and close the accounts; return how many cancels are unconfirmed."""
        if self._finished:
            return 0
        unconfirmed = self._drive.drain()
        self._finish()
        return unconfirmed

    def _marked(self) -> _Mark:
        drive = self._drive
        symbols = range(len(drive.feeds))
        return _Mark(drive.target_ns, tuple(drive.engine.result(0, at) for at in symbols))

    def _await_fills(self) -> None:
        drive = self._drive
        deadline_ns = drive.target_ns + self._horizon_ns + _WAIT_MAX_NS
        if not drive.exhausted:
            drive.advance(drive.target_ns + self._horizon_ns)
        self._take()
        while self._lacking() and not drive.exhausted and drive.target_ns < deadline_ns:
            drive.advance(drive.target_ns + _WAIT_STEP_NS)
            self._take()
        if drive.exhausted:
            self._finish()

    def _finish(self) -> None:
        if not self._finished:
            self._drive.engine.finish()
            self._finished = True
            self._take()

    def _lacking(self) -> bool:
        """Whether a fill of the window is not yet complete."""
        return any(
            self._measured[at] + len(self._waiting[at]) < self._mark.fills(at)
            for at in range(len(self._waiting))
        )

    def _take(self) -> None:
        engine = self._drive.engine
        for at, feed in enumerate(self._drive.feeds):
            self._waiting[at] += audited_fills(feed.symbol, engine.take_fills(0, at))
            # Nobody here reads these two; untaken they would fill the memory.
            engine.take_order_events(0, at)
            engine.take_curve(0, at)

    def _measure(self, before: _Mark, *, cut: bool) -> EngineWindow:
        parts = [self._part(at, before) for at in range(len(self._waiting))]
        symbols = [feed.symbol for feed in self._drive.feeds]
        totals = window_fields(parts)
        # In simulated time a decision takes none: orders leave at the instant of their frame.
        totals["tick_latency_p95_ms"] = 0.0
        counts = [counted_between(part.before, part.after) for part in parts]
        return EngineWindow(
            from_ns=before.ns,
            to_ns=self._mark.ns,
            symbols={s: window_fields([p]) for s, p in zip(symbols, parts, strict=True)},
            totals=totals,
            ticks=sum(count["total_iterations"] for count in counts),
            cut=cut,
        )

    def _part(self, at: int, before: _Mark) -> WindowPart:
        count = max(0, self._mark.fills(at) - self._measured[at])
        fills, self._waiting[at] = self._waiting[at][:count], self._waiting[at][count:]
        self._measured[at] += len(fills)
        opening_qty = self._position[at]
        signed = [fill.line.side * fill.line.qty for fill in fills]
        self._position[at] = math.fsum([opening_qty, *signed])
        return WindowPart(
            stretch=Stretch(
                fills=fills,
                opening_qty=opening_qty,
                opening_mid=before.mid(at) or _first_mid(fills),
                closing_mid=self._mark.mid(at),
            ),
            before=before.results[at],
            after=self._mark.results[at],
        )


def _first_mid(fills: Sequence[AuditedFill]) -> float:
    return fills[0].before if fills else 0.0
