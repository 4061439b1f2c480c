"""What the shell of a session knows of its orders: what was asked, and what was told to the core.

The core has its own machine; this is the ledger beside it, by the names that a venue uses. It moves
by two things only, and both are in the journal: a request that is about to leave (`sent`) and a
report that is about to enter the core (`told`). So a ledger that is fed from a journal is the one
that wrote it, which is how a session goes on after a crash.

Executions are known by their ids. A journal holds them as notes (`exec_note`), each before the
report that it belongs to: one without its report was never booked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from mmbot.trading.reconcile import LocalOrder, LocalPosition, LocalView, OrderState
from mmbot.units import NS_PER_HOUR
from mmbot.venues.records import Side

__all__ = [
    "KEEP_NS",
    "CoreReport",
    "OrderLedger",
    "Request",
    "RequestKind",
    "Terms",
    "TrackedOrder",
    "exec_note",
    "known_note",
    "order_note",
]

RequestKind = Literal["place", "amend", "cancel"]

KEEP_NS: Final = NS_PER_HOUR
"""How long what ended is known: the venue is asked for a shorter past."""


class Request(Protocol):
    """An order request of the core (`mmbot.core.OrderRequest`)."""

    @property
    def symbol(self) -> str:
        """Whose."""
        ...

    @property
    def ts_ns(self) -> int:
        """When it was decided."""
        ...

    @property
    def kind(self) -> str:
        """`RequestKind`."""
        ...

    @property
    def cid(self) -> int:
        """The core's number of the order."""
        ...

    @property
    def client_order_id(self) -> str:
        """What the venue knows the order by."""
        ...

    @property
    def side(self) -> str | None:
        """Of a new order."""
        ...

    @property
    def price_ticks(self) -> int | None:
        """None for a cancel."""
        ...

    @property
    def qty_lots(self) -> int | None:
        """Total, the filled part included; None for a cancel."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """Limit price, and total quantity with the filled part."""

    price_ticks: int
    qty_lots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreReport:
    """A report for `LiveSession.on_report`.

    Attributes:
        exec_id: the venue's name of an execution, else empty.
        order_id: the venue's name of an order that it has accepted, else empty.
    """

    symbol: str
    cid: int
    kind: str
    ts_exch_ns: int
    fields: Mapping[str, int | str] = field(default_factory=dict)
    exec_id: str = ""
    order_id: str = ""


@dataclass(slots=True, kw_only=True)
class TrackedOrder:
    """An order of this session.

    Attributes:
        terms: in force at the venue, as far as it said.
        asked: of a change that was not answered yet.
        changed_ns: local time of the last request or report.
        asked_ns: local time since which an answer is awaited: of the last request, or of the doubt
            about it.
        venue_ns: venue time of the newest update of the order.
        wants_fills: what the venue says was filled; more than `filled_lots` while executions are on
            their way.
        was_accepted: whether the venue ever had it.
    """

    symbol: str
    cid: int
    client_id: str
    side: Side
    terms: Terms
    state: OrderState
    changed_ns: int
    asked_ns: int
    asked: Terms | None = None
    filled_lots: int = 0
    wants_fills: int = 0
    venue_ns: int = 0
    was_accepted: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether nothing is awaited: no answer, no execution."""
        is_still = self.state is OrderState.LIVE or not self.state.is_open
        return is_still and self.wants_fills <= self.filled_lots


def known_note(exec_id: str, ts_ns: int) -> str:
    """The note that an execution is part of a position that was taken over."""
    return f"known id={exec_id} ts={ts_ns}"


def exec_note(report: CoreReport) -> str:
    """The note that says which execution the next report books."""
    cum = report.fields["cum_qty"]
    return f"exec id={report.exec_id} symbol={report.symbol} cid={report.cid} cum={cum}"


def order_note(order: TrackedOrder, order_id: str) -> str:
    """The note that says what the venue calls an order."""
    return f"order id={order_id} cid={order.client_id}"


class OrderLedger:
    """All orders of a session, the executions that are booked, and the positions they sum up to."""

    def __init__(self) -> None:
        self._by_client: dict[str, TrackedOrder] = {}
        self._by_number: dict[tuple[str, int], TrackedOrder] = {}
        self._exec_ns: dict[str, int] = {}
        self._positions: dict[str, int] = {}
        self._filled_ns: dict[str, int] = {}
        self._adopted: dict[str, int] = {}

    def __iter__(self) -> Iterator[TrackedOrder]:
        return iter(self._by_client.values())

    def find(self, client_id: str) -> TrackedOrder | None:
        """The order that the venue knows by this id."""
        return self._by_client.get(client_id)

    def numbered(self, symbol: str, cid: int) -> TrackedOrder | None:
        """The order that the core knows by this number."""
        return self._by_number.get((symbol, cid))

    def is_booked(self, exec_id: str) -> bool:
        """Whether an execution was told to the core."""
        return exec_id in self._exec_ns

    def know(self, exec_id: str, ts_ns: int) -> None:
        """An execution is part of a position that was taken over."""
        self._exec_ns[exec_id] = ts_ns

    def has_traded(self, symbol: str) -> bool:
        """Whether the symbol had an order, an execution or an adjustment."""
        return symbol in self._positions or any(one.symbol == symbol for one in self)

    def position_lots(self, symbol: str) -> int:
        """Signed sum of the booked executions."""
        return self._positions.get(symbol, 0)

    @property
    def open_orders(self) -> list[TrackedOrder]:
        """Orders that may still be filled."""
        return [order for order in self._by_client.values() if order.state.is_open]

    def awaited(self, symbol: str) -> Iterator[TrackedOrder]:
        """Orders of a symbol whose creation or change nobody has answered."""
        awaited = {OrderState.PENDING_NEW, OrderState.PENDING_AMEND}
        for order in self._by_client.values():
            is_doubted = order.state is OrderState.UNKNOWN and not order.was_accepted
            if order.symbol == symbol and (order.state in awaited or is_doubted):
                yield order

    @property
    def last_exec_ns(self) -> int | None:
        """Venue time of the newest booked execution."""
        return max(self._exec_ns.values(), default=None)

    def sent(self, request: Request, now_ns: int) -> None:
        """A request is about to leave."""
        order = self.numbered(request.symbol, request.cid)
        if request.kind == "place":
            assert order is None
            assert request.price_ticks is not None
            assert request.qty_lots is not None
            assert request.side is not None
            order = TrackedOrder(
                symbol=request.symbol,
                cid=request.cid,
                client_id=request.client_order_id,
                side=Side(request.side),
                terms=Terms(request.price_ticks, request.qty_lots),
                state=OrderState.PENDING_NEW,
                changed_ns=now_ns,
                asked_ns=now_ns,
            )
            self.restore(order)
            return
        if order is None:
            return
        order.changed_ns = order.asked_ns = now_ns
        if not order.state.is_open:
            return
        if request.kind == "amend":
            assert request.price_ticks is not None
            assert request.qty_lots is not None
            order.asked = Terms(request.price_ticks, request.qty_lots)
            order.state = OrderState.PENDING_AMEND
        else:
            order.state = OrderState.PENDING_CANCEL

    def restore(self, order: TrackedOrder) -> None:
        """An order as it is known."""
        self._by_client[order.client_id] = order
        self._by_number[order.symbol, order.cid] = order

    def told(self, report: CoreReport, now_ns: int) -> None:
        """A report is about to enter the core."""
        order = self.numbered(report.symbol, report.cid)
        if order is None:
            return
        order.changed_ns = now_ns
        if report.kind == "filled":
            self._book(order, report, now_ns)
            return
        # Executions come by another way and may overtake: their time orders nothing.
        order.venue_ns = max(order.venue_ns, report.ts_exch_ns)
        if order.state.is_open:
            self._move(order, report)

    def doubt(self, order: TrackedOrder, now_ns: int) -> None:
        """A request was not answered clearly: nobody knows what the order is."""
        if order.state.is_pending:
            order.state = OrderState.UNKNOWN
            order.changed_ns = order.asked_ns = now_ns

    def rebase(self, symbol: str, lots: int) -> None:
        """An adjustment was booked: the sum of fills counts as `lots` from here on."""
        self._positions[symbol] = lots
        self._adopted.pop(symbol, None)

    def adopt(self, symbol: str, lots: int) -> None:
        """The venue's position counts for a symbol whose fills do not add up to it."""
        self._adopted[symbol] = lots

    def explained(self, symbol: str) -> None:
        """The fills add up to the venue's position again."""
        self._adopted.pop(symbol, None)

    def view(self, symbols: frozenset[str]) -> LocalView:
        """What reconciliation compares with the venue."""
        positions = {
            symbol: LocalPosition(
                position_lots=self._adopted.get(symbol, self.position_lots(symbol)),
                fills_lots=self.position_lots(symbol),
                is_mismatched=symbol in self._adopted,
                changed_ns=self._filled_ns.get(symbol, -1),
            )
            for symbol in sorted(symbols)
        }
        orders = tuple(
            LocalOrder(
                cid=order.client_id,
                symbol=order.symbol,
                side=order.side,
                state=order.state,
                price_ticks=order.terms.price_ticks,
                qty_lots=order.terms.qty_lots,
                filled_lots=order.filled_lots,
                changed_ns=order.changed_ns,
            )
            for order in self._by_client.values()
        )
        return LocalView(orders=orders, positions=positions, exec_ids=frozenset(self._exec_ns))

    def forget_old(self, now_ns: int) -> None:
        """Drop what ended, and what was executed, longer ago than the venue is asked for."""
        limit_ns = now_ns - KEEP_NS
        for order in list(self._by_client.values()):
            if not order.state.is_open and order.changed_ns < limit_ns:
                del self._by_client[order.client_id]
                del self._by_number[order.symbol, order.cid]
        newest_ns = self.last_exec_ns
        self._exec_ns = {
            exec_id: ts_ns
            for exec_id, ts_ns in self._exec_ns.items()
            if ts_ns >= limit_ns or ts_ns == newest_ns
        }

    @staticmethod
    def _move(order: TrackedOrder, report: CoreReport) -> None:
        match report.kind:
            case "accepted":
                order.was_accepted = True
                if order.state in {OrderState.PENDING_NEW, OrderState.UNKNOWN}:
                    order.state = OrderState.LIVE
            case "amended":
                px, open_lots = int(report.fields["px"]), int(report.fields["open_qty"])
                order.terms = Terms(px, order.filled_lots + open_lots)
                order.was_accepted = True
                _answered(order)
                if not open_lots:
                    order.state = OrderState.FILLED
            case "amend_rejected" | "cancel_rejected":
                if report.fields["reason"] == "unknown_order":
                    is_full = order.filled_lots >= order.terms.qty_lots
                    order.state = OrderState.FILLED if is_full else OrderState.UNKNOWN
                    order.asked = None
                else:
                    _answered(order)
            case "cancelled":
                order.state, order.asked = OrderState.CANCELLED, None
            case _:
                assert report.kind == "rejected"
                order.state, order.asked = OrderState.REJECTED, None

    def _book(self, order: TrackedOrder, report: CoreReport, now_ns: int) -> None:
        lots, cum = int(report.fields["qty"]), int(report.fields["cum_qty"])
        if cum <= order.filled_lots:
            return
        if report.exec_id:
            self._exec_ns[report.exec_id] = report.ts_exch_ns
        order.filled_lots = cum
        order.was_accepted = True
        self._positions[order.symbol] = self.position_lots(order.symbol) + order.side.sign * lots
        self._filled_ns[order.symbol] = now_ns
        if cum >= self._most(order) and order.state is not OrderState.REJECTED:
            order.state, order.asked = OrderState.FILLED, None
        elif order.state is OrderState.PENDING_NEW:
            order.state = OrderState.LIVE

    @staticmethod
    def _most(order: TrackedOrder) -> int:
        """What it can be filled for at most, whether a change under way takes effect or not."""
        asked = 0 if order.asked is None else order.asked.qty_lots
        return max(order.terms.qty_lots, asked)


def _answered(order: TrackedOrder) -> None:
    order.asked = None
    if order.state.is_pending or order.state is OrderState.UNKNOWN:
        order.state = OrderState.LIVE
