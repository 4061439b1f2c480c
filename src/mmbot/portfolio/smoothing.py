"""Stage 10: the bias of micro signals, the clamp on moves of a target, and backoff (03 section 6).

This is the allocator's move per tick, over symbols, with backoff after breaches. The core's
`next_target_usd` is the move per decision of a session that has no allocator.
"""

from __future__ import annotations

import math
from typing import Final

from mmbot.config.portfolio import SmoothingConfig
from mmbot.config.signals import SignalsConfig
from mmbot.portfolio.models import Backoff, SmoothingStep, SymbolInputs

__all__ = ["audit_event", "bias_of", "next_backoff", "smooth", "trace_line"]

_CLEAN_TICKS: Final = 10


def smooth(
    desired_usd: float,
    current_usd: float,
    *,
    inputs: SymbolInputs,
    backoff: Backoff,
    was_level: int,
    config: SmoothingConfig,
    signals: SignalsConfig,
) -> SmoothingStep:
    """The next target of one symbol, USD, and how it came about."""
    delta_raw = desired_usd - current_usd
    bend = abs(delta_raw) * signals.impact_cap_ratio
    adjust = min(bend, max(-bend, bias_of(inputs, signals) * abs(delta_raw)))
    moved = desired_usd + adjust - current_usd
    cap: float | None = None
    capped = moved
    if not (current_usd == 0.0 and config.max_delta_abs_base_units == 0.0):
        mid = inputs.mid_usd if math.isfinite(inputs.mid_usd) else 0.0
        absolute = config.max_delta_abs_base_units * mid
        widest = max(abs(current_usd) * config.max_delta_ratio, absolute)
        cap = widest * config.backoff_steps[backoff.level]
        capped = min(cap, max(-cap, moved))
    return SmoothingStep(
        current_usd=current_usd,
        desired_usd=desired_usd,
        delta_raw_usd=delta_raw,
        cap_usd=cap,
        backoff_level=backoff.level,
        delta_capped_usd=capped,
        next_usd=max(0.0, current_usd + capped),
        bound=capped != moved,
        level_changed=backoff.level != was_level,
    )


def bias_of(inputs: SymbolInputs, signals: SignalsConfig) -> float:
    """Combined signal in [-1, 1]; a signal that is unknown or not finite counts as 0."""
    weights = signals.weights
    total = (
        weights.imbalance * _finite(inputs.imbalance)
        + weights.micro_tilt * _finite(inputs.micro_tilt)
        + weights.sigma_regime * _regime_bias(inputs.sigma, signals)
    )
    return min(1.0, max(-1.0, total))


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _regime_bias(sigma: float | None, signals: SignalsConfig) -> float:
    if sigma is None or not math.isfinite(sigma):
        return 0.0
    bands = signals.sigma_bands
    name = next((name for _, upper, name in bands[:-1] if sigma < upper), bands[-1][2])
    return float(signals.regime_bias_map.get(name, 0))


def next_backoff(old: Backoff, *, breached: bool, steps: int) -> Backoff:
    """One level up per tick with a breach; one down after each 10 clean ticks."""
    level = min(old.level, steps - 1)
    if breached:
        return Backoff(min(level + 1, steps - 1), 0)
    if level == 0:
        return Backoff()
    clean = old.clean_ticks + 1
    return Backoff(level - 1, 0) if clean >= _CLEAN_TICKS else Backoff(level, clean)


def trace_line(symbol: str, step: SmoothingStep, *, ts_sec: float) -> str:
    """The ``ALLOC_MICRO`` line; the cap of a cold start is the move itself."""
    cap = abs(step.delta_capped_usd) if step.cap_usd is None else step.cap_usd
    return (
        f"ALLOC_MICRO ts={int(ts_sec)} symbol={symbol} current={step.current_usd:.6f} "
        f"desired={step.desired_usd:.6f} delta_raw={step.delta_raw_usd:.6f} cap={cap:.6f} "
        f"backoff_level={step.backoff_level} delta_capped={step.delta_capped_usd:.6f} "
        f"next={step.next_usd:.6f}"
    )


def audit_event(step: SmoothingStep) -> dict[str, float | int | None] | None:
    """Body of the audit event ``ALLOC``, when the cap bound or the level changed."""
    if not (step.bound or step.level_changed):
        return None
    return {
        "backoff_level": step.backoff_level,
        "cap": step.cap_usd,
        "delta_capped": step.delta_capped_usd,
        "delta_raw": step.delta_raw_usd,
        "next": step.next_usd,
    }
