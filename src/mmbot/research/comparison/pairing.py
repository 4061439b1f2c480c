"""Which order of the session is which order of the simulation.

Orders are paired by decision: same instrument, same side, same time. In one decision those of one
price are paired, then the first that is left with the first, the second with the second (best price
first). What is left over is paired with the nearest of the other side that is less than one refresh
away; each order is in one pair at most.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mmbot.research.comparison.account import Order

__all__ = ["Pairing", "pair_orders"]


@dataclass(frozen=True, slots=True)
class Pairing:
    """Pairs as (session, simulation), and the orders that only one of them placed."""

    pairs: tuple[tuple[Order, Order], ...]
    session_only: tuple[Order, ...]
    simulated_only: tuple[Order, ...]


def pair_orders(session: Sequence[Order], simulated: Sequence[Order], *, within_ns: int) -> Pairing:
    """Pair the orders of one instrument; a time `within_ns` away or more is another decision."""
    pairs: list[tuple[Order, Order]] = []
    left: list[Order] = []
    right: dict[int, list[Order]] = defaultdict(list)
    theirs = _by_decision(simulated)
    for key, placed in _by_decision(session).items():
        mine, others, equal = _of_one_price(placed, theirs.pop(key, []))
        pairs.extend(equal)
        pairs.extend(zip(mine, others, strict=False))
        left.extend(mine[len(others) :])
        right[key[1]].extend(others[len(mine) :])
    for key, others in theirs.items():
        right[key[1]].extend(others)
    for sign, others in right.items():
        others.sort(key=_place)
        mine = sorted((order for order in left if order.sign == sign), key=_place)
        pairs.extend(_nearest(mine, others, within_ns))
    paired = {id(order) for pair in pairs for order in pair}
    return Pairing(
        tuple(sorted(pairs, key=lambda pair: _place(pair[0]))),
        tuple(order for order in session if id(order) not in paired),
        tuple(order for order in simulated if id(order) not in paired),
    )


def _by_decision(orders: Sequence[Order]) -> dict[tuple[int, int], list[Order]]:
    found: dict[tuple[int, int], list[Order]] = defaultdict(list)
    for order in orders:
        found[order.ts_ns, order.sign].append(order)
    for together in found.values():
        together.sort(key=lambda order: (-order.sign * order.px, order.cid))
    return found


def _of_one_price(
    mine: Sequence[Order], others: Sequence[Order]
) -> tuple[list[Order], list[Order], list[tuple[Order, Order]]]:
    """What is left of both when those of equal price are paired, and the pairs."""
    rest, left, pairs = list(others), [], []
    for order in mine:
        at = next((at for at, other in enumerate(rest) if other.px == order.px), None)
        if at is None:
            left.append(order)
        else:
            pairs.append((order, rest.pop(at)))
    return left, rest, pairs


def _place(order: Order) -> tuple[int, int]:
    return order.ts_ns, order.cid


def _nearest(
    mine: Sequence[Order], others: list[Order], within_ns: int
) -> list[tuple[Order, Order]]:
    """In order of time, each with the nearest one that is free."""
    pairs = []
    for order in mine:
        at = bisect_left(others, order.ts_ns, key=lambda other: other.ts_ns)
        around = [place for place in (at - 1, at) if 0 <= place < len(others)]
        if not around:
            continue
        best = min(around, key=lambda place: abs(others[place].ts_ns - order.ts_ns))
        if abs(others[best].ts_ns - order.ts_ns) < within_ns:
            pairs.append((order, others.pop(best)))
    return pairs
