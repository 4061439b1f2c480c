"""Accounts and positions from the fills in the tables.

Fills of an account count in the order of its sessions and, within one, in the order in which they
were booked, whenever they came into the store.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import localcontext
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, delete, func, select

from mmbot.store.accounts import Account
from mmbot.store.sql.amounts import EXACT
from mmbot.store.sql.tables import fills, positions, sessions
from mmbot.store.sql.upserts import add_rows

__all__ = ["account_before", "booked_fills", "has_later_fills", "rebuild_positions", "venues"]

_CHUNK: Final = 5_000


def booked_fills(connection: Connection, venue: str) -> Iterator[Row[Any]]:
    """Fills of an account as they were booked, with `created_ns` of their sessions, streamed."""
    return _streamed(connection, _in_order(venue))


def account_before(connection: Connection, venue: str, created_ns: int, session_id: str) -> Account:
    """The account that a session begins with: all fills of the sessions before it."""
    earlier = (sessions.c.created_ns < created_ns) | (
        (sessions.c.created_ns == created_ns) & (sessions.c.session_id < session_id)
    )
    account = Account()
    with localcontext(EXACT):
        for fill in _streamed(connection, _in_order(venue).where(earlier)):
            _book(account, fill)
    return account


def has_later_fills(connection: Connection, venue: str, created_ns: int, session_id: str) -> bool:
    """Whether a later session of the same account has fills already."""
    later = (sessions.c.created_ns > created_ns) | (
        (sessions.c.created_ns == created_ns) & (sessions.c.session_id > session_id)
    )
    return connection.execute(_in_order(venue).where(later).limit(1)).first() is not None


def rebuild_positions(connection: Connection, venue: str) -> int:
    """Make the positions of an account anew from its fills; how many there are."""
    account, updated_ns = Account(), {}
    with localcontext(EXACT):
        for fill in booked_fills(connection, venue):
            _book(account, fill)
            updated_ns[fill.symbol] = fill.ts_ns
    connection.execute(delete(positions).where(positions.c.venue == venue))
    rows = [
        {
            "venue": venue,
            "symbol": symbol,
            "qty": held.qty,
            "avg_price": held.avg_price,
            "realized": held.realized,
            "updated_ns": updated_ns[symbol],
        }
        for symbol, held in sorted(account.holdings.items())
    ]
    add_rows(connection, positions, rows)
    return len(rows)


def venues(connection: Connection) -> list[tuple[str, int]]:
    """Accounts that have fills or positions, with their number of fills."""
    counted = select(fills.c.venue, func.count()).group_by(fills.c.venue)
    found = {row[0]: int(row[1]) for row in connection.execute(counted)}
    for venue in connection.execute(select(positions.c.venue).distinct()).scalars():
        found.setdefault(venue, 0)
    return sorted(found.items())


def _book(account: Account, fill: Row[Any]) -> None:
    holding = account.holding(fill.symbol, fill.usd_per_asset)
    holding.book(buys=fill.side == "buy", price=fill.price, qty=fill.qty, fee=fill.fee)


def _in_order(venue: str) -> Select[Any]:
    joined = fills.join(sessions, fills.c.session_id == sessions.c.session_id)
    return (
        select(fills, sessions.c.created_ns)
        .select_from(joined)
        .where(fills.c.venue == venue)
        .order_by(sessions.c.created_ns, fills.c.session_id, fills.c.event_seq)
    )


def _streamed(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    result = connection.execute(query, execution_options={"yield_per": _CHUNK})
    yield from result
