"""What a venue says, as reports for the core.

The private stream repeats, reorders and loses: an execution may come before its order's
acknowledgement or after its cancel, an order's update may be older than the last one, everything
comes again after a reconnect. What goes to the core is made so that positions are exact all the
same: an execution counts once by its id, and the cumulative quantity that the core knows a fill by
is the sum of the executions that counted. An order's end never books a fill; only executions do.

Pure: every function reads the ledger and returns what is to be told, in order. The caller notes it
in the ledger (`OrderLedger.told`) one by one as it tells the core.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from mmbot.trading.live.orders import CoreReport, OrderLedger, RequestKind, Terms, TrackedOrder
from mmbot.trading.reconcile import OrderState
from mmbot.venues.failures import Action, Failure, FailureKind, VenueCodes, Verdict
from mmbot.venues.records import ExecutionRecord, InstrumentRules, OrderRecord, OrderStatus

__all__ = ["ReportSource", "Unmatched", "refusal"]

# A tick, and tick x lot, have so many parts in the core's prices and amounts of money.
_PARTS: Final = 10_000


@dataclass(slots=True)
class Unmatched:
    """Events that belong to no order of this session, by client order id; counted."""

    orders: dict[str, int] = field(default_factory=dict)
    executions: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class ReportSource:
    """Turns the venue's records into reports.

    Attributes:
        ledger: the session's orders; read only.
        rules: grids by symbol.
        fee_assets: asset that fees of a symbol are in when they count as money of its quote
            currency; a fee in another asset is booked as zero and counted in `foreign_fees`.
        stale_updates: updates of orders that were older than what was known.
        duplicate_executions: executions that were booked already.
    """

    ledger: OrderLedger
    rules: Mapping[str, InstrumentRules]
    fee_assets: Mapping[str, str]
    unmatched: Unmatched = field(default_factory=Unmatched)
    foreign_fees: int = 0
    stale_updates: int = 0
    duplicate_executions: int = 0

    def on_order(self, record: OrderRecord, *, is_answer: bool = False) -> Iterator[CoreReport]:
        """Reports of an order's update; one that is older than what is known tells nothing.

        Args:
            record: the order.
            is_answer: whether it was asked for because an answer is overdue: then a change that it
                does not show did not take effect.

        Raises:
            VenueError: ``E_VENUE_GRID`` for a price or quantity off the grid.
        """
        order = self.ledger.find(record.cid)
        if order is None:
            seen = self.unmatched.orders
            seen[record.cid] = seen.get(record.cid, 0) + 1
            return
        rules = self.rules[record.symbol]
        order.wants_fills = max(order.wants_fills, rules.lots(record.filled_qty))
        if record.updated_ns < order.venue_ns or not order.state.is_open:
            self.stale_updates += record.updated_ns < order.venue_ns
            return
        terms = Terms(rules.ticks(record.price), rules.lots(record.qty))
        # Venues count milliseconds: an update of the same one may be the older of the two.
        is_newer = record.updated_ns > order.venue_ns or not order.was_accepted
        order.venue_ns = record.updated_ns
        match record.status:
            case OrderStatus.OPEN:
                for report in _resting(
                    order, terms, record.updated_ns, is_newer=is_newer, is_answer=is_answer
                ):
                    is_first = report.kind == "accepted"
                    yield replace(report, order_id=record.order_id) if is_first else report
            case OrderStatus.FILLED:
                # Its executions end it, at the total that it had.
                if terms == order.asked or terms.qty_lots != order.terms.qty_lots:
                    yield _amended(order, terms, record.updated_ns)
                elif order.asked is not None:
                    yield _told(order, "amend_rejected", order.venue_ns, reason="unknown_order")
            case OrderStatus.REJECTED if not order.was_accepted:
                yield _told(order, "rejected", record.updated_ns, reason="filter")
            case OrderStatus.CANCELLED | OrderStatus.EXPIRED | OrderStatus.REJECTED:
                yield _told(order, "cancelled", record.updated_ns)

    def on_execution(self, record: ExecutionRecord) -> Iterator[CoreReport]:
        """The report of an execution, unless it is booked or of no order of this session.

        Raises:
            VenueError: ``E_VENUE_GRID`` for a quantity off the grid.
        """
        if self.ledger.is_booked(record.exec_id):
            self.duplicate_executions += 1
            return
        order = self.ledger.find(record.cid)
        if order is None:
            seen = self.unmatched.executions
            seen[record.cid] = seen.get(record.cid, 0) + 1
            return
        rules = self.rules[record.symbol]
        lots = rules.lots(record.qty)
        yield CoreReport(
            symbol=order.symbol,
            cid=order.cid,
            kind="filled",
            ts_exch_ns=record.ts_ns,
            fields={
                "exec_px": _parts(Decimal(record.price) / Decimal(rules.tick_size)),
                "qty": lots,
                "cum_qty": order.filled_lots + lots,
                "liquidity": "taker" if record.is_maker is False else "maker",
                "fee": self._fee(record, rules),
            },
            exec_id=record.exec_id,
        )

    def on_lost(self, order: TrackedOrder) -> Iterator[CoreReport]:
        """The venue does not know the order, and that is believed."""
        if order.state.is_open:
            kind = "cancelled" if order.was_accepted else "rejected"
            fields = {} if order.was_accepted else {"reason": "unknown_order"}
            yield _told(order, kind, order.venue_ns, **fields)

    def on_full(self, order: TrackedOrder) -> Iterator[CoreReport]:
        """The booked executions fill all that the venue has of the order: nothing is open."""
        if order.state.is_open:
            kind = "cancel_rejected" if order.asked is None else "amend_rejected"
            yield _told(order, kind, order.venue_ns, reason="unknown_order")

    def _fee(self, record: ExecutionRecord, rules: InstrumentRules) -> int:
        asset = self.fee_assets.get(record.symbol, record.fee_asset)
        if record.fee_asset not in {asset, ""}:
            self.foreign_fees += 1
            return 0
        return _parts(Decimal(record.fee) / (Decimal(rules.tick_size) * Decimal(rules.lot_size)))


def refusal(
    order: TrackedOrder,
    kind: RequestKind,
    verdict: Verdict,
    failure: Failure,
    codes: VenueCodes,
) -> CoreReport | None:
    """What a failed request tells the core; None while nobody knows what came of it.

    A request that was not taken is refused, so that the next decision wants it again or not:
    creates and amends are never sent a second time by themselves.
    """
    reason = _reason(kind, verdict, failure, codes)
    if reason is None:
        return None
    name = {"place": "rejected", "amend": "amend_rejected", "cancel": "cancel_rejected"}[kind]
    if kind == "place" and (order.was_accepted or not order.state.is_open):
        # Something later than the answer has shown that it was taken.
        return None
    return _told(order, name, order.venue_ns, reason=reason)


def _reason(kind: RequestKind, verdict: Verdict, failure: Failure, codes: VenueCodes) -> str | None:
    match verdict.action:
        case Action.QUERY_BY_CID:
            return None
        case Action.RESOLVE:
            if kind == "place":
                return None
            return "filter" if failure.code in codes.unmodified else "unknown_order"
        case Action.REJECT:
            return "filter"
        case Action.RETRY:
            return _put_off(failure, codes)
        case Action.STOP_SESSION:
            return "market_unavailable"


def _put_off(failure: Failure, codes: VenueCodes) -> str:
    if failure.kind is FailureKind.BUDGET:
        return "not_sent"
    is_limit = failure.code in codes.rate_limit or failure.http_status == 429
    return "rate_limit" if is_limit else "market_unavailable"


def _resting(
    order: TrackedOrder, terms: Terms, venue_ns: int, *, is_newer: bool, is_answer: bool
) -> Iterator[CoreReport]:
    state, was_asked = order.state, order.asked
    if not order.was_accepted or (state is OrderState.UNKNOWN and was_asked is None):
        yield _told(order, "accepted", venue_ns)
    if terms == was_asked or (terms != order.terms and is_newer):
        yield _amended(order, terms, venue_ns)
    elif is_answer and was_asked is not None:
        yield _told(order, "amend_rejected", venue_ns, reason="market_unavailable")
    elif is_answer and state is OrderState.PENDING_CANCEL:
        yield _told(order, "cancel_rejected", venue_ns, reason="market_unavailable")


def _amended(order: TrackedOrder, terms: Terms, venue_ns: int) -> CoreReport:
    # What is open once the executions that are known here have counted; others are on their way.
    open_lots = max(0, terms.qty_lots - order.filled_lots)
    return _told(order, "amended", venue_ns, px=terms.price_ticks, open_qty=open_lots)


def _told(order: TrackedOrder, kind: str, venue_ns: int, **fields: int | str) -> CoreReport:
    return CoreReport(
        symbol=order.symbol, cid=order.cid, kind=kind, ts_exch_ns=venue_ns, fields=fields
    )


def _parts(value: Decimal) -> int:
    return int((value * _PARTS).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
