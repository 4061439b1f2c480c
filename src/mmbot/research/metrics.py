"""Definitions of the performance metrics, as pure functions of numbers.

Equity is net: cash plus position marked at the mid, minus fees, USD. An observation is its change
over one bar. Expected shortfall after C. Acerbi and D. Tasche (2002), the components of the edge
after R. Huang and H. Stoll (1996) and A. Perold (1988); see `mmbot.research.edge_report`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mmbot.units import BPS_PER_UNIT

__all__ = [
    "BLOCK_REASONS",
    "COMPONENTS",
    "COSTS",
    "Drawdown",
    "block_reasons",
    "bps_of",
    "component_breakdown",
    "cvar95_usd",
    "max_drawdown",
    "negative_edge_drivers",
    "observations",
    "percentile",
    "share",
    "sharpe",
]

_MINUTES_PER_YEAR: Final = 525_600
_TAIL: Final = 0.05

BLOCK_REASONS: Final = ("min_interval", "concurrency", "risk", "throttle")

# Name in a report (bps) -> name in the accounts (USD).
COMPONENTS: Final[Mapping[str, str]] = {
    "gross_bps": "gross_usd",
    "fees_eff_bps": "fees_usd",
    "slippage_bps": "slippage_usd",
    "adverse_bps": "adverse_usd",
    "inventory_bps": "inventory_usd",
    "net_bps": "net_usd",
}
# In the order in which equal costs are named.
COSTS: Final = ("slippage_bps", "adverse_bps", "inventory_bps", "fees_eff_bps")


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The largest fall from a peak: as a share of the peak and in USD, each its own maximum."""

    ratio: float
    usd: float


def share(part: float, whole: float) -> float:
    """`part / whole`, 0 where there is nothing to share."""
    return part / whole if whole else 0.0


def bps_of(amount_usd: float, turnover_usd: float) -> float:
    """An amount in basis points of turnover, 0 without turnover."""
    return BPS_PER_UNIT * share(amount_usd, turnover_usd)


def percentile(values: Sequence[float], p: float) -> float:
    """Nearest-rank percentile: the value at index ``ceil(p*n)-1`` of the sorted values.

    Args:
        values: in any order; empty gives 0.
        p: share in (0, 1].
    """
    if not values:
        return 0.0
    rank = math.ceil(p * len(values))
    return sorted(values)[max(rank, 1) - 1]


def observations(equity_usd: Sequence[float]) -> list[float]:
    """Changes of equity from bar to bar; equity is counted from 0 at the start."""
    before = [0.0, *equity_usd[:-1]]
    return [after - earlier for earlier, after in zip(before, equity_usd, strict=True)]


def sharpe(changes_usd: Sequence[float], *, bar_minutes: float) -> float:
    """Annualised mean over standard deviation (n-1) of bar observations.

    0 with fewer than two bars or without any spread between them.
    """
    n = len(changes_usd)
    if n < 2:
        return 0.0
    mean = math.fsum(changes_usd) / n
    variance = math.fsum((change - mean) ** 2 for change in changes_usd) / (n - 1)
    deviation = math.sqrt(variance)
    # Equal observations differ in their last bits after a subtraction: that is no spread.
    if deviation <= 1e-12 * max(1.0, abs(mean)):
        return 0.0
    return mean / deviation * math.sqrt(_MINUTES_PER_YEAR / bar_minutes)


def max_drawdown(equity_usd: Sequence[float], *, budget_usd: float) -> Drawdown:
    """Largest fall from a peak over bar ends; the account starts with `budget_usd`."""
    peak = budget_usd
    worst_ratio = worst_usd = 0.0
    for change in equity_usd:
        equity = budget_usd + change
        peak = max(peak, equity)
        fall = peak - equity
        worst_usd = max(worst_usd, fall)
        if peak > 0:
            worst_ratio = max(worst_ratio, fall / peak)
    return Drawdown(ratio=worst_ratio, usd=worst_usd)


def cvar95_usd(changes_usd: Sequence[float]) -> float:
    """Mean of the worst ``max(1, ceil(0.05 n))`` observations; negative where the tail loses."""
    if not changes_usd:
        return 0.0
    count = max(1, math.ceil(_TAIL * len(changes_usd)))
    return math.fsum(sorted(changes_usd)[:count]) / count


def component_breakdown(edge_usd: Mapping[str, float], turnover_usd: float) -> dict[str, float]:
    """The six components of the edge in bps of turnover; costs are positive."""
    return {bps: bps_of(edge_usd[usd], turnover_usd) for bps, usd in COMPONENTS.items()}


def negative_edge_drivers(components: Mapping[str, float]) -> list[str]:
    """The two largest costs of a losing period, the larger first; empty when it did not lose."""
    if components["net_bps"] >= 0:
        return []
    costs = [name for name in COSTS if components[name] > 0]
    # Sorting is stable: equal costs stay in the order of COSTS.
    return sorted(costs, key=lambda name: -components[name])[:2]


def block_reasons(counts: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Count of every block reason and its share of all blocks."""
    total = sum(counts.get(reason, 0) for reason in BLOCK_REASONS)
    return {
        reason: {
            "count": counts.get(reason, 0),
            "ratio": share(counts.get(reason, 0), total),
        }
        for reason in BLOCK_REASONS
    }
