"""A Bayesian response surface over the six parameters, for measurements as noisy as windows are.

A metric is a polynomial of second degree in the parameters, without cross terms (G. Box and K.
Wilson, 1951), with a normal prior on its coefficients whose width is that of the largest marginal
likelihood, and the noise integrated out (C. Bishop, 2006, sections 3.3 to 3.5). Windows weigh by
their fills.

What a window earns depends on its market far more than on parameters. Where several runs traded one
window under different parameters, only their differences from their mean are learned from: the
market of the window drops out (common random numbers). A window that no other run traded is worth a
part of that.

Nothing is random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmbot.soak.parameters import TUNABLES, Values

__all__ = ["Measured", "Surrogate", "features"]

Array = NDArray[np.float64]

_WIDTHS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Prior standard deviations of coefficients, in standard deviations of the noise of a window."""
_ALONE: Final = 0.25
"""Weight of a window that no other run traded, where there are such that others did."""
_TINY: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Measured:
    """One window: parameters, what was measured, on how many fills, and which market it was.

    `market` is equal for windows of one stretch of one market; empty: nobody else traded it.
    """

    values: Values
    y: float
    fills: float
    market: str = ""


class Surrogate:
    """What is expected of one metric.

    Args:
        windows: at least one.
    """

    def __init__(self, windows: Sequence[Measured]) -> None:
        rows = _Rows.of(windows)
        fits = [_Fit.of(rows, width) for width in _WIDTHS]
        self._fit = max(fits, key=lambda fit: fit.evidence)
        basis = features([window.values for window in windows])
        fills = np.array([window.fills for window in windows])
        y = np.array([window.y for window in windows])
        self._centre = np.average(basis, axis=0, weights=fills)
        self._level = float(np.average(y, weights=fills))

    def mean_and_sd(self, points: Sequence[Values]) -> tuple[Array, Array]:
        """Expected metric, and the standard deviation of its difference from the average so far."""
        basis = features(points) - self._centre
        mean: Array = self._level + basis @ self._fit.coefficients
        variance = np.einsum("ij,jk,ik->i", basis, self._fit.covariance, basis)
        return mean, np.sqrt(np.maximum(variance, 0.0))


def features(points: Sequence[Values]) -> Array:
    """Parameters as shares of their hard range from -1 to 1, and their squares; shape (n, 12)."""
    rows = [[2 * (p[n] - t.low) / t.span - 1 for n, t in TUNABLES.items()] for p in points]
    shares = np.array(rows, dtype=float)
    return np.hstack([shares, shares**2])


@dataclass(frozen=True, slots=True)
class _Rows:
    """Weighted rows of a regression from which the level is gone, and how many are independent."""

    basis: Array
    y: Array
    freedom: int

    @classmethod
    def of(cls, windows: Sequence[Measured]) -> _Rows:
        groups: dict[str, list[int]] = {}
        for at, window in enumerate(windows):
            groups.setdefault(window.market, []).append(at)
        shared = [g for market, g in groups.items() if market and len(g) > 1]
        alone = sorted(at for m, g in groups.items() if not m or len(g) == 1 for at in g)
        fills = np.array([max(window.fills, 1.0) for window in windows])
        weights = fills / fills.mean()
        if shared:
            weights[alone] *= _ALONE
        basis = features([window.values for window in windows])
        y = np.array([window.y for window in windows], dtype=float)
        parts = [*shared, alone] if alone else shared
        for part in parts:
            basis[part] -= np.average(basis[part], axis=0, weights=weights[part])
            y[part] -= np.average(y[part], weights=weights[part])
        root = np.sqrt(weights)
        return cls(basis * root[:, None], y * root, max(1, len(windows) - len(parts)))


@dataclass(frozen=True, slots=True)
class _Fit:
    """Coefficients under one width of the prior, their covariance, the log evidence."""

    coefficients: Array
    covariance: Array
    evidence: float

    @classmethod
    def of(cls, rows: _Rows, width: float) -> _Fit:
        precision = rows.basis.T @ rows.basis + np.eye(rows.basis.shape[1]) / width**2
        inverse = np.linalg.inv(precision)
        coefficients = inverse @ (rows.basis.T @ rows.y)
        # What is left unexplained, the pull of the prior included.
        left = max(float(rows.y @ rows.y - coefficients @ precision @ coefficients), _TINY)
        _, log_det = np.linalg.slogdet(precision * width**2)
        evidence = -0.5 * float(log_det) - 0.5 * rows.freedom * float(np.log(left))
        return cls(coefficients, inverse * left / rows.freedom, evidence)
