"""Does what the tables say add up?

Keys are looked at again although the database keeps them: a damaged index lets two rows have one
key. Sums are made from the fills in the order in which they were booked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, Select, Table, UniqueConstraint, func, select, text

from mmbot.store.sql import tables as t
from mmbot.store.sql.engine import sql_errors
from mmbot.store.sql.verify_accounts import account_findings
from mmbot.store.sql.verify_finding import Finding

__all__ = ["CHECKS", "verify_store"]

CHECKS: Final = ("keys", "references", "orders", "positions", "ledger", "sequence")
"""Names of the checks, in their order."""


@dataclass(frozen=True, slots=True)
class _Reference:
    """Rows of `table` that name a row of `other` by `columns`."""

    table: Table
    other: Table
    columns: tuple[str, ...]


_REFERENCES: Final = (
    _Reference(t.orders, t.sessions, ("session_id",)),
    _Reference(t.order_events, t.sessions, ("session_id",)),
    _Reference(t.fills, t.sessions, ("session_id",)),
    _Reference(t.ledger_entries, t.sessions, ("session_id",)),
    _Reference(t.fills, t.orders, ("venue", "cid")),
    _Reference(t.fill_markouts, t.fills, ("venue", "exec_id")),
)


def verify_store(engine: Engine) -> Iterator[Finding]:
    """Everything that does not add up, check after check.

    Raises:
        StoreError: ``E_STORE_SQL``.
    """
    with sql_errors("verify"), engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            yield from _sqlite_findings(connection)
        for table in t.METADATA.sorted_tables:
            yield from _duplicates(connection, table)
        for reference in _REFERENCES:
            yield from _dangling(connection, reference)
        yield from account_findings(connection)
        yield from _gaps(connection)


def _sqlite_findings(connection: Connection) -> Iterator[Finding]:
    for line in connection.execute(text("PRAGMA integrity_check")).scalars():
        if line != "ok":
            yield Finding("keys", "file", str(line))


def _duplicates(connection: Connection, table: Table) -> Iterator[Finding]:
    unique = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
    keys = [list(table.primary_key.columns), *(list(one.columns) for one in unique)]
    for columns in keys:
        counted = select(*columns, func.count()).group_by(*columns).having(func.count() > 1)
        for row in connection.execute(counted):
            named = " ".join(f"{c.name}={v}" for c, v in zip(columns, row, strict=False))
            yield Finding("keys", table.name, f"{row[-1]} rows have {named}")


def _dangling(connection: Connection, reference: _Reference) -> Iterator[Finding]:
    table, other = reference.table, reference.other
    pairs = [(table.c[name], other.c[name]) for name in reference.columns]
    on = pairs[0][0] == pairs[0][1]
    for mine, theirs in pairs[1:]:
        on &= mine == theirs
    named = [mine for mine, _ in pairs]
    query: Select[Any] = (
        select(*named, func.count())
        .select_from(table.outerjoin(other, on))
        .where(pairs[0][1].is_(None))
        .group_by(*named)
    )
    for row in connection.execute(query):
        which = " ".join(f"{c.name}={v}" for c, v in zip(named, row, strict=False))
        yield Finding("references", table.name, f"{row[-1]} rows name no {other.name} row: {which}")


def _gaps(connection: Connection) -> Iterator[Finding]:
    """Events are numbered per session without a hole; old ones may be gone, from the first on."""
    seq = t.order_events.c.seq
    grouped = (
        select(t.order_events.c.session_id, func.min(seq), func.max(seq), func.count())
        .group_by(t.order_events.c.session_id)
        .subquery()
    )
    place = t.journal_shipping
    query = select(place.c.session_id, place.c.next_event_seq, grouped).outerjoin(
        grouped, place.c.session_id == grouped.c.session_id
    )
    for session_id, next_event_seq, _, first, last, count in connection.execute(query):
        if last is None:
            continue  # nothing happened, or all of it is so old that it is gone
        if count != last - first + 1:
            missing = last - first + 1 - count
            yield Finding("sequence", session_id, f"{missing} events between {first} and {last}")
        if last + 1 != next_event_seq:
            yield Finding("sequence", session_id, f"ends with {last}, not {next_event_seq - 1}")
