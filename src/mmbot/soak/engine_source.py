"""The trading engine as the source of a soak run: simulated exchange, generated or recorded market.

Parameters reach the engine on the live path that reloads of a session take. What was put in force
and when is the source's journal: `restart` builds the engine anew and replays it, which ends in the
very state, since engine and market are deterministic. A resumed run begins in the same way.

A market that happens while the run lasts does not come again: there a restarted engine begins
without orders and positions, under the parameters that were in force.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmbot import clock, core
from mmbot.research.metrics import share
from mmbot.research.pooling import pool
from mmbot.soak.engine_config import EngineConfig
from mmbot.soak.engine_windows import EngineWindow, EngineWindows
from mmbot.soak.source import (
    EngineCrashError,
    EngineParameters,
    WindowRequest,
    WindowResult,
    parameters_digest,
)
from mmbot.trading.drive import Drive
from mmbot.trading.live_config import LiveConfig
from mmbot.units import NS_PER_HOUR, NS_PER_MS, NS_PER_SEC

__all__ = ["Desk", "EngineSource", "TradedWindow"]


@dataclass(frozen=True, slots=True)
class Desk:
    """An engine over its market, not yet begun, and what puts configurations in force there.

    `is_over` says that nobody waits for the market's first data any longer.
    """

    drive: Drive
    live: LiveConfig
    is_over: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class TradedWindow:
    """An entry of the journal: parameters in force, and how long they were traded."""

    parameters: EngineParameters
    length_ns: int


class EngineSource:
    """An `IterationSource` over the engine.

    Args:
        open_desk: builds engine and market from their very beginning; called again by `restart`.
        config: what parameters are laid over.
        mode: named in reports.
        history: windows traded before the process that is gone, in order.
        realtime: pace market time by the wall clock.
        is_repeatable: the market is the same whenever it is opened.
        close: lets go of the market when the run is over.
    """

    def __init__(
        self,
        open_desk: Callable[[], Desk],
        config: EngineConfig,
        *,
        mode: str,
        history: Sequence[TradedWindow] = (),
        realtime: bool = False,
        is_repeatable: bool = True,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._open_desk = open_desk
        self._config = config
        self._mode = mode
        self._realtime = realtime
        self._is_repeatable = is_repeatable
        self._close = close
        self._in_force: EngineParameters | None = None
        self._journal = list(history) if is_repeatable else []
        self._desk: Desk | None = None
        self._windows: EngineWindows | None = None
        self._digest: str | None = None
        self._totals: Mapping[str, float] = {}

    def apply(self, parameters: EngineParameters) -> str | None:
        """Put parameters in force; the digest is of what the configuration in force says.

        Raises:
            ConfigError: the values contradict the rest of the configuration.
            MarketDataError: there is no market.
        """
        desk, _ = self._running()
        digest = parameters_digest(parameters)
        if digest == self._digest:
            return digest
        try:
            self._digest = self._put(desk, parameters)
        except core.CoreError:
            return None
        return self._digest

    def trade(self, request: WindowRequest) -> WindowResult:
        """Trade one window from where the last one ended and measure it."""
        desk, windows = self._running()
        length_ns = round(request.seconds * NS_PER_SEC)
        pace = _paced(desk.drive) if self._realtime else _unpaced
        try:
            window = windows.trade(length_ns, request.stop, pace)
        except core.CoreError as exc:
            self._forget()
            raise EngineCrashError(str(exc)) from exc
        if not window.cut and self._is_repeatable:
            # One that was cut short, by a timeout for example, is traded anew after a restart.
            self._journal.append(TradedWindow(request.parameters, window.to_ns - window.from_ns))
        if not window.cut:
            self._totals = _run_totals(windows.results)
        return WindowResult(
            report=self._report(window),
            sentinel=window.sentinel(),
            from_ns=window.from_ns,
            to_ns=window.to_ns,
            partial=window.cut,
            ticks=window.ticks,
            data_ended=desk.drive.exhausted,
        )

    def restart(self) -> None:
        """Build the engine anew; the journal of finished windows leads it to where it was."""
        self._forget()
        self._running()

    def halt(self) -> None:
        """Cancel all orders, close the accounts; an engine that crashed has none left."""
        try:
            if self._windows is not None:
                self._windows.end()
        finally:
            self._close()

    def run_totals(self) -> Mapping[str, float]:
        """Figures of the run up to its last complete window, from pooled samples."""
        return self._totals

    def _running(self) -> tuple[Desk, EngineWindows]:
        if self._desk is None or self._windows is None:
            self._desk, self._windows = self._begun()
        return self._desk, self._windows

    def _begun(self) -> tuple[Desk, EngineWindows]:
        desk = self._open_desk()
        desk.drive.open(desk.is_over)
        desk.drive.begin()
        horizon_ns = self._config.start.edge.adverse_horizon_ms * NS_PER_MS
        windows = EngineWindows(desk.drive, horizon_ns)
        for traded in self._journal:
            self._digest = self._put(desk, traded.parameters)
            windows.trade(traded.length_ns, lambda: False)
        if not self._is_repeatable and self._in_force is not None:
            self._digest = self._put(desk, self._in_force)
        if self._journal:
            self._totals = _run_totals(windows.results)
        return desk, windows

    def _put(self, desk: Desk, parameters: EngineParameters) -> str:
        config = self._config.under(parameters)
        desk.live.apply(desk.drive.engine, config, desk.drive.target_ns)
        self._in_force = parameters
        in_force = EngineParameters(self._config.in_force(config), parameters.limits_factor)
        return parameters_digest(in_force)

    def _report(self, window: EngineWindow) -> Mapping[str, Any]:
        return window.report(horizon_ms=self._config.start.edge.adverse_horizon_ms, mode=self._mode)

    def _forget(self) -> None:
        self._desk = self._windows = self._digest = None


def _run_totals(results: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    pooled = pool(results, bar_ns=NS_PER_HOUR)
    turnover = float(pooled["turnover_usd"])
    totals = {
        "order_age_p95_ms": float(pooled["order_age_ms"]["p95"]),
        "ws_lag_p95_ms": float(pooled["ws_lag_ms"]["p95"]),
        "maker_share_pct": 100.0 * share(float(pooled["maker_turnover_usd"]), turnover),
    }
    if pooled["round_trips"]:
        totals["hit_ratio"] = share(pooled["profitable_round_trips"], pooled["round_trips"])
    return totals


def _unpaced(_target_ns: int) -> None:
    """As fast as it goes."""


def _paced(drive: Drive) -> Callable[[int], None]:
    """Sleeps until the wall clock is as far from here as market time is."""
    market_ns, wall_ns = drive.target_ns, clock.monotonic_ns()

    def wait(target_ns: int) -> None:
        rest_ns = (target_ns - market_ns) - (clock.monotonic_ns() - wall_ns)
        if rest_ns > 0:
            clock.sleep_ns(rest_ns)

    return wait
