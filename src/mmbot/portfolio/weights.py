"""Weights of symbols (03 section 2): raw weights by mode, projection into bounds, EMA.

Sums are taken by `math.fsum`: exactly rounded, so the order and the processor do not matter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from mmbot.config.portfolio import PortfolioConfig
from mmbot.errors import ConfigError

__all__ = [
    "Bounds",
    "WeightSet",
    "bounds_for",
    "next_weights",
    "project",
    "raw_weights",
    "risk_contributions",
]

Array = npt.NDArray[np.float64]

_EPS: Final = 1e-9
_ROUNDS: Final = 50
_PARITY: Final = 1e-6
# Below this share of the largest, a raw weight is zero: lambda * raw would leave the float range.
_NEGLIGIBLE: Final = 1e-15
# Weights that moved less are the fixed point: another round would give them again.
_FIXED: Final = 1e-13


@dataclass(frozen=True, slots=True)
class Bounds:
    """Least and largest weight in force; `relaxed` when 1/n had to widen them."""

    lo: float
    hi: float
    relaxed: bool


@dataclass(frozen=True, slots=True)
class WeightSet:
    """Weights by symbol, in lexicographic order, and what was noticed."""

    weights: Mapping[str, float]
    bounds: Bounds
    warnings: tuple[str, ...]


def next_weights(
    config: PortfolioConfig, volas: Mapping[str, float], previous: Mapping[str, float]
) -> WeightSet:
    """Weights of the symbols of `volas`: raw, projected, smoothed with `previous`, projected."""
    symbols = sorted(volas)
    bounds = bounds_for(config, len(symbols))
    if not symbols:
        return WeightSet({}, bounds, ())
    raw, warnings = raw_weights(config, {symbol: volas[symbol] for symbol in symbols})
    new = project(raw, bounds)
    alpha = config.ema_alpha
    mixed = [
        alpha * w + (1.0 - alpha) * previous[s] if s in previous else w
        for s, w in zip(symbols, new, strict=True)
    ]
    smoothed = project(mixed, bounds)
    return WeightSet(dict(zip(symbols, smoothed, strict=True)), bounds, warnings)


def bounds_for(config: PortfolioConfig, count: int) -> Bounds:
    """Bounds that `count` symbols can meet."""
    even = 1.0 / max(1, count)
    lo, hi = min(config.min_weight, even), max(config.max_weight, even)
    return Bounds(lo, hi, relaxed=lo < config.min_weight or hi > config.max_weight)


def raw_weights(
    config: PortfolioConfig, volas: Mapping[str, float]
) -> tuple[list[float], tuple[str, ...]]:
    """Raw weights in the order of `volas`, and warnings.

    Raises:
        ConfigError: ``E_CFG_RANGE`` for an unknown mode or a manual weight below 0 or not finite.
    """
    if config.mode == "manual":
        return _manual(config, list(volas))
    vol = np.array(list(volas.values()), dtype=np.float64)
    if config.mode == "inverse_vol":
        return (1.0 / np.maximum(_EPS, vol)).tolist(), ()
    if config.mode == "risk_parity":
        return _risk_parity(vol, bounds_for(config, len(vol))), ()
    raise ConfigError("E_CFG_RANGE", "portfolio.mode", "must be manual, inverse_vol or risk_parity")


def _manual(config: PortfolioConfig, symbols: list[str]) -> tuple[list[float], tuple[str, ...]]:
    given = config.manual_weights
    for symbol in sorted(given):
        if not math.isfinite(given[symbol]) or given[symbol] < 0:
            key = f"portfolio.manual_weights.{symbol}"
            raise ConfigError("E_CFG_RANGE", key, "must be finite and at least 0")
    traded = set(symbols)
    strange = tuple(
        f"portfolio.manual_weights.{symbol} is not traded and is ignored"
        for symbol in sorted(given)
        if symbol not in traded
    )
    raw = [float(given.get(symbol, config.min_weight)) for symbol in symbols]
    return ([1.0] * len(raw) if max(raw) <= 0 else raw), strange


def _risk_parity(vol: Array, bounds: Bounds) -> list[float]:
    safe = np.maximum(_EPS, vol)
    weights = np.full(len(vol), 1.0 / len(vol))
    for _ in range(_ROUNDS):
        target = math.fsum(weights * vol) / len(vol)
        raw = (target if target > 0 else 1.0) / safe
        fitted = np.array(project(raw.tolist(), bounds))
        moved = float(np.max(np.abs(fitted - weights)))
        weights = fitted
        risk = weights * vol
        top = float(risk.max())
        if moved < _FIXED or top <= 0 or (top - float(risk.min())) / top < _PARITY:
            break
    return [float(weight) for weight in weights]


def project(raw: Sequence[float], bounds: Bounds) -> list[float]:
    """Find lambda with ``sum clamp(lambda*raw, lo, hi) = 1`` and return the clamped weights.

    Symbols between the bounds keep their proportions. Where even all positive symbols at `hi`
    do not reach 1, the symbols without raw weight share the rest evenly.
    """
    if not raw:
        return []
    if len(raw) == 1:
        return [1.0]
    values = np.array(raw, dtype=np.float64)
    top = float(values.max())
    values = values / top if top > 0 else np.ones(len(raw))
    values[values < _NEGLIGIBLE] = 0.0
    positive = values > 0
    zeros = int(len(raw) - positive.sum())
    at_most = (len(raw) - zeros) * bounds.hi + zeros * bounds.lo
    if zeros and at_most < 1.0:
        rest = (1.0 - (len(raw) - zeros) * bounds.hi) / zeros
        return [bounds.hi if some else rest for some in positive]
    return _settle(_clamped(values, positive, bounds), bounds)


def _clamped(values: Array, positive: npt.NDArray[np.bool_], bounds: Bounds) -> Array:
    """Bisect over the places where a symbol meets a bound; between two of them solve exactly."""
    live = values[positive]
    corners = np.unique(np.concatenate((bounds.lo / live, bounds.hi / live)))
    below, above = 0, len(corners) - 1
    while below < above:
        middle = (below + above) // 2
        if math.fsum(np.clip(corners[middle] * values, bounds.lo, bounds.hi)) < 1.0:
            below = middle + 1
        else:
            above = middle
    right = float(corners[below])
    left = float(corners[below - 1]) if below else 0.0
    inner = 0.5 * (left + right) * values
    free = (inner > bounds.lo) & (inner < bounds.hi)
    scale = right
    if bool(free.any()):
        fixed = math.fsum(np.clip(inner[~free], bounds.lo, bounds.hi))
        scale = (1.0 - fixed) / math.fsum(values[free])
    return np.clip(scale * values, bounds.lo, bounds.hi)


def _settle(weights: Array, bounds: Bounds) -> list[float]:
    """Take rounding (some 1e-16) out of the first symbol that has room for it."""
    result = [float(weight) for weight in weights]
    excess = math.fsum(result) - 1.0
    for at, weight in enumerate(result):
        if excess != 0.0 and bounds.lo <= weight - excess <= bounds.hi:
            result[at] = weight - excess
            break
    return result


def risk_contributions(
    weights: Mapping[str, float], volas: Mapping[str, float]
) -> dict[str, float]:
    """Share of each symbol in ``sum w*vol``, 0..1; all 0 without volatility."""
    risk = {symbol: weights[symbol] * volas[symbol] for symbol in sorted(weights)}
    total = math.fsum(risk.values())
    return {symbol: value / total if total > 0 else 0.0 for symbol, value in risk.items()}
