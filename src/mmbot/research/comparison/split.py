"""The difference of PnL between a session and its simulation, in parts that add up exactly.

With `L` what the session made, `S` the simulation on the catalog's data, `J` on the session's own
data, `K` on them and with the latencies that the session had (`J` where they were the same):

    market data  J - S
    latency      K - J
    fees         what the rates charge for the session's fills - what it paid
    slippage     of pairs: price of the lots that both filled
    queue        of pairs: the rest, lots that one filled and the other did not
    decisions    orders of the session alone - orders of the simulation alone

Fills are worth what they gain to the mid at the end, with fees as the rates charge them. Everything
is an integer in the money of the instrument, so the parts sum to ``L - S`` by construction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from mmbot.research.comparison.account import Account, Order
from mmbot.research.comparison.pairing import Pairing

__all__ = ["PARTS", "Run", "Split", "split_gap"]

PARTS: Final = ("market_data", "latency", "fees", "slippage", "queue", "decisions")


@dataclass(frozen=True, slots=True)
class Run:
    """One side of the comparison: its account, and the mids at its end in 1/10,000 tick."""

    account: Account
    marks: Sequence[int]


@dataclass(frozen=True, slots=True)
class Split:
    """The difference of one instrument or of all, USD, exact."""

    session: Fraction
    simulated: Fraction
    turnover: Fraction
    parts: Mapping[str, Fraction]

    @property
    def gap(self) -> Fraction:
        """What the session made more than the simulation."""
        return self.session - self.simulated

    def bps(self, amount: Fraction) -> float:
        """An amount in bps of the session's turnover; 0 without one."""
        return float(amount / self.turnover * 10_000) if self.turnover else 0.0

    @classmethod
    def total(cls, splits: Sequence[Split]) -> Split:
        """All instruments together."""
        return cls(
            sum((one.session for one in splits), Fraction()),
            sum((one.simulated for one in splits), Fraction()),
            sum((one.turnover for one in splits), Fraction()),
            {name: sum((one.parts[name] for one in splits), Fraction()) for name in PARTS},
        )


def split_gap(
    at: int, session: Run, *, catalog: Run, journal: Run, latency: Run, pairing: Pairing
) -> Split:
    """Split the difference of instrument `at`.

    Args:
        at: the instrument.
        session: what happened; its marks are those of `journal`.
        catalog: the simulation on the catalog's data; `journal` itself without one.
        journal: the simulation on the session's data.
        latency: that with the session's latencies; `journal` itself where they are the same.
        pairing: orders of `session` and `latency`.
    """
    unit = session.account.unit_usd(at)
    mark, traded = session.marks[at], session.account.traded(at)
    mine = session.account.net(at, mark)
    on_catalog, on_journal, on_latency = (
        run.account.net(at, run.marks[at]) for run in (catalog, journal, latency)
    )
    slippage = sum(_slippage(one, other) for one, other in pairing.pairs)
    paired = sum(one.gain(mark) - other.gain(mark) for one, other in pairing.pairs)
    alone = sum(order.gain(mark) for order in pairing.session_only)
    others = sum(order.gain(mark) for order in pairing.simulated_only)
    money = {
        "market_data": on_journal - on_catalog,
        "latency": on_latency - on_journal,
        "fees": traded.model_fees - traded.fees,
        "slippage": slippage,
        "queue": paired - slippage,
        "decisions": alone - others,
    }
    return Split(
        mine * unit,
        on_catalog * unit,
        traded.turnover * unit,
        {name: money[name] * unit for name in PARTS},
    )


def _slippage(one: Order, other: Order) -> int:
    """What the lots that both filled cost the simulation more."""
    both = min(one.qty, other.qty)
    return one.sign * (other.cost_of(both) - one.cost_of(both))
