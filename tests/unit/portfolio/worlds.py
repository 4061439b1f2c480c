"""Small worlds for the tests of the allocator."""

from mmbot.config.portfolio import (
    BybitFeesConfig,
    CostConfig,
    FeesConfig,
    FeeTier,
    PortfolioConfig,
    SmoothingConfig,
)
from mmbot.config.signals import SignalsConfig
from mmbot.portfolio import (
    AllocatorInputs,
    AllocatorSettings,
    AllocatorState,
    SymbolInputs,
    params_for,
    tick,
)

SYMBOLS = ("AAA", "BBB", "CCC")


def settings(cost=None, smoothing=None, fees=None, signals=None, **portfolio):
    free = CostConfig(cost_sensitivity=0.0, fill_rate_sensitivity=0.0)
    return AllocatorSettings(
        portfolio=PortfolioConfig(cost=cost or free, **portfolio),
        smoothing=smoothing or SmoothingConfig(max_delta_ratio=1.0),
        fees=fees or FeesConfig(),
        signals=signals or SignalsConfig(),
    )


def inputs(now_sec=0.0, each=None, **other):
    seen = {s: (each or {}).get(s, SymbolInputs(vola=0.02)) for s in SYMBOLS}
    return AllocatorInputs(now_sec=now_sec, symbols=seen, **other)


def params(**cost):
    return params_for(CostConfig(**cost), ("AAA",))["AAA"]


def usd(result):
    return {s: t.target_usd for s, t in result.allocation.targets.items()}


def observe(book, slip, told, notional=1_000.0):
    return book.record_cost_observation(
        "AAA",
        spread_bps=2.0,
        volume_usd=1e6,
        slippage_bps_observed=slip,
        notional_usd=notional,
        params=told,
    )


def step(desired, current, seen=None, signals=None, **smoothing):
    """The move of one symbol that has the whole budget, and no attenuation."""
    told = settings(
        smoothing=SmoothingConfig(**smoothing), signals=signals, budget_usd=desired, max_weight=1.0
    )
    state = AllocatorState(current_usd={"AAA": current})
    one = {"AAA": seen or SymbolInputs(mid_usd=100.0)}
    return tick(told, state, AllocatorInputs(now_sec=0.0, symbols=one)).allocation.smoothing["AAA"]


TIERS = BybitFeesConfig(
    tiers=(
        FeeTier(level=0, maker_bps=2.0, taker_bps=5.0),
        FeeTier(level=1, maker_bps=1.0, taker_bps=4.0, req_30d_usd=100_000.0),
    )
)
