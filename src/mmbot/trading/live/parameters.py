"""The configuration in force in a live core, with the fees that the venue charges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mmbot.config.runtime import RuntimeConfig
from mmbot.trading.live_config import LiveConfig
from mmbot.venues.records import FeeRates

if TYPE_CHECKING:
    from mmbot import core
    from mmbot.trading.live.shell import Shell

__all__ = ["CoreParameters", "ReloadWatch", "RequestCut", "fee_params"]

_BPS = 10_000
# A rolling second of the venue, and what requests need on their way.
_SPACING_MS = 1_100
_LEVELS = ("strategy.levels_per_side", "limits.max_active_per_side")
_INTERVAL = "latency_boost.replace.min_interval_ms"
_IN_FLIGHT = "latency_boost.replace.max_concurrent"
_RATES = (
    "throttle.max_creates_per_sec",
    "throttle.max_amends_per_sec",
    "limits.max_create_per_sec",
)


def fee_params(rates: FeeRates | None) -> dict[str, float]:
    """The account's fees of a symbol as lane parameters; none if they are not known."""
    if rates is None:
        return {}
    return {
        "trading.maker_fee_bps": round(float(rates.maker) * _BPS, 6),
        "trading.taker_fee_bps": round(float(rates.taker) * _BPS, 6),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCut:
    """What the venue's limits leave room for: levels a side, requests of a kind a second."""

    levels: int
    per_sec: int


@dataclass(slots=True)
class CoreParameters:
    """A live core as `LiveConfig` sees an engine.

    The venue wins over the configuration: with its fees, and where it cuts the limits of requests
    (`cut`) with fewer levels, and requests one by one as they pass.
    """

    core: core.LiveSession
    symbols: Sequence[str]
    clock: Callable[[], int]
    fees: Mapping[str, FeeRates] = field(default_factory=dict)
    cut: RequestCut | None = None

    def apply_params(self, lane: int, params: Mapping[str, Any], symbol: int = 0) -> None:
        """Parameters of a symbol."""
        del lane
        name = self.symbols[symbol]
        with_fees = {**params, **fee_params(self.fees.get(name))}
        self.core.set_params(name, self.clock(), self._thinned(with_fees))

    def apply_session(self, lane: int, session: Mapping[str, Any]) -> None:
        """Parameters of the session."""
        del lane
        cut, slow = self.cut, dict(session)
        if cut is not None:
            slow |= {key: min(slow[key], cut.per_sec) for key in _RATES}
            # a mean over more than a second lets several pass at once
            slow["throttle.window_sec"] = 1
        self.core.set_session(self.clock(), slow)

    def _thinned(self, params: dict[str, Any]) -> dict[str, Any]:
        cut = self.cut
        if cut is None:
            return params
        fewer = {key: min(params[key], cut.levels) for key in _LEVELS}
        interval_ms = max(params[_INTERVAL], _SPACING_MS * len(self.symbols) // cut.per_sec)
        in_flight = min(params[_IN_FLIGHT], cut.per_sec)
        return {**params, **fewer, _INTERVAL: interval_ms, _IN_FLIGHT: in_flight}


@dataclass(slots=True)
class ReloadWatch:
    """A `Watch` that takes changes of the configuration, and new trading windows."""

    runtime: RuntimeConfig
    live: LiveConfig
    target: CoreParameters

    async def look(self, shell: Shell, now_ns: int) -> None:
        """See `Watch`."""
        del shell
        for change in self.runtime.poll():
            self.live.apply(self.target, change.new, now_ns)
        self.live.renew_hours(self.target, self.runtime.config, now_ns)

    def set_cut(self, shell: Shell, cut: RequestCut | None) -> None:
        """The limits of requests have changed."""
        self.target.cut = cut
        self.live.apply(self.target, self.runtime.config, shell.clock())

    def set_fees(self, shell: Shell, fees: Mapping[str, FeeRates]) -> None:
        """Fees have changed."""
        self.target.fees = fees
        self.live.apply(self.target, self.runtime.config, shell.clock())
