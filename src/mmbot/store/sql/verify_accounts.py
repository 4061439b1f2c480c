"""Books every account again from its fills and compares orders, positions, ledger and marks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any, Final

from sqlalchemy import Connection, and_, select

from mmbot.store.accounts import Account
from mmbot.store.sql.amounts import EXACT, amount
from mmbot.store.sql.opening import venues
from mmbot.store.sql.tables import (
    equity_marks,
    fills,
    ledger_entries,
    orders,
    positions,
    sessions,
)
from mmbot.store.sql.verify_finding import Finding
from mmbot.units import NS_PER_DAY, format_utc

__all__ = ["account_findings"]

_ZERO: Final = Decimal(0)
_CHUNK: Final = 5_000
_TOLERANCE: Final = Decimal("1e-9")
"""Of turnover, at least of 1: what rounding to 18 decimals may leave in sums."""
_FLOWS: Final = ("trade", "fee", "rebate")
_Flow = tuple[str | None, Decimal | None, Decimal | None]
"""Kind, amount and quantity of an entry."""


def account_findings(connection: Connection) -> Iterator[Finding]:
    """What does not add up, account by account."""
    for venue, _ in venues(connection):
        with localcontext(EXACT):
            books = _Books(venue, _marks(connection, venue))
            for fill in _fills_with_flows(connection, venue):
                books.add(fill)
            books.add_marks_before(None)
            yield from _order_findings(connection, books)
            yield from _position_findings(connection, books)
            yield from _without_fill(connection, venue)
            yield from _close_findings(connection, books)
            yield from books.findings


@dataclass(slots=True)
class _Books:
    """An account as its fills make it, compared with ledger and marks on the way."""

    venue: str
    marks: list[Any]
    account: Account = field(default_factory=Account)
    filled: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    findings: list[Finding] = field(default_factory=list)
    cash_usd: Decimal = _ZERO
    paid_usd: Decimal = _ZERO
    next_mark: int = 0
    last_place: tuple[int, str, int] | None = None

    def add(self, fill: Any) -> None:  # noqa: ANN401 -- a row
        """Book a fill with its flows, after the marks that were made before it."""
        if _place(fill) == self.last_place:
            self._found(f"fill {fill.exec_id} has both a fee and a rebate")
            return
        self.last_place = _place(fill)
        self.add_marks_before(fill)
        holding = self.account.holding(fill.symbol, fill.usd_per_asset)
        buys = fill.side == "buy"
        holding.book(buys=buys, price=fill.price, qty=fill.qty, fee=fill.fee)
        self.filled[fill.cid] += fill.qty
        signed = fill.qty if buys else -fill.qty
        trade = ("trade", fill.trade_amount, fill.trade_qty)
        self._flow(fill, trade, ("trade", -signed * fill.price, signed))
        kind = "fee" if fill.fee > 0 else "rebate"
        if fill.fee or fill.paid_kind is not None:
            paid = (fill.paid_kind, fill.paid_amount, fill.paid_qty)
            self._flow(fill, paid, (kind, -fill.fee, _ZERO))

    def add_marks_before(self, fill: Any) -> None:  # noqa: ANN401 -- a row
        """Compare the marks made before a fill; None is all that are left."""
        while self.next_mark < len(self.marks):
            mark = self.marks[self.next_mark]
            if fill is not None and _place(mark) > _place(fill):
                return
            self._compare(mark)
            self.next_mark += 1

    def _flow(self, fill: Any, has: _Flow, wants: _Flow) -> None:  # noqa: ANN401
        kind, value, qty = wants
        if has[1] is None or value is None or qty is None:
            self._found(f"fill {fill.exec_id} has no entry {kind}")
            return
        if has != (kind, amount(value), amount(qty)):
            self._found(f"entry {has[0]} of fill {fill.exec_id} says {has[1]}, not {kind} {value}")
        flow = has[1] * fill.usd_per_asset
        self.cash_usd += flow
        if kind != "trade":
            self.paid_usd -= flow

    def _compare(self, mark: Any) -> None:  # noqa: ANN401
        turnover = sum((h.turnover for h in self.account.holdings.values()), _ZERO)
        allowed = _TOLERANCE * max(Decimal(1), turnover)
        realized = self.account.mark({}).realized
        day = format_utc(mark.ts_ns)
        sums = (
            ("cash", mark.cash, self.cash_usd),
            ("realized", mark.realized, realized),
            ("equity", mark.equity, mark.realized + mark.unrealized - self.paid_usd),
        )
        for name, has, wants in sums:
            if abs(has - wants) > allowed:
                self._found(f"{name} of the mark at {day} is {has}, entries give {wants}")

    def _found(self, what: str) -> None:
        self.findings.append(Finding("ledger", self.venue, what))


def _place(row: Any) -> tuple[int, str, int]:  # noqa: ANN401
    """Where a fill was booked or a mark made: before the event of this number of its session."""
    return row.created_ns, row.session_id, row.event_seq


def _order_findings(connection: Connection, books: _Books) -> Iterator[Finding]:
    query = select(orders.c.cid, orders.c.filled_qty).where(orders.c.venue == books.venue)
    for cid, filled_qty in connection.execute(query):
        booked = books.filled.pop(cid, _ZERO)
        if filled_qty != booked:
            what = f"order {cid} has filled {filled_qty}, its fills give {booked}"
            yield Finding("orders", books.venue, what)


def _position_findings(connection: Connection, books: _Books) -> Iterator[Finding]:
    rows = connection.execute(select(positions).where(positions.c.venue == books.venue))
    there = {row.symbol: row for row in rows}
    for symbol, held in sorted(books.account.holdings.items()):
        row = there.pop(symbol, None)
        has = None if row is None else (row.qty, row.avg_price, row.realized)
        wants = tuple(amount(one) for one in (held.qty, held.avg_price, held.realized))
        if has != wants:
            what = f"position {symbol} is {_shown(has)}, fills give {_shown(wants)}"
            yield Finding("positions", books.venue, what)
    for symbol in sorted(there):
        yield Finding("positions", books.venue, f"position {symbol} has no fills")


def _shown(values: tuple[Decimal, ...] | None) -> str:
    return "missing" if values is None else " ".join(map(str, values))


def _without_fill(connection: Connection, venue: str) -> Iterator[Finding]:
    joined = ledger_entries.outerjoin(
        fills,
        and_(fills.c.venue == ledger_entries.c.venue, fills.c.exec_id == ledger_entries.c.ref),
    )
    query = (
        select(ledger_entries.c.kind, ledger_entries.c.ref)
        .select_from(joined)
        .where(ledger_entries.c.venue == venue)
        .where(ledger_entries.c.kind.in_(_FLOWS))
        .where(fills.c.exec_id.is_(None))
        .order_by(ledger_entries.c.kind, ledger_entries.c.ref)
    )
    for kind, ref in connection.execute(query):
        yield Finding("ledger", venue, f"entry {kind} names no fill: {ref}")


def _close_findings(connection: Connection, books: _Books) -> Iterator[Finding]:
    """The close of a day is the equity of the first mark after it."""
    by_time = {mark.ts_ns: mark for mark in books.marks}
    query = select(ledger_entries).where(ledger_entries.c.venue == books.venue)
    for entry in connection.execute(query.where(ledger_entries.c.kind == "daily_close")):
        date, mark = entry.ref, by_time.get(entry.ts_ns)
        if mark is None or mark.equity != entry.amount:
            what = f"the close of {date} says {entry.amount}, the mark {mark and mark.equity}"
            yield Finding("ledger", books.venue, what)
        elif format_utc(entry.ts_ns // NS_PER_DAY * NS_PER_DAY)[:10] <= date:
            yield Finding("ledger", books.venue, f"the close of {date} was made before its end")


def _fills_with_flows(connection: Connection, venue: str) -> Iterator[Any]:
    """Fills as they were booked, each with its entries of the ledger, streamed."""
    trade, paid = ledger_entries.alias("trade"), ledger_entries.alias("paid")

    def of_fill(entry: Any) -> Any:  # noqa: ANN401 -- an alias; a condition
        return and_(entry.c.venue == fills.c.venue, entry.c.ref == fills.c.exec_id)

    joined = (
        fills.join(sessions, fills.c.session_id == sessions.c.session_id)
        .outerjoin(trade, and_(of_fill(trade), trade.c.kind == "trade"))
        .outerjoin(paid, and_(of_fill(paid), paid.c.kind.in_(("fee", "rebate"))))
    )
    query = (
        select(
            fills,
            sessions.c.created_ns,
            trade.c.amount.label("trade_amount"),
            trade.c.qty.label("trade_qty"),
            paid.c.kind.label("paid_kind"),
            paid.c.amount.label("paid_amount"),
            paid.c.qty.label("paid_qty"),
        )
        .select_from(joined)
        .where(fills.c.venue == venue)
        .order_by(sessions.c.created_ns, fills.c.session_id, fills.c.event_seq)
    )
    yield from connection.execute(query, execution_options={"yield_per": _CHUNK})


def _marks(connection: Connection, venue: str) -> list[Any]:
    joined = equity_marks.join(sessions, equity_marks.c.session_id == sessions.c.session_id)
    query = (
        select(equity_marks, sessions.c.created_ns)
        .select_from(joined)
        .where(equity_marks.c.venue == venue)
        .order_by(sessions.c.created_ns, equity_marks.c.session_id, equity_marks.c.event_seq)
    )
    return list(connection.execute(query))
