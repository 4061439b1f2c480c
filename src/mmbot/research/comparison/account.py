"""What a session did, read from the records of its journal: orders, their fills and latencies.

A backtest writes the same records, so both sides of a comparison are read by the same code. Money
stays in the exact unit of the journal, tick x lot / 10,000 of the instrument.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

__all__ = ["Account", "Fees", "Fill", "Order", "Traded"]

_RATE_UNITS: Final = 1_000_000
_FEE_DENOMINATOR: Final = 10_000 * _RATE_UNITS
_DEFAULTS: Final = {"trading.maker_fee_bps": 1.0, "trading.taker_fee_bps": 5.0}
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fees:
    """Fee rates in millionths of a basis point; negative is a rebate."""

    maker: int
    taker: int

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Fees:
        """The rates of an instrument's parameters; missing ones are the core's defaults."""
        rates = (params.get(key, default) for key, default in _DEFAULTS.items())
        return cls(*(_rate(float(rate)) for rate in rates))

    def on(self, notional: int, *, is_maker: bool) -> int:
        """The fee of the simulated exchange: rounded half away from zero."""
        product = notional * (self.maker if is_maker else self.taker)
        size = (abs(product) + _FEE_DENOMINATOR // 2) // _FEE_DENOMINATOR
        return size if product >= 0 else -size


def _rate(bps: float) -> int:
    size = int(abs(bps) * _RATE_UNITS + 0.5)
    return size if bps >= 0 else -size


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution: local time, price in 1/10,000 tick, lots, fee, and what rates charge."""

    ts_ns: int
    px: int
    qty: int
    fee: int
    model_fee: int

    @property
    def notional(self) -> int:
        """Price times quantity, money."""
        return self.px * self.qty


@dataclass(slots=True)
class Order:
    """One order: how it was placed, what became of it; `sign` is 1 for a buy, -1 for a sell."""

    instrument: int
    cid: int
    sign: int
    ts_ns: int
    px: int
    fills: list[Fill] = field(default_factory=list)
    latency_ns: dict[str, int] = field(default_factory=dict)
    response_ns: int | None = None

    def gain(self, mark: int) -> int:
        """What the fills are worth at `mark` (1/10,000 tick), fees as the rates charge them."""
        return sum(self.sign * (mark - fill.px) * fill.qty - fill.model_fee for fill in self.fills)

    @property
    def qty(self) -> int:
        """Lots filled."""
        return sum(fill.qty for fill in self.fills)

    def cost_of(self, qty: int) -> int:
        """What the first `qty` lots cost, in the order of the fills."""
        cost = 0
        for fill in self.fills:
            part = min(qty, fill.qty)
            cost += fill.px * part
            qty -= part
        return cost


@dataclass(frozen=True, slots=True)
class Traded:
    """Totals of one instrument: turnover, fees paid and fees as the rates charge them; money."""

    turnover: int
    fees: int
    model_fees: int


class Account:
    """Collects records.

    Args:
        fees: the rates that the simulated exchange charges, over those of the parameters.

    Attributes:
        instruments: as the header has them.
        orders: by instrument and its order number, as they were placed.
        decisions: decisions that were taken.
        end_ns: time of the last record.
        adopted: by instrument, lots that were taken over, and their prices in 1/10,000 tick.
    """

    def __init__(self, fees: Mapping[str, Any] | None = None) -> None:
        self.instruments: list[dict[str, Any]] = []
        self.orders: dict[tuple[int, int], Order] = {}
        self.decisions = 0
        self.end_ns = 0
        self.adopted: dict[int, list[tuple[int, int]]] = {}
        self._positions: dict[int, int] = {}
        self._over = dict(fees or {})
        self._fees: dict[int, Fees] = {}
        self._sent: dict[tuple[str, int, int], int] = {}

    def add(self, record: Record) -> None:
        """Takes the next record."""
        kind = record["kind"]
        if kind != "header":
            self.end_ns = max(self.end_ns, record["ts_ns"], record.get("last_ts_ns", 0))
        if kind == "report":
            self._report(record)
        elif kind == "intent":
            self._intent(record)
        elif kind == "adopt":
            self._adopt(record)
        elif kind == "decide":
            self.decisions += 1
        elif kind == "header":
            self.instruments = record["instruments"]

    def set_params(self, instrument: int, params: Mapping[str, Any]) -> None:
        """Parameters of an instrument take effect."""
        self._fees[instrument] = Fees.of({**params, **self._over})

    def unit_usd(self, instrument: int) -> Fraction:
        """One unit of money, exact."""
        facts = self.instruments[instrument]
        tick, lot = Fraction(facts["tick_size"]), Fraction(facts["lot_size"])
        return tick * lot / 10_000 * Fraction(facts["quote_usd"])

    def of(self, instrument: int) -> list[Order]:
        """Orders of an instrument."""
        return [order for order in self.orders.values() if order.instrument == instrument]

    def net(self, instrument: int, mark: int) -> int:
        """PnL with the position at `mark`, fees as they were paid; money.

        Of what was taken over it is the gain since then.
        """
        fills = (
            order.sign * (mark - fill.px) * fill.qty - fill.fee
            for order in self.of(instrument)
            for fill in order.fills
        )
        return sum(fills) + self.held(instrument, mark)

    def held(self, instrument: int, mark: int) -> int:
        """What was taken over has gained since, at `mark`; money."""
        return sum(lots * (mark - px) for lots, px in self.adopted.get(instrument, ()))

    def traded(self, instrument: int) -> Traded:
        """Totals of an instrument."""
        fills = [fill for order in self.of(instrument) for fill in order.fills]
        return Traded(
            turnover=sum(fill.notional for fill in fills),
            fees=sum(fill.fee for fill in fills),
            model_fees=sum(fill.model_fee for fill in fills),
        )

    def adoption(self, record: Record) -> int:
        """Lots that a record takes over which comes next: what the position was not before."""
        return int(record["position"]) - self._positions.get(record["instrument"], 0)

    def _adopt(self, record: Record) -> None:
        at, lots = record["instrument"], self.adoption(record)
        self.adopted.setdefault(at, []).append((lots, record["exec_px"]))
        self._positions[at] = record["position"]

    def _intent(self, record: Record) -> None:
        action, at, cid = record["action"], record["instrument"], record["cid"]
        if action == "place":
            sign = 1 if record["side"] == "buy" else -1
            self.orders[at, cid] = Order(at, cid, sign, record["ts_ns"], record["px"])
        # an action that was sent again is timed from the first time
        self._sent.setdefault((action, at, cid), record["ts_ns"])

    def _report(self, record: Record) -> None:
        order = self.orders.get((record["instrument"], record["cid"]))
        if order is None:
            return
        what = record["report"]
        if what == "filled":
            order.fills.append(self._fill(order, record))
            at, lots = order.instrument, order.sign * record["qty"]
            self._positions[at] = self._positions.get(at, 0) + lots
            return
        action = _ANSWERS.get(what)
        if action is None:
            return
        sent_ns = self._sent.pop((action, order.instrument, order.cid), None)
        if sent_ns is None:
            return
        order.latency_ns.setdefault(action, max(0, record["ts_exch_ns"] - sent_ns))
        if action == "place":
            order.response_ns = max(0, record["ts_ns"] - record["ts_exch_ns"])

    def _fill(self, order: Order, record: Record) -> Fill:
        px, qty = record["exec_px"], record["qty"]
        is_maker = record["liquidity"] == "maker"
        model = self._fees[order.instrument].on(px * qty, is_maker=is_maker)
        return Fill(record["ts_ns"], px, qty, record["fee"], model)


_ANSWERS: Final = {"accepted": "place", "amended": "amend", "cancelled": "cancel"}
