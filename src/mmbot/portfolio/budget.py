"""Budget, drawdown softening and clamps (03 section 4), in fixed point where it is written so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mmbot.config.portfolio import BudgetConfig
from mmbot.errors import StoreError

__all__ = [
    "Softening",
    "available_usd",
    "floor6",
    "hwm_from_payload",
    "hwm_payload",
    "limit_usd",
    "min_guard",
    "next_hwm_usd",
    "round6",
    "soften",
    "sum_clamp",
]

_MICRO: Final = 1_000_000
_SLACK: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Softening:
    """Drawdown 0..1 and the factor it leaves, permille."""

    drawdown: float
    permille: int


def next_hwm_usd(hwm_usd: float, equity_usd: float | None, flow_usd: float) -> float:
    """Highest equity seen; deposits and withdrawals move it by their amount."""
    moved = max(0.0, hwm_usd + flow_usd) if hwm_usd > 0 else 0.0
    known = equity_usd is not None and math.isfinite(equity_usd)
    return max(moved, equity_usd) if known and equity_usd is not None else moved


def soften(config: BudgetConfig, *, hwm_usd: float, equity_usd: float | None) -> Softening:
    """The soft factor; 1000 permille without a drawdown. Truncation adds 1e-9 (decision 14)."""
    drawdown = 0.0
    if hwm_usd > 0 and equity_usd is not None and math.isfinite(equity_usd):
        drawdown = min(1.0, max(0.0, (hwm_usd - equity_usd) / hwm_usd))
    drawdown_bps = math.trunc(drawdown * 10_000 + _SLACK)
    soft_cap_bps = math.trunc(config.drawdown_soft_cap * 10_000 + _SLACK)
    sens_permille = math.trunc(config.pnl_sensitivity * 1_000 + _SLACK)
    if soft_cap_bps == 0:
        x_permille = 1_000 if drawdown_bps > 0 else 0
    else:
        x_permille = min(1_000, drawdown_bps * 1_000 // soft_cap_bps)
    return Softening(drawdown, 1_000 - sens_permille * x_permille // 1_000)


def available_usd(
    budget_usd: float, *, equity_usd: float | None, foreign_margin_usd: float
) -> float:
    """Budget that equity can pay for; the whole budget while equity is unknown."""
    if equity_usd is None or not math.isfinite(equity_usd):
        return budget_usd
    return max(0.0, min(budget_usd, equity_usd - foreign_margin_usd))


def limit_usd(available: float, soft_permille: int) -> float:
    """Limit ``L`` of the sum of all targets."""
    return round6(available * soft_permille / 1_000)


def round6(value: float) -> float:
    """Nearest multiple of 1e-6, halves up."""
    return math.floor(value * _MICRO + 0.5) / _MICRO


def floor6(value: float) -> float:
    """Next multiple of 1e-6 that is not above."""
    return math.floor(value * _MICRO) / _MICRO


def sum_clamp(targets: Sequence[float], limit: float) -> list[float]:
    """Scale targets (in lexicographic order of their symbols) down to `limit`.

    The remainder of flooring goes to the first positive targets, one micro-dollar each.
    """
    total = math.fsum(targets)
    if total <= limit + _SLACK:
        return list(targets)
    micros = [math.floor(target * limit / total * _MICRO) for target in targets]
    heirs = [at for at, target in enumerate(targets) if target > 0]
    share, extra = divmod(math.floor(limit * _MICRO + 0.5) - sum(micros), len(heirs))
    for rank, at in enumerate(heirs):
        micros[at] = max(0, micros[at] + share + (1 if rank < extra else 0))
    return [micro / _MICRO for micro in micros]


def min_guard(targets: Sequence[float], least_usd: float) -> list[float]:
    """A target below the least is 0: its symbol is not quoted."""
    return [0.0 if target < least_usd else target for target in targets]


def hwm_payload(hwm_usd: float) -> dict[str, object]:
    """Snapshot of kind ``allocator``."""
    return {"hwm_equity_usd": hwm_usd, "version": 1}


def hwm_from_payload(payload: object) -> float:
    """The high-water mark of a snapshot, USD.

    Raises:
        StoreError: ``E_STORE_TYPE`` for a payload of another form.
    """
    if isinstance(payload, dict) and set(payload) == {"hwm_equity_usd", "version"}:
        value, version = payload["hwm_equity_usd"], payload["version"]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if version == 1 and number and math.isfinite(value) and value >= 0:
            return float(value)
    raise StoreError("E_STORE_TYPE", "allocator snapshot", "is not a high-water mark of version 1")
