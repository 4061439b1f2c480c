"""Runs the simulations that a comparison needs, and puts its report together."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from mmbot.research.comparison.account import Account, Order
from mmbot.research.comparison.pairing import Pairing, pair_orders
from mmbot.research.comparison.rerun import Rerun, SessionInputs, Simulation, read_session
from mmbot.research.comparison.split import PARTS, Run, Split, split_gap
from mmbot.units import NS_PER_MS

__all__ = ["Comparison", "compare_session"]

# Latencies that differ by less are the same latencies.
_SAME_NS: Final = 50_000
_ACTIONS: Final = ("place", "amend", "cancel")
_FEE_KEYS: Final = ("trading.maker_fee_bps", "trading.taker_fee_bps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A session beside its simulation; `splits` and `pairings` by instrument."""

    inputs: SessionInputs
    session: Run
    simulated: Run
    pairings: tuple[Pairing, ...]
    splits: tuple[Split, ...]
    has_other_latency: bool

    @property
    def total(self) -> Split:
        """All instruments together."""
        return Split.total(self.splits)

    @property
    def gap_bps(self) -> float:
        """The difference in bps of the session's turnover.

        Without turnover there is nothing to relate it to: 0 when nothing differs, else infinite.
        """
        total = self.total
        if not total.turnover and total.gap:
            return math.copysign(math.inf, total.gap)
        return total.bps(total.gap)

    @property
    def marker(self) -> str:
        """The marker line."""
        pairs = sum(len(one.pairs) for one in self.pairings)
        mine = sum(len(one.session_only) for one in self.pairings)
        others = sum(len(one.simulated_only) for one in self.pairings)
        return (
            f"| compare | OK | gap_usd={float(self.total.gap):.6f} gap_bps={self.gap_bps:.6f} "
            f"pairs={pairs} session_only={mine} simulated_only={others} |"
        )

    def document(self) -> dict[str, Any]:
        """The report as JSON holds it; amounts in USD."""
        total = self.total
        gap_bps = self.gap_bps
        return {
            "session_id": self.inputs.header["session_id"],
            "mode": self.inputs.header["mode"],
            "end_reason": self.inputs.end_reason,
            "session_usd": float(total.session),
            "simulated_usd": float(total.simulated),
            "gap_usd": float(total.gap),
            "gap_bps": gap_bps if math.isfinite(gap_bps) else None,
            "turnover_usd": float(total.turnover),
            "parts_usd": {name: float(total.parts[name]) for name in PARTS},
            "parts_bps": {name: total.bps(total.parts[name]) for name in PARTS},
            "counts": self._counts(),
            "latency_ms": {
                "session": _latencies(self.session.account.orders.values()),
                "simulated": _latencies(self.simulated.account.orders.values()),
            },
            "by_symbol": {
                facts["symbol"]: {
                    "gap_usd": float(split.gap),
                    "parts_usd": {name: float(split.parts[name]) for name in PARTS},
                    "session_usd": float(split.session),
                    "simulated_usd": float(split.simulated),
                }
                for facts, split in zip(self.inputs.header["instruments"], self.splits, strict=True)
            },
        }

    def _counts(self) -> dict[str, int]:
        both = [pair for one in self.pairings for pair in one.pairs]
        return {
            "pairs": len(both),
            "pairs_with_equal_fills": sum(one.qty == other.qty for one, other in both),
            "pairs_filled_more": sum(one.qty > other.qty for one, other in both),
            "pairs_filled_less": sum(one.qty < other.qty for one, other in both),
            "session_only": sum(len(one.session_only) for one in self.pairings),
            "simulated_only": sum(len(one.simulated_only) for one in self.pairings),
            "session_fills": _fills(self.session.account),
            "simulated_fills": _fills(self.simulated.account),
            "session_decisions": self.session.account.decisions,
            "simulated_decisions": self.simulated.account.decisions,
        }


def compare_session(path: str, simulation: Simulation) -> Comparison:
    """Run the period of a journal through the backtest and compare.

    Args:
        path: the directory of the session.
        simulation: the simulated exchange; its `data` are what the session is compared on, else
            the market rows of the journal.

    Raises:
        StoreError: ``E_STORE_JOURNAL`` for a journal that cannot be read or run again.
        CoreError: the core refuses parameters or data.
        MarketDataError: the catalog has no rows of the period, or they are damaged.
    """
    fees = {key: value for key, value in simulation.over.items() if key in _FEE_KEYS}
    inputs = read_session(path, fees)
    on_journal = replace(simulation, data=None, venue=None)
    journal = _run(path, inputs, on_journal)
    catalog = journal if simulation.data is None else _run(path, inputs, simulation)
    session = Run(inputs.account, journal.marks)
    found = _pairings(inputs, session, journal)
    measured = _other_latencies(found, inputs.account)
    latency = journal
    if measured:
        simulator = {**simulation.simulator, **measured}
        latency = _run(path, inputs, replace(on_journal, simulator=simulator))
        found = _pairings(inputs, session, latency)
    splits = (
        split_gap(at, session, catalog=catalog, journal=journal, latency=latency, pairing=pairing)
        for at, pairing in enumerate(found)
    )
    return Comparison(
        inputs=inputs,
        session=session,
        simulated=catalog,
        pairings=tuple(found),
        splits=tuple(splits),
        has_other_latency=bool(measured),
    )


def _run(path: str, inputs: SessionInputs, simulation: Simulation) -> Run:
    rerun = Rerun(path, inputs, simulation).run()
    return Run(rerun.account, rerun.marks)


def _pairings(inputs: SessionInputs, session: Run, other: Run) -> list[Pairing]:
    return [
        pair_orders(
            session.account.of(at),
            other.account.of(at),
            within_ns=int(inputs.first[at]["trading.quote_refresh_ms"]) * NS_PER_MS,
        )
        for at in range(len(inputs.header["instruments"]))
    ]


def _other_latencies(pairings: Iterable[Pairing], account: Account) -> dict[str, float]:
    """The session's latencies as the simulated exchange takes them, where they differ at all.

    Only pairs of one moment tell: at another the latency of the feed is another, too.
    """
    pairs = [
        (one, other)
        for pairing in pairings
        for one, other in pairing.pairs
        if one.ts_ns == other.ts_ns
    ]
    orders = list(account.orders.values())
    found: dict[str, float] = {}
    for action in _ACTIONS:
        gaps = [
            abs(one.latency_ns[action] - other.latency_ns[action])
            for one, other in pairs
            if action in one.latency_ns and action in other.latency_ns
        ]
        if not gaps or statistics.fmean(gaps) < _SAME_NS:
            continue
        taken = [order.latency_ns[action] for order in orders if action in order.latency_ns]
        mean_ms = statistics.fmean(taken) / NS_PER_MS
        if action == "place":
            found["latency_ms_mean"] = mean_ms
            found["latency_ms_std"] = statistics.pstdev(taken) / NS_PER_MS
        else:
            found[f"{action}_latency_ms"] = mean_ms
    if "latency_ms_mean" not in found:
        found.update(_other_response(pairs, orders))
    return found


def _other_response(
    pairs: Iterable[tuple[Order, Order]], orders: Iterable[Order]
) -> dict[str, float]:
    """How long answers took, if the venue took orders in equally fast but told of it later."""
    gaps = [
        abs(one.response_ns - other.response_ns)
        for one, other in pairs
        if one.response_ns is not None
        and other.response_ns is not None
        and abs(one.latency_ns.get("place", 0) - other.latency_ns.get("place", 0)) < _SAME_NS
    ]
    if not gaps or statistics.fmean(gaps) < _SAME_NS:
        return {}
    taken = [order.response_ns for order in orders if order.response_ns is not None]
    return {"response_latency_ms": statistics.fmean(taken) / NS_PER_MS}


def _latencies(orders: Iterable[Order]) -> Mapping[str, Mapping[str, float]]:
    orders = list(orders)
    found = {}
    for action in _ACTIONS:
        taken = sorted(order.latency_ns[action] for order in orders if action in order.latency_ns)
        if taken:
            found[action] = {
                "mean": statistics.fmean(taken) / NS_PER_MS,
                "p50": taken[(len(taken) - 1) // 2] / NS_PER_MS,
                "p99": taken[(99 * len(taken) + 99) // 100 - 1] / NS_PER_MS,
                "count": float(len(taken)),
            }
    return found


def _fills(account: Account) -> int:
    return sum(len(order.fills) for order in account.orders.values())
