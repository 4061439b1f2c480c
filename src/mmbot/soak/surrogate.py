"""A Gaussian process over the six parameters, for measurements as noisy as trading windows are.

Windows with equal parameters are pooled by their fills first, so that each point of the model is
one setting and its noise falls with what was filled there. Kernel: squared exponential over
parameters as shares of their hard range; amplitude and length scale are those of a fixed grid with
the largest marginal likelihood (C. Rasmussen and C. Williams, 2006, chapters 2 and 5). The noise of
a fill is taken from windows of one setting where there are enough of them, else from the grid, too.
Nothing is random.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmbot.soak.parameters import TUNABLES, Values

__all__ = ["Measured", "Surrogate", "features"]

Array = NDArray[np.float64]

_LENGTHS: Final = (0.35, 0.7, 1.5, 3.0)
_AMPLITUDES: Final = (0.25, 0.5, 1.0, 2.0)
_NOISES: Final = (0.01, 0.1, 0.3, 1.0)
_REPEATS_MIN: Final = 8
_JITTER: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Measured:
    """One window: parameters, what was measured, and the fills it was measured on."""

    values: Values
    y: float
    fills: float


class Surrogate:
    """The posterior of one metric.

    Args:
        windows: at least one.
    """

    def __init__(self, windows: Sequence[Measured]) -> None:
        points, ys, fills, noise = _pooled(windows)
        self._x = points
        self._mean = float(np.average(ys, weights=fills))
        centred = ys - self._mean
        scale = float(np.sqrt(np.average(centred**2, weights=fills))) or 1.0
        # Noise variance of a setting: that of one fill over its number of fills.
        shares = fills.mean() / fills
        known = None if noise is None else noise / fills
        fits = (
            _Fit.of(points, centred, amplitude * scale, length, variances)
            for amplitude, length in itertools.product(_AMPLITUDES, _LENGTHS)
            for variances in (
                [known] if known is not None else [(n * scale) ** 2 * shares for n in _NOISES]
            )
        )
        self._fit = max(fits, key=lambda fit: fit.likelihood)

    def mean_and_sd(self, points: Array) -> tuple[Array, Array]:
        """Posterior mean and standard deviation at feature rows of shape (n, 6)."""
        fit = self._fit
        cross = _kernel(points, self._x, fit.amplitude, fit.length)
        mean = self._mean + cross @ fit.weights
        half = np.linalg.solve(fit.lower, cross.T)
        variance = fit.amplitude**2 - np.sum(half**2, axis=0)
        return mean, np.sqrt(np.maximum(variance, 0.0))


def features(values: Values) -> Array:
    """Parameters as shares of their hard range."""
    return np.array([(values[name] - t.low) / t.span for name, t in TUNABLES.items()])


@dataclass(frozen=True, slots=True)
class _Fit:
    """One choice of kernel: factor of the covariance, weights, log marginal likelihood."""

    amplitude: float
    length: float
    lower: Array
    weights: Array
    likelihood: float

    @classmethod
    def of(cls, x: Array, y: Array, amplitude: float, length: float, noise: Array) -> _Fit:
        covariance = _kernel(x, x, amplitude, length)
        covariance += np.diag(noise + _JITTER * amplitude**2)
        lower: Array = np.linalg.cholesky(covariance).astype(np.float64)
        weights: Array = np.linalg.solve(lower.T, np.linalg.solve(lower, y)).astype(np.float64)
        likelihood = -0.5 * float(y @ weights) - float(np.sum(np.log(np.diag(lower))))
        return cls(amplitude, length, lower, weights, likelihood)


def _kernel(left: Array, right: Array, amplitude: float, length: float) -> Array:
    gaps = left[:, None, :] - right[None, :, :]
    squares: Array = np.sum(gaps**2, axis=2)
    return amplitude**2 * np.exp(-0.5 * squares / length**2)


def _pooled(windows: Sequence[Measured]) -> tuple[Array, Array, Array, float | None]:
    """Settings, their means, their fills, and the variance of one fill where it can be told."""
    groups: dict[tuple[float, ...], list[Measured]] = {}
    for window in windows:
        key = tuple(float(window.values[name]) for name in TUNABLES)
        groups.setdefault(key, []).append(window)
    fills = np.array([math.fsum(w.fills for w in group) for group in groups.values()])
    means = np.array([_mean(group) for group in groups.values()])
    points = np.array([features(group[0].values) for group in groups.values()])
    repeats = sum(len(group) - 1 for group in groups.values())
    if repeats < _REPEATS_MIN:
        return points, means, fills, None
    spread = math.fsum(
        w.fills * (w.y - mean) ** 2
        for group, mean in zip(groups.values(), means.tolist(), strict=True)
        for w in group
    )
    return points, means, fills, max(spread / repeats, _JITTER)


def _mean(group: Sequence[Measured]) -> float:
    return math.fsum(w.fills * w.y for w in group) / math.fsum(w.fills for w in group)
