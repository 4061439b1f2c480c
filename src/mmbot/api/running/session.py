"""`RunningSession`: one object behind all handlers, over lane 0 of an engine.

Calls come between two steps of the session, on its thread or on another: the engine takes turns.
What is read is as of the last step; what is set acts at the next synchronisation of the session.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mmbot import core
from mmbot.api.anti_stale.handlers import AntiStalePass, AntiStaleSettings
from mmbot.api.anti_stale.models import StaleOrderAction
from mmbot.api.autopolicy.handlers import AutopolicyChange, AutopolicyState
from mmbot.api.guard.handlers import GuardChange, GuardState
from mmbot.api.running.snapshots import SnapshotPaths, snapshot_files
from mmbot.api.snapshots import SnapshotStatus
from mmbot.api.throttle.handlers import ThrottleLoad
from mmbot.api.throttle.models import LegacyThrottle
from mmbot.config import AppConfig
from mmbot.config.allocator_params import allocator_params
from mmbot.config.execution import AutopolicyConfig
from mmbot.core import CostParams, PortfolioParams
from mmbot.portfolio.calibration import CalibrationBook
from mmbot.trading.snapshot_files import SnapshotFile, SnapshotFiles
from mmbot.units import NS_PER_SEC

__all__ = ["RunningSession"]


@dataclass(frozen=True, slots=True)
class _Legacy:
    """Fields of a loaded version 1, and how many requests had been sent then."""

    fields: LegacyThrottle
    requests: int


class RunningSession:
    """What the groups of the admin API ask of a session, fulfilled by the engine.

    These are `GuardSession`, `AutopolicySession`, `ThrottleSession`, `AllocatorSession` and
    `AntiStaleSession`.

    Args:
        engine: the engine; lane 0 has the session.
        config: gives the configuration in force.
        paths: where snapshots lie.
    """

    def __init__(
        self,
        engine: core.Backtest,
        config: Callable[[], AppConfig],
        paths: SnapshotPaths | None = None,
    ) -> None:
        self.control = engine.session()
        self._engine = engine
        self._config = config
        self._legacy: _Legacy | None = None
        self._symbols = tuple(str(symbol) for symbol in self.state()["symbols"])
        self.files: SnapshotFiles = snapshot_files(self, paths or SnapshotPaths())

    def state(self) -> dict[str, Any]:
        """The state of the session (`SessionControl.state`)."""
        return self.control.state()

    # -- /admin/guard

    def guard_state(self) -> GuardState:
        """See `GuardSession`."""
        guard = self.state()["guard"]
        return GuardState(
            dry_run=guard["dry_run"],
            manual_override_pause=guard["manual_override"],
            paused=guard["paused"],
            last_reason_bits=guard["last_reason_bits"],
            last_change_ts=_seconds(guard["last_change_ns"]),
        )

    def change_guard(self, change: GuardChange) -> None:
        """See `GuardSession`."""
        if change.is_resume:
            self.control.resume()
        if change.dry_run is not None:
            self.control.set_guard_dry_run(change.dry_run)
        if change.manual_override_pause is not None:
            self.control.set_manual_pause(change.manual_override_pause)

    # -- /admin/autopolicy

    def autopolicy_config(self) -> AutopolicyConfig:
        """See `AutopolicySession`: the configuration, with what was switched by hand."""
        enabled = bool(self.state()["autopolicy"]["enabled"])
        return self._config().autopolicy.model_copy(update={"enabled": enabled})

    def autopolicy_state(self) -> AutopolicyState:
        """See `AutopolicySession`."""
        policy = self.state()["autopolicy"]
        return AutopolicyState(
            level=policy["level"],
            is_reset=policy["is_reset"],
            last_change_ts=_seconds(policy["last_change_ns"]),
            levels_per_side_max=policy["levels_per_side_max_eff"],
            min_time_in_book_ms=policy["min_time_in_book_ms_eff"],
            replace_threshold_bps=policy["replace_threshold_bps_eff"],
        )

    def change_autopolicy(self, change: AutopolicyChange) -> None:
        """See `AutopolicySession`."""
        if change.enabled is not None:
            self.control.set_autopolicy_enabled(change.enabled)
        if change.is_reset:
            self.control.reset_autopolicy()
        if change.level is not None:
            self.control.set_autopolicy_level(change.level)

    # -- /admin/throttle

    def throttle_payload(self) -> Mapping[str, Any]:
        """See `ThrottleSession`."""
        return self.control.throttle_snapshot()

    def throttle_legacy(self) -> LegacyThrottle | None:
        """See `ThrottleSession`."""
        legacy = self._legacy
        if legacy is None or self.state()["requests_total"] != legacy.requests:
            return None
        return legacy.fields

    def load_throttle(self, load: ThrottleLoad) -> None:
        """See `ThrottleSession`."""
        self.take_throttle(load)
        self.file("throttle").note_load()

    def take_throttle(self, load: ThrottleLoad) -> None:
        """`load_throttle` without counting it."""
        if load.payload is None:
            self.control.clear_throttle()
        else:
            self.control.load_throttle(dict(load.payload))
        if load.backoff_max_observed_ms is not None:
            self.control.seed_backoff_max_ms(load.backoff_max_observed_ms)
        self._legacy = None
        if load.legacy is not None:
            self._legacy = _Legacy(load.legacy, self.state()["requests_total"])

    def reset_throttle(self) -> None:
        """See `ThrottleSession`."""
        self.control.reset_throttle()
        self._legacy = None

    def throttle_status(self) -> SnapshotStatus:
        """See `ThrottleSession`."""
        return self._status("throttle")

    # -- /admin/allocator

    def hwm_equity_usd(self) -> float:
        """See `AllocatorSession`."""
        return float(self.control.allocator_snapshot()["hwm_equity_usd"])

    def load_hwm(self, hwm_equity_usd: float) -> None:
        """See `AllocatorSession`."""
        self.control.load_allocator(hwm_equity_usd)
        self.file("allocator").note_load()

    def allocator_status(self) -> SnapshotStatus:
        """See `AllocatorSession`."""
        return self._status("allocator")

    def calibration(self) -> CalibrationBook:
        """See `AllocatorSession`."""
        return CalibrationBook.from_snapshot(self.control.cost_calibration())

    def load_calibration(self, book: CalibrationBook) -> None:
        """See `AllocatorSession`."""
        self.control.load_cost_calibration(dict(book.snapshot()))

    def cost_params(self) -> Mapping[str, CostParams]:
        """See `AllocatorSession`."""
        config = self._config()
        values = allocator_params(config.portfolio, config.allocator.smoothing, config.signals)
        params = PortfolioParams(values, list(self._symbols))
        return {symbol: params.cost_of(symbol) for symbol in self._symbols}

    # -- /admin/anti-stale-guard

    def anti_stale_settings(self) -> AntiStaleSettings:
        """See `AntiStaleSession`."""
        strategy = self._config().strategy
        return AntiStaleSettings(
            enabled=strategy.enable_anti_stale_guard,
            order_ttl_ms=strategy.order_ttl_ms,
            price_drift_bps=strategy.price_drift_bps,
        )

    def active_orders_count(self) -> int:
        """See `AntiStaleSession`."""
        symbols = self.state()["by_symbol"].values()
        return sum(sum(one["orders"]["active"].values()) for one in symbols)

    def traded_symbols(self) -> Collection[str]:
        """See `AntiStaleSession`."""
        return self._symbols

    def run_anti_stale(self, symbol: str | None) -> AntiStalePass:
        """See `AntiStaleSession`."""
        actions = [
            StaleOrderAction(symbol=name, **note)
            for at, name in enumerate(self._symbols)
            if symbol in (None, name)
            for note in self._engine.check_stale(0, at)
        ]
        return AntiStalePass(actions=tuple(actions), check_errors=0)

    def file(self, kind: str) -> SnapshotFile:
        """The snapshot file of a kind."""
        return next(file for file in self.files.files if file.kind == kind)

    def _status(self, kind: str) -> SnapshotStatus:
        file = self.file(kind)
        return SnapshotStatus(
            last_load_ts=file.last_load_ts, last_write_ts=file.last_write_ts, path=str(file.path)
        )


def _seconds(ns: int | None) -> float:
    return 0.0 if ns is None else ns / NS_PER_SEC
