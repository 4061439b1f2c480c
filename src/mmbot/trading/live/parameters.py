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

__all__ = ["CoreParameters", "ReloadWatch", "fee_params"]

_BPS = 10_000
_LEVELS = ("strategy.levels_per_side", "limits.max_active_per_side")


def fee_params(rates: FeeRates | None) -> dict[str, float]:
    """The account's fees of a symbol as lane parameters; none if they are not known."""
    if rates is None:
        return {}
    return {
        "trading.maker_fee_bps": round(float(rates.maker) * _BPS, 6),
        "trading.taker_fee_bps": round(float(rates.taker) * _BPS, 6),
    }


@dataclass(slots=True)
class CoreParameters:
    """A live core as `LiveConfig` sees an engine.

    The venue wins over the configuration: its fees, and `levels_max`, the levels a side that its
    limits of requests leave room for.
    """

    core: core.LiveSession
    symbols: Sequence[str]
    clock: Callable[[], int]
    fees: Mapping[str, FeeRates] = field(default_factory=dict)
    levels_max: int | None = None

    def apply_params(self, lane: int, params: Mapping[str, Any], symbol: int = 0) -> None:
        """Parameters of a symbol."""
        del lane
        name = self.symbols[symbol]
        with_fees = {**params, **fee_params(self.fees.get(name))}
        self.core.set_params(name, self.clock(), self._thinned(with_fees))

    def _thinned(self, params: dict[str, Any]) -> dict[str, Any]:
        most = self.levels_max
        return params | {key: min(params[key], most) for key in _LEVELS if most is not None}

    def apply_session(self, lane: int, session: Mapping[str, Any]) -> None:
        """Parameters of the session."""
        del lane
        self.core.set_session(self.clock(), session)


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

    def set_levels_max(self, shell: Shell, levels: int | None) -> None:
        """The limits of requests have changed."""
        self.target.levels_max = levels
        self.live.apply(self.target, self.runtime.config, shell.clock())

    def set_fees(self, shell: Shell, fees: Mapping[str, FeeRates]) -> None:
        """Fees have changed."""
        self.target.fees = fees
        self.live.apply(self.target, self.runtime.config, shell.clock())
