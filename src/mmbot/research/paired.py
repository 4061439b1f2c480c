"""Paired comparisons: are differences by seed (or by day) more than luck?"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["PairedTest", "paired_test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedTest:
    """Two-sided tests that differences have no direction.

    Attributes:
        n: differences that are not zero; the tests look at these.
        mean: of all differences.
        better: how many are positive.
        p_wilcoxon: signed-rank test of F. Wilcoxon (1945), normal approximation with ties.
        p_sign: sign test, exact.
    """

    n: int
    mean: float
    better: int
    p_wilcoxon: float
    p_sign: float

    def document(self) -> dict[str, Any]:
        """For a report."""
        return asdict(self)


def paired_test(differences: Sequence[float]) -> PairedTest:
    """Test differences; without any that is not zero nothing can be told: both p are 1."""
    moved = sorted((v for v in differences if v != 0), key=abs)
    n = len(moved)
    if n == 0:
        return PairedTest(n=0, mean=0.0, better=0, p_wilcoxon=1.0, p_sign=1.0)
    rank_sum, ties, at = 0.0, 0.0, 0
    for _, group in itertools.groupby(moved, key=abs):
        equal = list(group)
        rank = at + (len(equal) + 1) / 2
        rank_sum += rank * sum(v > 0 for v in equal)
        ties += len(equal) ** 3 - len(equal)
        at += len(equal)
    variance = n * (n + 1) * (2 * n + 1) / 24 - ties / 48
    z = (rank_sum - n * (n + 1) / 4) / math.sqrt(variance)
    better = sum(v > 0 for v in moved)
    tail = sum(math.comb(n, k) for k in range(max(better, n - better), n + 1)) / 2**n
    return PairedTest(
        n=n,
        mean=round(statistics.fmean(differences), 6),
        better=better,
        p_wilcoxon=round(math.erfc(abs(z) / math.sqrt(2)), 6),
        p_sign=round(min(1.0, 2 * tail), 6),
    )
