"""The exchange as a state machine: accounts, their orders, and the markets that fill them.

`advance` lets market time pass; requests take effect when they reach the matching, after the
latency of a calibration and in the order in which they were sent. An answer to a request says that
it was accepted and no more: what became of it is told on the private streams (`drain_private`) and
by queries. Nothing here reads a clock: `now_ms` is the time on the exchange's own clock,
`market_ns` the time of the market data.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from mmbot.core import ExchangeBook, ExchangeEvent
from mmbot.units import NS_PER_MS
from mmbot.venues.simulated.accounts import Account
from mmbot.venues.simulated.listing import Listing
from mmbot.venues.simulated.margin import wallet_record
from mmbot.venues.simulated.market import MarketSource, SymbolMarket
from mmbot.venues.simulated.orders import Order, OrderTerms, execution_record, order_record
from mmbot.venues.simulated.positions import position_record

__all__ = ["CLOSED_GAP_MS", "Desk", "LocalExchange", "PrivateUpdate"]

_CLOSED_KEPT: Final = 10_000
_EXECUTIONS_KEPT: Final = 10_000
# How long a closed order is neither among the open nor among the closed ones.
CLOSED_GAP_MS: Final = 150
_REJECTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "post_only_would_cross": ("Cancelled", "EC_PostOnlyWillTakeLiquidity"),
    "market_unavailable": ("Rejected", "EC_Others"),
    "injected": ("Rejected", "EC_Others"),
    "filter": ("Rejected", "EC_Others"),
}


@dataclass(frozen=True, slots=True)
class PrivateUpdate:
    """One record for one account: `topic` is order, execution, position or wallet."""

    uid: int
    topic: str
    record: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Request:
    """A request on its way to the matching; `act` carries it out at exchange time."""

    due_ns: int
    act: Callable[[int], list[ExchangeEvent]]


@dataclass(slots=True)
class Desk:
    """The orders of one account."""

    account: Account
    orders: dict[str, Order] = field(default_factory=dict)
    links: dict[str, Order] = field(default_factory=dict)
    open: dict[str, Order] = field(default_factory=dict)
    closed: deque[Order] = field(default_factory=deque)
    executions: deque[dict[str, Any]] = field(
        default_factory=lambda: deque(maxlen=_EXECUTIONS_KEPT)
    )
    last_due_ns: int = 0


class LocalExchange:
    """All markets, all accounts."""

    def __init__(
        self,
        sources: Sequence[MarketSource],
        accounts: Sequence[Account],
        *,
        sim: Mapping[str, object] | None = None,
        seed: int = 42,
        market_ns: int = 0,
    ) -> None:
        self.markets = {
            source.listing.symbol: SymbolMarket(source, ExchangeBook(sim, seed + at))
            for at, source in enumerate(sources)
        }
        self.desks = {account.uid: Desk(account) for account in accounts}
        self.seed = seed
        self._sim = sim
        self.market_ns = market_ns
        self.now_ms = 0
        self._by_number: dict[int, Order] = {}
        self._requests: dict[str, deque[_Request]] = {symbol: deque() for symbol in self.markets}
        self._private: list[PrivateUpdate] = []
        self._numbers = 0
        self._exec_numbers = 0
        for market in self.markets.values():
            market.open(market_ns)

    # --- time ---------------------------------------------------------------------------------

    def advance(self, market_ns: int, now_ms: int) -> None:
        """Let the markets and the requests that are due happen up to `market_ns`."""
        self.now_ms = max(now_ms, self.now_ms)
        for symbol, market in self.markets.items():
            queue = self._requests[symbol]
            while queue and queue[0].due_ns <= market_ns:
                request = queue.popleft()
                self._pass(market, request.due_ns)
                self._apply(market, request.act(request.due_ns))
            self._pass(market, market_ns)
        self.market_ns = max(market_ns, self.market_ns)

    def _pass(self, market: SymbolMarket, until_ns: int) -> None:
        market.feed(until_ns)
        self._apply(market, market.book.advance(until_ns))

    def drain_private(self) -> list[PrivateUpdate]:
        """What happened to the accounts since the last call, in order."""
        updates, self._private = self._private, []
        return updates

    # --- requests -----------------------------------------------------------------------------

    def submit(self, desk: Desk, terms: OrderTerms, *, ticks: int, lots: int) -> Order:
        """Accept an order and send it to the matching."""
        market = self.markets[terms.symbol]
        self._numbers += 1
        order = Order(
            number=self._numbers,
            order_id=self._unique_id("order", self._numbers),
            uid=desk.account.uid,
            terms=terms,
            ticks=ticks,
            lots=lots,
            created_ms=self.now_ms,
            updated_ms=self.now_ms,
            last_ticks_on_created=market.last_ticks or market.mark_ticks,
        )
        desk.orders[order.order_id] = desk.open[order.order_id] = order
        if terms.link_id:
            desk.links[terms.link_id] = order
        self._by_number[order.number] = order
        self._send(
            desk,
            market,
            "create",
            lambda due: market.book.place(
                order.number,
                is_buy=terms.is_buy,
                px=order.ticks,
                qty=order.lots,
                time_in_force=terms.time_in_force,
                now_ns=due,
            ),
        )
        return order

    def amend(self, order: Order, *, ticks: int, lots: int) -> None:
        """Send a change of price and total quantity."""
        market = self.markets[order.terms.symbol]
        is_post_only = order.terms.time_in_force == "PostOnly"

        def act(due: int) -> list[ExchangeEvent]:
            events = market.book.amend(
                order.number, px=ticks, total_qty=lots, post_only=is_post_only, now_ns=due
            )
            if events and events[0].kind == "amended":
                order.ticks, order.lots = ticks, lots
            elif events and events[0].kind == "cancelled":
                order.reject_reason = "EC_PostOnlyWillTakeLiquidity"
            return events

        self._send(self.desks[order.uid], market, "amend", act)

    def cancel(self, order: Order, *, cancel_type: str = "CancelByUser") -> None:
        """Send a cancellation."""
        market = self.markets[order.terms.symbol]

        def act(due: int) -> list[ExchangeEvent]:
            events = market.book.cancel(order.number, due)
            if events and events[0].kind == "cancelled":
                order.cancel_type = cancel_type
            return events

        self._send(self.desks[order.uid], market, "cancel", act)

    def _send(
        self,
        desk: Desk,
        market: SymbolMarket,
        op: str,
        act: Callable[[int], list[ExchangeEvent]],
    ) -> None:
        queue = self._requests[market.listing.symbol]
        due = self.market_ns + market.book.request_latency_ns(op)
        # requests of an account never overtake each other, and the queue is in time order
        due = desk.last_due_ns = max(due, desk.last_due_ns)
        at = len(queue)
        while at and queue[at - 1].due_ns > due:
            at -= 1
        queue.insert(at, _Request(due, act))

    def stop_symbol(self, symbol: str, *, status: str) -> None:
        """Take a symbol out of trading: its orders are cancelled at once."""
        market = self.markets[symbol]
        market.status = status
        self._requests[symbol].clear()
        for order in [o for o in self._open_orders() if o.terms.symbol == symbol]:
            order.cancel_type = "CancelByAdmin"
            self._apply(market, market.book.cancel(order.number, self.market_ns))
            if order.closed_ms is None:
                self._close(order, "Cancelled")

    def relist(self, symbol: str, tick: Decimal) -> None:
        """List a stopped symbol anew, with another price grid."""
        market = self.markets[symbol]
        market.relist(tick, self.market_ns, book=ExchangeBook(self._sim, self.seed))
        market.status = "Trading"

    # --- what happened ------------------------------------------------------------------------

    def _apply(self, market: SymbolMarket, events: Sequence[ExchangeEvent]) -> None:
        for event in events:
            if event.kind == "print":
                market.printed(event, self.now_ms)
                continue
            order = self._by_number.get(event.cid)
            if order is not None and order.closed_ms is None:
                self._happened(market, order, event)

    def _happened(self, market: SymbolMarket, order: Order, event: ExchangeEvent) -> None:
        order.updated_ms = self.now_ms
        match event.kind:
            case "accepted":
                order.is_live = True
                self._tell_order(order)
            case "amended":
                self._tell_order(order)
            case "filled":
                self._filled(market, order, event)
            case "cancelled":
                if order.terms.time_in_force in ("IOC", "FOK") and order.cancel_type == "UNKNOWN":
                    order.reject_reason = "EC_NoImmediateQtyToFill"
                self._close(order, "Cancelled")
            case "rejected":
                status, order.reject_reason = _REJECTIONS[event.reason]
                self._close(order, status)
            case _:
                # a refused amend or cancel changes nothing: the order is gone, and that was told
                return

    def _filled(self, market: SymbolMarket, order: Order, event: ExchangeEvent) -> None:
        listing, desk = market.listing, self.desks[order.uid]
        account = desk.account
        before = account.position(listing.symbol).lots
        order.filled_lots = event.cum_qty
        order.filled_value += listing.value(event.px, event.qty)
        lots = order.sign * event.qty
        closed = min(event.qty, abs(before)) if before * lots < 0 else 0
        fee = account.trade(
            listing, lots=lots, ticks=event.px, is_maker=event.is_maker, now_ms=self.now_ms
        )
        order.fee += fee
        self._exec_numbers += 1
        execution = execution_record(
            order,
            listing,
            exec_id=self._unique_id("execution", self._exec_numbers),
            ticks=event.px,
            lots=event.qty,
            closed_lots=closed,
            fee=fee,
            rate=account.maker_rate if event.is_maker else account.taker_rate,
            is_maker=event.is_maker,
            mark_ticks=market.mark_ticks,
            seq=market.book.seq,
            now_ms=self.now_ms,
        )
        desk.executions.append(execution)
        self._private.append(PrivateUpdate(order.uid, "execution", execution))
        if order.filled_lots >= order.lots:
            self._close(order, "Filled")
        else:
            order.status = "PartiallyFilled"
            self._tell_order(order)
        self._tell_account(account, market)
        self._hold_reduce_only(desk, market)

    def _hold_reduce_only(self, desk: Desk, market: SymbolMarket) -> None:
        """Reduce-only orders never ask for more than there is to reduce."""
        symbol = market.listing.symbol
        left = desk.account.position(symbol).lots
        for order in list(desk.open.values()):
            if not order.terms.reduce_only or order.terms.symbol != symbol or not order.is_live:
                continue
            room = max(-left * order.sign, 0)
            if order.open_lots > room:
                self._cut(market, order, room)
            left += order.sign * order.open_lots

    def _cut(self, market: SymbolMarket, order: Order, room: int) -> None:
        """Leave `room` of an order open."""
        if room == 0:
            order.cancel_type = "CancelByReduceOnly"
            self._apply(market, market.book.cancel(order.number, self.market_ns))
            return
        order.lots = order.filled_lots + room
        events = market.book.amend(
            order.number,
            px=order.ticks,
            total_qty=order.lots,
            post_only=True,
            now_ns=self.market_ns,
        )
        self._apply(market, events)

    def _close(self, order: Order, status: str) -> None:
        desk = self.desks[order.uid]
        order.status = status
        order.closed_ms = order.updated_ms = self.now_ms
        order.queryable_ms = self.now_ms + CLOSED_GAP_MS
        desk.open.pop(order.order_id, None)
        self._by_number.pop(order.number, None)
        desk.closed.append(order)
        while len(desk.closed) > _CLOSED_KEPT:
            gone = desk.closed.popleft()
            desk.orders.pop(gone.order_id, None)
            desk.links.pop(gone.terms.link_id, None)
        self._tell_order(order)

    def _tell_order(self, order: Order) -> None:
        listing = self.markets[order.terms.symbol].listing
        self._private.append(PrivateUpdate(order.uid, "order", order_record(order, listing)))

    def _tell_account(self, account: Account, market: SymbolMarket) -> None:
        record = position_record(account, market, stream=True)
        self._private.append(PrivateUpdate(account.uid, "position", record))
        self._private.append(PrivateUpdate(account.uid, "wallet", wallet_record(self, account)))

    # --- small things -------------------------------------------------------------------------

    def _open_orders(self) -> Iterator[Order]:
        for desk in self.desks.values():
            yield from list(desk.open.values())

    def listing(self, symbol: str) -> Listing:
        """The listing of a symbol."""
        return self.markets[symbol].listing

    def latest_due_ns(self) -> int:
        """When the last request on its way takes effect; for tests that wait for it."""
        dues = [queue[-1].due_ns for queue in self._requests.values() if queue]
        return max(dues, default=self.market_ns) + NS_PER_MS

    def _unique_id(self, kind: str, number: int) -> str:
        digest = hashlib.sha256(f"{self.seed}:{kind}:{number}".encode()).digest()
        return str(uuid.UUID(bytes=digest[:16], version=4))
