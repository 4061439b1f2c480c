"""What a symbol has brought on the UTC day so far: sums, so that a look costs nothing.

The components are those of `mmbot.research.edge_report`; inventory is marked at the mid of the
look, for which two sums are enough. What is realised is by weighted average cost; what was held
when the day began counts at the mid of that moment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmbot.research.edge_accounts import AuditedFill
from mmbot.research.metrics import bps_of, share
from mmbot.research.window_edge import histogram_between

__all__ = ["DayFigures", "SymbolDay", "pooled_p95"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """A symbol's day at one moment, USD; costs are positive, fees of a rebate negative."""

    gross_usd: float
    fees_usd: float
    slippage_usd: float
    adverse_usd: float
    inventory_usd: float
    realized_usd: float
    turnover_usd: float
    taker_usd: float
    ages_ms: Mapping[float, int]

    @property
    def net_usd(self) -> float:
        """The ledger's result of the day."""
        costs = (self.fees_usd, self.slippage_usd, self.adverse_usd, self.inventory_usd)
        return self.gross_usd - math.fsum(costs)

    @property
    def edge_bps(self) -> dict[str, float]:
        """The six components in bps of turnover."""
        usd = {
            "gross_bps": self.gross_usd,
            "fees_bps": self.fees_usd,
            "adverse_bps": self.adverse_usd,
            "slippage_bps": self.slippage_usd,
            "inventory_bps": self.inventory_usd,
            "net_bps": self.net_usd,
        }
        return {name: bps_of(amount, self.turnover_usd) for name, amount in usd.items()}

    @property
    def taker_share_pct(self) -> float:
        """Share of the turnover that took, percent."""
        return 100.0 * share(self.taker_usd, self.turnover_usd)

    @classmethod
    def total(cls, days: Sequence[DayFigures]) -> DayFigures:
        """All symbols together."""
        ages: dict[float, int] = {}
        for day in days:
            for age_ms, count in day.ages_ms.items():
                ages[age_ms] = ages.get(age_ms, 0) + count
        names = [name for name in cls.__dataclass_fields__ if name != "ages_ms"]
        sums = {name: math.fsum(getattr(day, name) for day in days) for name in names}
        return cls(**sums, ages_ms=ages)


@dataclass(slots=True)
class SymbolDay:
    """One symbol from the day's first moment: its position and mid then, the engine's result.

    `before` is empty where the session begins on that day.
    """

    opening_qty: float
    opening_mid: float
    before: Mapping[str, Any]
    _usd: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(
            ("gross", "fees", "slippage", "adverse", "turnover", "taker", "realized"), 0.0
        )
    )
    # sums of signed quantities, and of those times the mid after their fill
    _qty: float = 0.0
    _marked: float = 0.0
    # what was taken over, and what it counts as having cost
    _adopted: float = 0.0
    _adopted_usd: float = 0.0
    _held: float = field(init=False)
    _cost: float = field(init=False)

    def __post_init__(self) -> None:
        self._held, self._cost = self.opening_qty, self.opening_mid

    def add(self, fill: AuditedFill) -> None:
        """A fill of the day."""
        line, usd = fill.line, self._usd
        signed = line.side * line.qty
        usd["gross"] += signed * (fill.decision - fill.reference)
        usd["fees"] += fill.fee_usd
        moved = (fill.decision - fill.before) + (line.price - fill.reference)
        usd["slippage"] += signed * moved
        usd["adverse"] += signed * (fill.before - fill.after)
        usd["turnover"] += fill.notional_usd
        usd["taker"] += 0.0 if line.is_maker else fill.notional_usd
        self._qty += signed
        self._marked += signed * fill.after
        self._book(signed, line.price)

    def adopt(self, qty: float, price: float) -> None:
        """A quantity was taken over at a price, negative if it was given away: no fill of ours."""
        self._adopted += qty
        self._adopted_usd += qty * price
        if qty:
            self._book(qty, price)

    def _book(self, signed: float, price: float) -> None:
        held = self._held
        if held * signed >= 0:
            size = abs(held) + abs(signed)
            self._cost = (abs(held) * self._cost + abs(signed) * price) / size
            self._held = held + signed
            return
        closed = min(abs(held), abs(signed))
        self._usd["realized"] += closed * (price - self._cost) * math.copysign(1.0, held)
        self._held = held + signed
        if abs(signed) > abs(held):
            self._cost = price

    def figures(self, mid: float, result: Mapping[str, Any]) -> DayFigures:
        """The day with what is held marked at `mid`; `result` is the engine's."""
        carried = self.opening_qty * (mid - self.opening_mid)
        carried += self._adopted * mid - self._adopted_usd
        usd = self._usd
        ages = histogram_between(self.before.get("order_age_ms", {}), result["order_age_ms"])
        return DayFigures(
            gross_usd=usd["gross"],
            fees_usd=usd["fees"],
            slippage_usd=usd["slippage"],
            adverse_usd=usd["adverse"],
            inventory_usd=self._marked - mid * self._qty - carried,
            realized_usd=usd["realized"] - usd["fees"],
            turnover_usd=usd["turnover"],
            taker_usd=usd["taker"],
            ages_ms=ages,
        )


def pooled_p95(counts: Mapping[float, int]) -> float | None:
    """Nearest-rank p95 of values with their counts; None without any."""
    rank, reached = math.ceil(0.95 * sum(counts.values())), 0
    for value in sorted(counts):
        reached += counts[value]
        if reached >= rank:
            return value
    return None
