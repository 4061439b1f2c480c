"""One allocator tick: the twelve stages of 03 section 3, in order, as a pure function.

The parent decides the order and keeps what every stage left; each stage is a leaf in its own file.
Symbols are processed in lexicographic order; equal input gives equal bits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mmbot.config.portfolio import PortfolioConfig
from mmbot.portfolio.budget import (
    available_usd,
    limit_usd,
    min_guard,
    next_hwm_usd,
    round6,
    soften,
    sum_clamp,
)
from mmbot.portfolio.cost import CostParams, cost_of, known, params_for
from mmbot.portfolio.fees import fee_status, fee_tilt
from mmbot.portfolio.flow import fill_attenuation, liquidity_attenuation, turnover_factor
from mmbot.portfolio.models import (
    STAGES,
    Allocation,
    AllocatorInputs,
    AllocatorSettings,
    AllocatorState,
    Backoff,
    PortfolioTarget,
    SmoothingStep,
    Stage,
    SymbolInputs,
)
from mmbot.portfolio.smoothing import next_backoff, smooth
from mmbot.portfolio.weights import WeightSet, bounds_for, max_levels, next_weights

__all__ = ["TickResult", "rebalance_due", "tick"]

_DEFAULT_VOLA: Final = 1.0


@dataclass(frozen=True, slots=True)
class TickResult:
    """What to publish, and the state for the next tick."""

    allocation: Allocation
    state: AllocatorState


def tick(settings: AllocatorSettings, state: AllocatorState, inputs: AllocatorInputs) -> TickResult:
    """Run all stages once; weights are renewed when `rebalance_due`."""
    symbols = tuple(sorted(inputs.symbols))
    volas, warnings = _volas(symbols, inputs.symbols, state.volas)
    due = rebalance_due(settings.portfolio, state, inputs)
    weights = _weights(settings.portfolio, state, volas, due=due)
    hwm_usd = next_hwm_usd(state.hwm_equity_usd, inputs.equity_usd, inputs.flow_usd)
    run = _Run(settings, state, inputs, symbols=symbols, weights=weights, hwm_usd=hwm_usd)
    published = run.stages()
    allocation = run.allocation(published, rebalanced=due, warnings=(*weights.warnings, *warnings))
    new_state = AllocatorState(
        weights=weights.weights,
        volas=volas,
        current_usd=run.current,
        backoff=run.backoff,
        hwm_equity_usd=hwm_usd,
        rebalanced_sec=inputs.now_sec if due else state.rebalanced_sec,
    )
    return TickResult(allocation, new_state)


def rebalance_due(config: PortfolioConfig, state: AllocatorState, inputs: AllocatorInputs) -> bool:
    """At the start, after its minutes, after a change of configuration or of the symbols."""
    if state.rebalanced_sec is None or inputs.config_changed:
        return True
    if set(state.weights) != set(inputs.symbols):
        return True
    return inputs.now_sec - state.rebalanced_sec >= config.rebalance_minutes * 60


def _volas(
    symbols: Sequence[str], seen: Mapping[str, SymbolInputs], last: Mapping[str, float]
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Volatility by symbol: now, else the last valid one, else 1.0; and what was refused."""
    volas: dict[str, float] = {}
    refused = []
    for symbol in symbols:
        value = seen[symbol].vola
        if value is not None and (not math.isfinite(value) or value < 0):
            refused.append(f"volatility of {symbol} is not usable; the last one is kept")
            value = None
        volas[symbol] = last.get(symbol, _DEFAULT_VOLA) if value is None else value
    return volas, tuple(refused)


def _weights(
    config: PortfolioConfig, state: AllocatorState, volas: Mapping[str, float], *, due: bool
) -> WeightSet:
    if due:
        return next_weights(config, volas, state.weights)
    ordered = {symbol: state.weights[symbol] for symbol in sorted(state.weights)}
    return WeightSet(ordered, bounds_for(config, len(ordered)), ())


class _Run:
    """The working targets of one tick and what each stage left of them."""

    def __init__(
        self,
        settings: AllocatorSettings,
        state: AllocatorState,
        inputs: AllocatorInputs,
        *,
        symbols: tuple[str, ...],
        weights: WeightSet,
        hwm_usd: float,
    ) -> None:
        config = settings.portfolio
        self._settings, self._state, self._inputs = settings, state, inputs
        self._symbols, self._set = symbols, weights
        self._weights = [weights.weights[symbol] for symbol in symbols]
        self._available = available_usd(
            config.budget_usd,
            equity_usd=inputs.equity_usd,
            foreign_margin_usd=inputs.foreign_margin_usd,
        )
        self._soft = soften(config.budget, hwm_usd=hwm_usd, equity_usd=inputs.equity_usd)
        self._limit = limit_usd(self._available, self._soft.permille)
        self._params = params_for(config.cost, symbols)
        self._stages: list[Stage] = []
        self._steps: dict[str, SmoothingStep] = {}
        self._cost_bps: dict[str, float] = {}
        self._tilt = 0.0
        self.current: dict[str, float] = {}
        self.backoff = self._next_backoff()

    def stages(self) -> dict[str, PortfolioTarget]:
        """Stages 1 to 12."""
        if self._inputs.intraday_breached or not self._symbols:
            return {}
        config = self._settings.portfolio
        base = [max(0.0, config.budget_usd * weight) for weight in self._weights]
        self._keep(1, base)
        t = self._keep(2, base)
        own = [self._available * weight for weight in self._weights]
        t = self._keep(3, [min(a, b) for a, b in zip(t, own, strict=True)])
        t = self._keep(4, self._fit([x * self._soft.permille / 1_000 for x in t]))
        softened = t
        t = self._keep(5, [self._after_cost(s, x) for s, x in zip(self._symbols, t, strict=True)])
        t = self._attenuate(t, own)
        self._keep(9, t)
        t = self._keep(10, self._smoothed(t, softened))
        self.current = dict(zip(self._symbols, self._final(t), strict=True))
        t = self._keep(11, self._tilted(t))
        t = self._keep(12, self._final(t))
        return {s: self._target(s, x) for s, x in zip(self._symbols, t, strict=True)}

    def _keep(self, number: int, targets: list[float]) -> list[float]:
        self._stages.append(Stage(number, STAGES[number - 1], tuple(targets)))
        return targets

    def _fit(self, targets: Sequence[float]) -> list[float]:
        least = self._settings.portfolio.budget.budget_min_usd
        return min_guard(sum_clamp(targets, self._limit), least)

    def _final(self, targets: Sequence[float]) -> list[float]:
        """Rounded before the clamp: rounding up must not lift the sum over the limit."""
        return self._fit([round6(target) for target in targets])

    def _after_cost(self, symbol: str, target: float) -> float:
        now, seen = self._inputs.now_sec, self._inputs.symbols[symbol]
        cost = cost_of(
            target,
            self._params[symbol],
            spread_bps=known(seen.spread_bps, now),
            volume_usd=known(seen.volume_usd, now),
            k_eff=seen.k_eff,
            cap_eff_bps=seen.cap_eff_bps,
        )
        self._cost_bps[symbol] = cost.cost_bps
        return target * cost.attenuation

    def _attenuate(self, targets: list[float], own: list[float]) -> list[float]:
        """Stages 6 to 8."""
        rows: list[tuple[SymbolInputs, CostParams]] = [
            (self._inputs.symbols[symbol], self._params[symbol]) for symbol in self._symbols
        ]
        factors = [fill_attenuation(seen.fill_rate, params) for seen, params in rows]
        t = self._keep(6, [x * f for x, f in zip(targets, factors, strict=True)])
        now = self._inputs.now_sec
        factors = [liquidity_attenuation(known(s.depth_usd, now) or 0.0, p) for s, p in rows]
        t = self._keep(7, [x * f for x, f in zip(t, factors, strict=True)])
        budgets = zip(rows, own, strict=True)
        factors = [turnover_factor(s.turnover_usd, usd, p) for (s, p), usd in budgets]
        return self._keep(8, [x * f for x, f in zip(t, factors, strict=True)])

    def _next_backoff(self) -> dict[str, Backoff]:
        steps = len(self._settings.smoothing.backoff_steps)
        old = self._state.backoff
        return {
            symbol: next_backoff(
                old.get(symbol, Backoff()),
                breached=seen.skew_frozen or seen.color_breach,
                steps=steps,
            )
            for symbol, seen in ((s, self._inputs.symbols[s]) for s in self._symbols)
        }

    def _smoothed(self, desired: list[float], softened: list[float]) -> list[float]:
        """Stage 10; a target that stage 4 set to 0 is 0 at once (decision 13)."""
        old = self._state
        for symbol, usd, soft in zip(self._symbols, desired, softened, strict=True):
            step = smooth(
                usd,
                0.0 if soft == 0.0 else old.current_usd.get(symbol, 0.0),
                inputs=self._inputs.symbols[symbol],
                backoff=self.backoff[symbol],
                was_level=old.backoff.get(symbol, Backoff()).level,
                config=self._settings.smoothing,
                signals=self._settings.signals,
            )
            self._steps[symbol] = step
        return [self._steps[symbol].next_usd for symbol in self._symbols]

    def _tilted(self, targets: list[float]) -> list[float]:
        seen = self._inputs.symbols.values()
        breached = any(one.skew_frozen or one.color_breach for one in seen)
        status = fee_status(
            self._settings.fees.bybit,
            turnover_30d_usd=self._inputs.turnover_30d_usd,
            maker_share=self._inputs.maker_share,
        )
        self._tilt = fee_tilt(
            status,
            targets,
            limit_usd=self._limit,
            cap_ratio=self._settings.smoothing.fee_bias_cap_ratio,
            blocked=breached or self._inputs.tilt_blocked,
        )
        return [target * (1.0 + self._tilt) for target in targets]

    def _target(self, symbol: str, usd: float) -> PortfolioTarget:
        """Stage 9 acts here: a frozen symbol has factor 0 on the side that expands it."""
        seen = self._inputs.symbols[symbol]
        weight = self._set.weights[symbol]
        return PortfolioTarget(
            target_usd=usd,
            max_levels=max_levels(self._settings.portfolio, weight, self._set.bounds.hi),
            bid_mult=0.0 if seen.skew_frozen and seen.position_usd > 0 else 1.0,
            ask_mult=0.0 if seen.skew_frozen and seen.position_usd < 0 else 1.0,
        )

    def allocation(
        self,
        targets: Mapping[str, PortfolioTarget],
        *,
        rebalanced: bool,
        warnings: tuple[str, ...],
    ) -> Allocation:
        """Everything that is shown of the tick."""
        return Allocation(
            symbols=self._symbols,
            targets=targets,
            stages=tuple(self._stages),
            smoothing=self._steps,
            cost_bps=self._cost_bps,
            budget_available_usd=self._available,
            limit_usd=self._limit,
            drawdown=self._soft.drawdown,
            soft_permille=self._soft.permille,
            tilt=self._tilt,
            rebalanced=rebalanced,
            bounds_relaxed=self._set.bounds.relaxed,
            warnings=warnings,
            mode=self._settings.portfolio.mode,
        )
