"""Positions of both sides compared: the venue's against the sum of fills."""

from __future__ import annotations

from collections.abc import Iterator

from mmbot.trading.reconcile.actions import (
    Action,
    Cause,
    PositionMismatch,
    ResumeQuoting,
)
from mmbot.trading.reconcile.models import LocalPosition, LocalView, ReconcileRules, VenueView

__all__ = ["compare_positions"]


def compare_positions(
    local: LocalView, view: VenueView, rules: ReconcileRules, *, symbols: frozenset[str]
) -> Iterator[Action]:
    """Actions by symbol, sorted; `local` has the missing executions booked.

    A symbol that was filled after the fetch began is left to the next cycle. A mismatch is acted on
    again only when the adopted position is no longer the venue's.
    """
    if view.positions is None or view.executions is None:
        return
    for symbol in sorted(symbols):
        position = local.positions.get(symbol, LocalPosition())
        if position.changed_ns >= view.started_ns:
            continue
        venue_lots = view.positions.get(symbol, 0)
        if abs(venue_lots - position.fills_lots) > rules.position_lots:
            if not position.is_mismatched or position.position_lots != venue_lots:
                yield PositionMismatch(
                    cause=Cause.POSITION_DIFFERS,
                    symbol=symbol,
                    venue_lots=venue_lots,
                    fills_lots=position.fills_lots,
                )
        elif position.is_mismatched:
            yield ResumeQuoting(cause=Cause.MISMATCH_EXPLAINED, symbol=symbol)
