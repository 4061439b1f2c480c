"""Cost of quoting a target and what it takes off (03 sections 5, 5.1): fee plus slippage.

An override of one symbol never affects another: parameters are resolved per symbol.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mmbot.config.portfolio import CostConfig, CostOverride
from mmbot.portfolio.models import Observation

__all__ = ["KNOWN_FOR_SEC", "Cost", "CostParams", "attenuation", "cost_of", "known", "params_for"]

KNOWN_FOR_SEC: Final = 60.0
"""An observation counts as known for this long."""

_THIN_VOLUME_FACTOR: Final = 2.0
_FULL_COST_BPS: Final = 100.0


@dataclass(frozen=True, slots=True)
class CostParams:
    """`portfolio.cost` as it holds for one symbol."""

    fee_bps: float
    slippage_bps_base: float
    slippage_k_bps_per_kusd: float
    cost_sensitivity: float
    use_shadow_spread: bool
    use_shadow_volume: bool
    min_volume_usd: float
    max_slippage_bps_cap: float
    calib_min_samples: int
    fill_rate_half_life_sec: float
    fill_rate_floor: float
    fill_rate_sensitivity: float
    liquidity_depth_usd_target: float
    liquidity_sensitivity: float
    liquidity_min_floor: float
    turnover_half_life_sec: float
    turnover_sensitivity: float
    turnover_floor: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of one target, bps, and the factor that it leaves, 0..1."""

    slippage_bps: float
    cost_bps: float
    attenuation: float


_KEYS: Final = tuple(name for name in CostParams.__dataclass_fields__ if name != "fee_bps")


def params_for(config: CostConfig, symbols: tuple[str, ...]) -> Mapping[str, CostParams]:
    """Parameters of each symbol; symbols without overrides share one value."""
    common = _resolve(config, None)
    return {
        symbol: _resolve(config, config.per_symbol[symbol])
        if symbol in config.per_symbol
        else common
        for symbol in symbols
    }


def _resolve(config: CostConfig, override: CostOverride | None) -> CostParams:
    values = {name: getattr(config, name) for name in _KEYS}
    fee = config.fee_bps_default
    if override is not None:
        said = {name: getattr(override, name) for name in _KEYS}
        values |= {name: value for name, value in said.items() if value is not None}
        fees = (override.fee_bps, override.fee_bps_default, fee)
        fee = next(value for value in fees if value is not None)
    return CostParams(fee_bps=fee, **values)


def known(seen: Observation | None, now_sec: float) -> float | None:
    """The value, when it is finite and was seen within the last 60 s."""
    if seen is None or not math.isfinite(seen.value) or now_sec - seen.ts_sec > KNOWN_FOR_SEC:
        return None
    return seen.value


def cost_of(
    target_usd: float,
    params: CostParams,
    *,
    spread_bps: float | None,
    volume_usd: float | None,
    k_eff: float | None = None,
    cap_eff_bps: float | None = None,
) -> Cost:
    """Cost of quoting `target_usd`; an unknown input falls back to the static model."""
    k = params.slippage_k_bps_per_kusd if k_eff is None else k_eff
    cap = params.max_slippage_bps_cap if cap_eff_bps is None else cap_eff_bps
    slippage = params.slippage_bps_base
    if params.use_shadow_spread and spread_bps is not None:
        slippage = max(slippage, spread_bps / 2)
    slippage = min(
        slippage + k * volume_factor(params, volume_usd) * max(0.0, target_usd) / 1_000, cap
    )
    cost_bps = max(0.0, params.fee_bps + slippage)
    return Cost(slippage, cost_bps, attenuation(cost_bps, params.cost_sensitivity))


def volume_factor(params: CostParams, volume_usd: float | None) -> float:
    """2 in a market thinner than ``min_volume_usd``, else 1; unknown volume is not thin."""
    thin = volume_usd is not None and volume_usd < params.min_volume_usd
    return _THIN_VOLUME_FACTOR if params.use_shadow_volume and thin else 1.0


def attenuation(cost_bps: float, sensitivity: float) -> float:
    """Factor that a cost leaves; it does not fall further above 100 bps."""
    return max(0.0, 1.0 - sensitivity * min(1.0, cost_bps / _FULL_COST_BPS))
