"""What must hold after every cycle; a violation trips the guard, it is never repaired silently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from mmbot.trading.reconcile.models import LocalView, VenueView

__all__ = ["Invariant", "Violation", "violations"]


class Invariant(StrEnum):
    """Label ``code`` of ``invariant_violations_total``."""

    LOCAL_CID_TWICE = "local_cid_twice"
    VENUE_CID_TWICE = "venue_cid_twice"
    POSITION_NOT_FILLS = "position_not_fills"


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken invariant, and the client id or symbol that breaks it."""

    invariant: Invariant
    subject: str


def violations(local: LocalView, venue: VenueView | None = None) -> tuple[Violation, ...]:
    """All broken invariants: never two live orders with one client id, position = sum of fills.

    A symbol whose position was adopted from the venue is excused: it is paused until its fills are
    complete. `venue` adds what only the venue can break.
    """
    found = [
        Violation(Invariant.LOCAL_CID_TWICE, cid)
        for cid in _repeated(order.cid for order in local.orders if order.state.is_open)
    ]
    if venue is not None and venue.open_orders is not None:
        cids = _repeated(order.cid for order in venue.open_orders)
        found += [Violation(Invariant.VENUE_CID_TWICE, cid) for cid in cids]
    found += [
        Violation(Invariant.POSITION_NOT_FILLS, symbol)
        for symbol, position in sorted(local.positions.items())
        if position.position_lots != position.fills_lots and not position.is_mismatched
    ]
    return tuple(found)


def _repeated(cids: Iterable[str]) -> Iterator[str]:
    return (cid for cid, count in sorted(Counter(cids).items()) if count > 1)
