"""Components of the edge over a stretch of time, on plain numbers, checked against the ledger.

The independent twin of the core's accounting, which works in exact integers: an audit of a
simulated run's fills must agree with the engine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mmbot.errors import InvariantError
from mmbot.research.edge_lines import TradeLine
from mmbot.units import BPS_PER_UNIT

__all__ = ["AuditedFill", "Stretch", "components", "taker_turnover_usd", "turnover_usd"]

_TOLERANCE: Final = 1e-9
_PARTS: Final = ("gross_usd", "fees_usd", "slippage_usd", "adverse_usd", "inventory_usd")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedFill:
    """A fill with every price known: M, R, m and m' of `mmbot.research.edge_report`."""

    line: TradeLine
    decision: float
    reference: float
    before: float
    after: float

    @property
    def notional_usd(self) -> float:
        """Price times quantity."""
        return self.line.price * self.line.qty

    @property
    def fee_usd(self) -> float:
        """Fee paid; negative is a rebate."""
        return self.notional_usd * self.line.fee_bps / BPS_PER_UNIT

    @property
    def adverse_bps(self) -> float:
        """Price impact after the fill."""
        return BPS_PER_UNIT * self.line.side * (self.before - self.after) / self.line.price

    @property
    def slippage_bps(self) -> float:
        """Drift while the quote was out, plus price concession."""
        moved = (self.decision - self.before) + (self.line.price - self.reference)
        return BPS_PER_UNIT * self.line.side * moved / self.line.price


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Fills of one symbol between two instants, with position and mid at its ends."""

    fills: Sequence[AuditedFill]
    opening_qty: float
    opening_mid: float
    closing_mid: float


def turnover_usd(fills: Sequence[AuditedFill]) -> float:
    """Notional of all fills."""
    return math.fsum(fill.notional_usd for fill in fills)


def taker_turnover_usd(fills: Sequence[AuditedFill]) -> float:
    """Notional of the fills that took."""
    return math.fsum(fill.notional_usd for fill in fills if not fill.line.is_maker)


def components(stretches: Sequence[Stretch]) -> dict[str, float]:
    """The six components in USD, costs positive, over stretches of any symbols.

    Raises:
        InvariantError: ``E_SIM_IDENTITY`` when they do not add up to the ledger: a defect of ours.
    """
    parts = [
        dict(zip(_PARTS, _of_fill(fill, stretch.closing_mid), strict=True))
        for stretch in stretches
        for fill in stretch.fills
    ]
    totals = {name: math.fsum(part[name] for part in parts) for name in _PARTS}
    # What was held at the start earns the move of the mid: a negative cost.
    totals["inventory_usd"] -= math.fsum(_carried(stretch) for stretch in stretches)
    net = totals["gross_usd"] - math.fsum(totals[name] for name in _PARTS[1:])
    _check_identity(stretches, net)
    return {**totals, "net_usd": net}


def _of_fill(fill: AuditedFill, closing_mid: float) -> tuple[float, float, float, float, float]:
    line = fill.line
    signed = line.side * line.qty
    return (
        signed * (fill.decision - fill.reference),
        fill.fee_usd,
        signed * ((fill.decision - fill.before) + (line.price - fill.reference)),
        signed * (fill.before - fill.after),
        signed * (fill.after - closing_mid),
    )


def _carried(stretch: Stretch) -> float:
    return stretch.opening_qty * (stretch.closing_mid - stretch.opening_mid)


def _check_identity(stretches: Sequence[Stretch], net: float) -> None:
    """Cash, marked position and fees give the same result as the components."""
    ledger = math.fsum(
        fill.line.side * fill.line.qty * (stretch.closing_mid - fill.line.price) - fill.fee_usd
        for stretch in stretches
        for fill in stretch.fills
    )
    ledger += math.fsum(_carried(stretch) for stretch in stretches)
    size = math.fsum(_size(stretch) for stretch in stretches)
    if abs(net - ledger) > _TOLERANCE * max(1.0, size):
        raise InvariantError(
            "E_SIM_IDENTITY", "edge", f"components give {net!r} USD, the ledger {ledger!r} USD"
        )


def _size(stretch: Stretch) -> float:
    """Turnover, marked turnover and marked opening position: the scale of rounding errors."""
    marked = math.fsum(fill.line.qty for fill in stretch.fills) * stretch.closing_mid
    return turnover_usd(stretch.fills) + marked + abs(stretch.opening_qty) * stretch.closing_mid
