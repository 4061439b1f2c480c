"""Signals of the market, and the mux that weighs strategies by regime."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from mmbot.config.base import FrozenMap, Items, Section, key

__all__ = ["DEFAULT_BANDS", "Band", "MarketConfig", "MuxConfig", "SignalsConfig"]


def _row(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Band = Annotated[tuple[float, float, str], BeforeValidator(_row)]
"""``[lower, upper, name]``: the lower edge belongs to the band, the upper to the next one."""

Bias = Literal[-1, 0, 1]
_Weight = Annotated[float, Field(ge=0, le=1)]
_Weights = FrozenMap[_Weight]

DEFAULT_BANDS: tuple[Band, ...] = ((0.0, 0.8, "low"), (0.8, 1.5, "mid"), (1.5, 9.99, "high"))


class SignalWeights(Section):
    """Section `signals.weights`."""

    HOT: ClassVar[bool] = True

    imbalance: float = key(0.5, "weight of book imbalance", ge=0, le=1)
    micro_tilt: float = key(0.3, "weight of the microprice", ge=0, le=1)
    sigma_regime: float = key(0.2, "weight of the volatility regime", ge=0, le=1)


class SignalsConfig(Section):
    """Section `signals`."""

    HOT: ClassVar[bool] = True

    impact_cap_ratio: float = key(
        0.10, "largest share of a size change that signals may add", ge=0, le=1
    )
    weights: SignalWeights = key(SignalWeights(), "weights of the bias")
    sigma_bands: Items[Band] = key(
        DEFAULT_BANDS, "regimes of fast over slow volatility", min_length=1
    )
    regime_bias_map: FrozenMap[Bias] = key(
        {"low": 1, "mid": 0, "high": -1}, "sign of the bias by regime"
    )
    vola_half_life_sec: float = key(60.0, "half-life of fast volatility", ge=1)
    vola_baseline_half_life_sec: float = key(3600.0, "half-life of slow volatility", ge=1)
    vola_min_samples: int = key(10, "ticks before an estimate is ready", ge=1)
    adverse_window_fills: int = key(200, "fills in the adverse fill rate", ge=1)


class MuxStrategy(Section):
    """Multipliers of one strategy in `mux.strategies`."""

    HOT: ClassVar[bool] = True

    spread_mult: float = key(1.0, "factor on the spread", gt=0, le=100)
    size_mult: float = key(1.0, "factor on the size", ge=0, le=100)


class MuxConfig(Section):
    """Section `mux`."""

    HOT: ClassVar[bool] = True

    enabled: bool = key(default=True, doc="weigh strategies by regime")
    hysteresis_s: float = key(60.0, "time between switches", ge=0)
    weight_caps: _Weights = key({"Aggressive": 0.35}, "largest weights")
    bands: Items[Band] = key(
        DEFAULT_BANDS, "regimes; those of signals.sigma_bands when not given", min_length=1
    )
    profiles: FrozenMap[_Weights] = key(
        {
            "low": {"Conservative": 0.70, "Moderate": 0.30, "Aggressive": 0.00},
            "mid": {"Conservative": 0.40, "Moderate": 0.50, "Aggressive": 0.10},
            "high": {"Conservative": 0.20, "Moderate": 0.50, "Aggressive": 0.30},
        },
        "weights of the strategies by regime",
    )
    strategies: FrozenMap[MuxStrategy] = key(
        {
            "Conservative": MuxStrategy(spread_mult=1.5, size_mult=0.7),
            "Moderate": MuxStrategy(),
            "Aggressive": MuxStrategy(spread_mult=0.7, size_mult=1.2),
        },
        "parameter multipliers",
    )


class MarketConfig(Section):
    """Section `market`."""

    HOT: ClassVar[bool] = True

    stale_after_ms: int = key(
        2000, "a book without updates for this long is stale", ge=100, le=60_000
    )
