"""Budget over symbols: weights, cost model, smoothing of targets, fee tiers."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mmbot.config.base import Items, Section, SymbolMap, key

__all__ = ["AllocatorConfig", "FeesConfig", "PortfolioConfig"]

_NonNegative = Annotated[float, Field(ge=0)]


class BudgetConfig(Section):
    """Section `portfolio.budget`: budget after profits and losses."""

    HOT: ClassVar[bool] = True

    pnl_sensitivity: float = key(0.5, "share of PnL that moves the budget", ge=0, le=1)
    drawdown_soft_cap: float = key(0.10, "drawdown at which the budget is least", ge=0, le=1)
    budget_min_usd: float = key(0.0, "the budget never falls below", ge=0)


class CostOverride(Section):
    """Costs of one symbol; a missing key keeps the common value."""

    HOT: ClassVar[bool] = True

    fee_bps: float | None = key(None, "fee of the symbol", ge=-1000, le=1000)
    fee_bps_default: float | None = key(None, "see portfolio.cost", ge=-1000, le=1000)
    slippage_bps_base: float | None = key(None, "see portfolio.cost", ge=0, le=1000)
    slippage_k_bps_per_kusd: float | None = key(None, "see portfolio.cost", ge=0)
    cost_sensitivity: float | None = key(None, "see portfolio.cost", ge=0, le=1)
    use_shadow_spread: bool | None = key(None, "see portfolio.cost")
    use_shadow_volume: bool | None = key(None, "see portfolio.cost")
    min_volume_usd: float | None = key(None, "see portfolio.cost", ge=0)
    max_slippage_bps_cap: float | None = key(None, "see portfolio.cost", ge=0, le=1000)
    calib_min_samples: int | None = key(None, "see portfolio.cost", ge=1)
    fill_rate_half_life_sec: float | None = key(None, "see portfolio.cost", ge=10)
    fill_rate_floor: float | None = key(None, "see portfolio.cost", ge=0, le=1)
    fill_rate_sensitivity: float | None = key(None, "see portfolio.cost", ge=0, le=1)
    liquidity_depth_usd_target: float | None = key(None, "see portfolio.cost", ge=0)
    liquidity_sensitivity: float | None = key(None, "see portfolio.cost", ge=0, le=1)
    liquidity_min_floor: float | None = key(None, "see portfolio.cost", ge=0, le=1)
    turnover_half_life_sec: float | None = key(None, "see portfolio.cost", ge=10)
    turnover_sensitivity: float | None = key(None, "see portfolio.cost", ge=0, le=1)
    turnover_floor: float | None = key(None, "see portfolio.cost", ge=0, le=1)


class CostConfig(Section):
    """Section `portfolio.cost`: what trading a symbol costs."""

    HOT: ClassVar[bool] = True

    fee_bps_default: float = key(1.0, "fee when the account's is unknown", ge=-1000, le=1000)
    slippage_bps_base: float = key(0.5, "slippage of a small order", ge=0, le=1000)
    slippage_k_bps_per_kusd: float = key(0.1, "slippage per 1000 USD", ge=0)
    cost_sensitivity: float = key(0.5, "how much cost lowers a weight", ge=0, le=1)
    use_shadow_spread: bool = key(default=True, doc="estimate slippage from the measured spread")
    use_shadow_volume: bool = key(default=True, doc="estimate slippage from the measured volume")
    min_volume_usd: float = key(1000.0, "least volume for an estimate", ge=0)
    max_slippage_bps_cap: float = key(50.0, "estimates never rise above", ge=0, le=1000)
    calib_min_samples: int = key(20, "fills before a calibrated cost is used", ge=1)
    fill_rate_half_life_sec: float = key(600.0, "half-life of the fill rate", ge=10)
    fill_rate_floor: float = key(0.7, "least factor of the fill rate", ge=0, le=1)
    fill_rate_sensitivity: float = key(0.5, "how much a low fill rate lowers", ge=0, le=1)
    liquidity_depth_usd_target: float = key(0.0, "depth that needs no attenuation", ge=0)
    liquidity_sensitivity: float = key(0.0, "how much low depth lowers", ge=0, le=1)
    liquidity_min_floor: float = key(0.0, "least factor of liquidity", ge=0, le=1)
    turnover_half_life_sec: float = key(600.0, "half-life of turnover", ge=10)
    turnover_sensitivity: float = key(0.0, "how much high turnover lowers", ge=0, le=1)
    turnover_floor: float = key(0.0, "least factor of turnover", ge=0, le=1)
    per_symbol: SymbolMap[CostOverride] = key({}, "costs of single symbols")


class PortfolioConfig(Section):
    """Section `portfolio`."""

    HOT: ClassVar[bool] = True

    budget_usd: float = key(10_000.0, "capital to quote with, initial equity of a test", ge=0)
    mode: Literal["manual", "inverse_vol", "risk_parity"] = key("inverse_vol", "how weights arise")
    manual_weights: SymbolMap[_NonNegative] = key({}, "weights of mode manual")
    min_weight: float = key(0.02, "least weight of a symbol", ge=0, le=1)
    max_weight: float = key(0.5, "largest weight of a symbol", ge=0, le=1)
    rebalance_minutes: float = key(5.0, "time between allocations", gt=0)
    ema_alpha: float = key(0.3, "smoothing of weights", gt=0, le=1)
    levels_per_side_min: int = key(1, "least levels a target allows", ge=1, le=100)
    levels_per_side_max: int = key(10, "most levels a target allows", ge=1, le=100)
    budget: BudgetConfig = key(BudgetConfig(), "budget after profits and losses")
    cost: CostConfig = key(CostConfig(), "cost model")


class SmoothingConfig(Section):
    """Section `allocator.smoothing`: how fast a target may move."""

    HOT: ClassVar[bool] = True

    bias_cap_ratio: float = key(0.10, "largest size bias of the skew guard", ge=0, le=1)
    fee_bias_cap_ratio: float = key(0.05, "largest tilt towards the next fee tier", ge=0, le=1)
    max_delta_ratio: float = key(0.15, "largest relative change per decision", ge=0, le=1)
    max_delta_abs_base_units: float = key(0.0, "largest change per decision, 0 is off", ge=0)
    backoff_steps: Items[Annotated[float, Field(gt=0, le=1)]] = key(
        (1.0, 0.7, 0.5), "factors after repeated breaches", min_length=1
    )


class AllocatorConfig(Section):
    """Section `allocator`."""

    smoothing: SmoothingConfig = key(SmoothingConfig(), "smoothing of targets")


class FeeTier(Section):
    """One row of `fees.bybit.tiers`."""

    HOT: ClassVar[bool] = True

    level: int = key(0, "number of the tier", ge=0)
    maker_bps: float = key(1.0, "maker fee", ge=-1000, le=1000)
    taker_bps: float = key(5.0, "taker fee", ge=-1000, le=1000)
    req_30d_usd: float = key(0.0, "turnover of 30 days that earns the tier", ge=0)


class BybitFeesConfig(Section):
    """Section `fees.bybit`."""

    HOT: ClassVar[bool] = True

    distance_usd_threshold: float = key(25_000.0, "missing turnover worth a tilt, USD", ge=0)
    min_improvement_bps: float = key(0.2, "improvement worth a tilt", ge=0, le=1000)
    tiers: Items[FeeTier] = key(
        (FeeTier(),), "fee tiers; one of trading.*_fee_bps when not given", min_length=1
    )


class FeesConfig(Section):
    """Section `fees`."""

    bybit: BybitFeesConfig = key(BybitFeesConfig(), "tiers of Bybit")
