"""Fill rate, liquidity and turnover (03 sections 5.4 to 5.6): states that decay, and factors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from mmbot.portfolio.cost import CostParams

__all__ = [
    "FillRate",
    "FlowBook",
    "Turnover",
    "fill_attenuation",
    "fill_sample",
    "liquidity_attenuation",
    "liquidity_factor",
    "turnover_factor",
]

_LEAST_STEP_SEC: Final = 1.0


@dataclass(frozen=True, slots=True)
class FillRate:
    """Share of orders that get filled, decayed; `samples` counts the orders seen."""

    rate: float = 1.0
    ts_sec: float = 0.0
    samples: int = 0

    def after(self, sample: int, now_sec: float, half_life_sec: float) -> FillRate:
        """With one more order end. The first sample counts as a step of 1 s."""
        elapsed = now_sec - self.ts_sec if self.samples else 0.0
        decay = math.pow(2.0, -max(elapsed, _LEAST_STEP_SEC) / half_life_sec)
        rate = decay * self.rate + (1.0 - decay) * sample
        return FillRate(min(1.0, max(0.0, rate)), now_sec, self.samples + 1)


@dataclass(frozen=True, slots=True)
class Turnover:
    """Traded notional, USD, decayed to `ts_sec`."""

    usd: float = 0.0
    ts_sec: float = 0.0

    def at(self, now_sec: float, half_life_sec: float) -> float:
        """Decayed to now, USD."""
        return self.usd * math.pow(2.0, -max(0.0, now_sec - self.ts_sec) / half_life_sec)

    def after(self, usd: float, now_sec: float, half_life_sec: float) -> Turnover:
        """With one more fill."""
        return Turnover(self.at(now_sec, half_life_sec) + usd, max(now_sec, self.ts_sec))


@dataclass(frozen=True, slots=True)
class FlowBook:
    """Fill rates and turnover by symbol; `rejected` counts samples that were not usable."""

    fill_rates: Mapping[str, FillRate] = field(default_factory=dict)
    turnovers: Mapping[str, Turnover] = field(default_factory=dict)
    rejected: int = 0

    def record_order_end(
        self, symbol: str, sample: int | None, *, now_sec: float, params: CostParams
    ) -> FlowBook:
        """With the `fill_sample` of an order that ended; `None` changes nothing."""
        if sample is None:
            return self
        old = self.fill_rates.get(symbol, FillRate())
        new = old.after(sample, now_sec, params.fill_rate_half_life_sec)
        return replace(self, fill_rates={**self.fill_rates, symbol: new})

    def record_trade_notional(
        self, symbol: str, usd: float, *, now_sec: float, params: CostParams
    ) -> FlowBook:
        """With a fill of `usd`; a negative or non-finite notional is counted and ignored."""
        if not math.isfinite(usd) or usd < 0:
            return replace(self, rejected=self.rejected + 1)
        old = self.turnovers.get(symbol, Turnover())
        new = old.after(usd, now_sec, params.turnover_half_life_sec)
        return replace(self, turnovers={**self.turnovers, symbol: new})


def fill_sample(
    *, filled: bool, rested_ms: float, min_time_in_book_ms: float, rejected: bool
) -> int | None:
    """1 with any fill; 0 unfilled after its time in the book, or rejected; else no sample."""
    if filled:
        return 1
    return 0 if rejected or rested_ms >= min_time_in_book_ms else None


def fill_attenuation(rate: float, params: CostParams) -> float:
    """Factor of a fill rate."""
    lack = max(0.0, params.fill_rate_floor - rate)
    return min(1.0, max(0.0, 1.0 - params.fill_rate_sensitivity * lack))


def liquidity_factor(depth_usd: float, params: CostParams) -> float:
    """Depth over its target, in [floor, 1]; 1 without a target."""
    target = params.liquidity_depth_usd_target
    raw = 1.0 if target == 0 else min(1.0, depth_usd / target)
    return max(params.liquidity_min_floor, raw)


def liquidity_attenuation(depth_usd: float, params: CostParams) -> float:
    """Factor of the depth."""
    return 1.0 - params.liquidity_sensitivity * (1.0 - liquidity_factor(depth_usd, params))


def turnover_factor(turnover_usd: float, budget_usd: float, params: CostParams) -> float:
    """Factor of turnover against the symbol's own budget."""
    raw = min(1.0, max(0.0, 1.0 - turnover_usd / max(1.0, budget_usd)))
    return max(params.turnover_floor, 1.0 - params.turnover_sensitivity * (1.0 - raw))
