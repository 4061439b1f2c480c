"""One allocator tick (03 section 3) for Python: weights here, the twelve stages in the core.

What runs every second lives once, in `mmbot.core`: a session ticks it there. This face runs the
same function with every stage kept, for previews, explanations and tests. Equal input gives equal
bits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mmbot.config.allocator_params import allocator_params
from mmbot.config.portfolio import PortfolioConfig
from mmbot.core import AllocatorTick, Backoff, PortfolioParams, allocator_tick
from mmbot.portfolio.fees import fee_status
from mmbot.portfolio.models import (
    STAGES,
    Allocation,
    AllocatorInputs,
    AllocatorSettings,
    AllocatorState,
    Stage,
    SymbolInputs,
)
from mmbot.portfolio.weights import WeightSet, bounds_for, next_weights

__all__ = ["TickResult", "core_params", "rebalance_due", "tick"]

_DEFAULT_VOLA: Final = 1.0


@dataclass(frozen=True, slots=True)
class TickResult:
    """What to publish, and the state for the next tick."""

    allocation: Allocation
    state: AllocatorState


def tick(settings: AllocatorSettings, state: AllocatorState, inputs: AllocatorInputs) -> TickResult:
    """Run all stages once; weights are renewed when `rebalance_due`.

    Raises:
        CoreError: ``E_ALLOC_INPUT`` for a time that is none.
    """
    symbols = tuple(sorted(inputs.symbols))
    volas, warnings = _volas(symbols, inputs.symbols, state.volas)
    due = rebalance_due(settings.portfolio, state, inputs)
    weights = _weights(settings.portfolio, state, volas, due=due)
    ran = allocator_tick(
        core_params(settings, symbols),
        inputs,
        [inputs.symbols[symbol] for symbol in symbols],
        weights=[weights.weights[symbol] for symbol in symbols],
        current_usd=[state.current_usd.get(symbol, 0.0) for symbol in symbols],
        backoff=[state.backoff.get(symbol, Backoff()) for symbol in symbols],
        hwm_equity_usd=state.hwm_equity_usd,
        improvement_bps=_improvement_bps(settings, inputs),
    )
    new_state = AllocatorState(
        weights=weights.weights,
        volas=volas,
        current_usd=dict(zip(symbols, ran.current_usd, strict=True)) if ran.targets else {},
        backoff=dict(zip(symbols, ran.backoff, strict=True)),
        hwm_equity_usd=ran.hwm_equity_usd,
        rebalanced_sec=inputs.now_sec if due else state.rebalanced_sec,
    )
    told = (*weights.warnings, *warnings)
    shown = _allocation(settings, symbols, ran, weights, rebalanced=due, warnings=told)
    return TickResult(shown, new_state)


def core_params(settings: AllocatorSettings, symbols: Sequence[str]) -> PortfolioParams:
    """The settings as the core takes them, for `symbols` in this order."""
    flat = allocator_params(settings.portfolio, settings.smoothing, settings.signals)
    return PortfolioParams(flat, symbols)


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
            refused.append(f"E_ALLOC_INPUT: vola of {symbol} is unusable; the last one is kept")
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


def _improvement_bps(settings: AllocatorSettings, inputs: AllocatorInputs) -> float | None:
    """What the next fee tier saves; `None` where it is not worth a tilt."""
    status = fee_status(
        settings.fees.bybit,
        turnover_30d_usd=inputs.turnover_30d_usd,
        maker_share=inputs.maker_share,
    )
    return status.improvement_bps if status.worth_a_tilt else None


def _allocation(
    settings: AllocatorSettings,
    symbols: tuple[str, ...],
    ran: AllocatorTick,
    weights: WeightSet,
    *,
    rebalanced: bool,
    warnings: tuple[str, ...],
) -> Allocation:
    """Everything that is shown of the tick."""
    published = bool(ran.targets)
    return Allocation(
        symbols=symbols,
        targets=dict(zip(symbols, ran.targets, strict=True)) if published else {},
        stages=tuple(
            Stage(number, STAGES[number - 1], tuple(targets))
            for number, targets in enumerate(ran.stages, 1)
        ),
        figures=dict(zip(symbols, ran.figures, strict=True)) if published else {},
        budget_available_usd=ran.budget_available_usd,
        limit_usd=ran.limit_usd,
        drawdown=ran.drawdown,
        soft_permille=ran.soft_permille,
        tilt=ran.tilt,
        rebalanced=rebalanced,
        bounds_relaxed=weights.bounds.relaxed,
        warnings=warnings,
        mode=settings.portfolio.mode,
    )
