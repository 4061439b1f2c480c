"""Changes of the configuration while a session runs: taken between two steps, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmbot import core
from mmbot.config.block_adjustment import BlockCounts, BlockWindow
from mmbot.config.runtime import RuntimeConfig
from mmbot.portfolio.rebalancing import Rebalancer
from mmbot.trading.live_config import LiveConfig
from mmbot.trading.session import Taken
from mmbot.trading.window_recompute import WindowRecompute

__all__ = ["ConfigCompanion"]


class ConfigCompanion:
    """Polls the configuration in force and hands every change to the engine.

    Takes over trading windows that are suggested anew on a period, if there is one. Raises
    ``min_interval_ms`` when too many decisions are blocked by it (once a window of market
    time), and writes the applied profile when the session ends.
    """

    def __init__(
        self,
        runtime: RuntimeConfig,
        symbols: Sequence[str],
        *,
        overrides: Mapping[str, object],
        rebalancer: Rebalancer | None = None,
        cid_prefix: str = "",
        windows: WindowRecompute | None = None,
    ) -> None:
        self._runtime = runtime
        self._windows = windows
        self._symbols = tuple(symbols)
        self._live = LiveConfig(
            symbols, overrides=overrides, rebalancer=rebalancer, cid_prefix=cid_prefix
        )
        self._window = BlockWindow()

    def begin(self, engine: core.Backtest, market_ns: int) -> None:
        """See `Companion`."""
        self._window = BlockWindow(market_ns)
        self._live.renew_hours(engine, self._runtime.config, market_ns)

    def on_chunk(self, symbol: int, chunk: core.EventChunk) -> None:
        """See `Companion`."""

    def step(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """See `Companion`."""
        del taken
        for change in self._runtime.poll():
            self._live.apply(engine, change.new, market_ns)
        self._live.renew_hours(engine, self._runtime.config, market_ns)
        if self._window.is_due(market_ns):
            self._judge_blocks(engine, market_ns)
        if self._windows is not None:
            self._take_windows(self._windows, engine, market_ns)

    def close(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """See `Companion`."""
        del market_ns, taken
        self._runtime.report(_blocked_by(engine, len(self._symbols)))

    def _take_windows(
        self, recompute: WindowRecompute, engine: core.Backtest, market_ns: int
    ) -> None:
        found = recompute.poll(self._runtime.config.scheduler_suggest, market_ns)
        if found is None:
            return
        plain = [window.model_dump(mode="json") for window in found]
        change = self._runtime.patch(
            {"scheduler.windows": plain, "scheduler.tz": "UTC"},
            origin="scheduler",
            reason="windows suggested from recorded data",
        )
        if change is not None:
            self._live.apply(engine, change.new, market_ns)

    def _judge_blocks(self, engine: core.Backtest, market_ns: int) -> None:
        symbols = range(len(self._symbols))
        iterations = sum(int(engine.snapshot(0, at)["total_iterations"]) for at in symbols)
        counts = BlockCounts(iterations, _blocked_by(engine, len(self._symbols)))
        in_force = self._runtime.config.latency_boost.replace.min_interval_ms
        found = self._window.evaluate(counts, in_force, now_ns=market_ns)
        change = None if found is None else self._runtime.raise_interval(found)
        if change is not None:
            self._live.apply(engine, change.new, market_ns)


def _blocked_by(engine: core.Backtest, symbols: int) -> dict[str, int]:
    total: dict[str, int] = {}
    for at in range(symbols):
        counts: Mapping[str, Any] = engine.snapshot(0, at)["blocked_by"]
        for reason, count in counts.items():
            total[reason] = total.get(reason, 0) + int(count)
    return total
