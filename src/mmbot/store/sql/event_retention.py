"""Old order events leave the store for Parquet files; nothing else is ever pruned.

Events of a session go from its first one on, so that what stays has no gap. Their age is that of
the machine's clock: a session on a recording of last year is not old. A file is complete before
its rows are deleted; after a crash in between the next run writes the same file again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, select

from mmbot.store.sql.engine import sql_errors
from mmbot.store.sql.exporting import export_rows
from mmbot.store.sql.tables import order_events, sessions
from mmbot.units import NS_PER_DAY

__all__ = ["prune_order_events"]

_SEQ: Final = order_events.c.seq


@dataclass(frozen=True, slots=True)
class _Old:
    """Events of a session that are old: from `first` up to but not including `end`."""

    session_id: str
    first: int
    end: int


def prune_order_events(engine: Engine, directory: Path, *, keep_days: int, now_ns: int) -> int:
    """Move events older than `keep_days` into files of `directory`; how many.

    A file is named by its session and the number of its first event.

    Raises:
        StoreError: ``E_STORE_SQL``; ``E_STORE_DISK`` when a file cannot be written: its events
        stay.
    """
    before_ns = now_ns - keep_days * NS_PER_DAY
    moved = 0
    with sql_errors("order_events"):
        with engine.connect() as connection:
            found = list(_old(connection, before_ns))
        for old in found:
            of_session = order_events.c.session_id == old.session_id
            where = of_session & (old.end > _SEQ)
            path = directory / f"{old.session_id}-{old.first}.parquet"
            with engine.connect() as connection:
                moved += export_rows(connection, order_events, path, where=where)
            with engine.begin() as connection:
                connection.execute(delete(order_events).where(where))
    return moved


def _old(connection: Connection, before_ns: int) -> Iterator[_Old]:
    candidates = select(sessions.c.session_id, sessions.c.created_ns, sessions.c.started_ns).where(
        sessions.c.created_ns < before_ns
    )
    for session_id, created_ns, started_ns in connection.execute(candidates).all():
        of_session = order_events.c.session_id == session_id
        first, last = connection.execute(
            select(func.min(_SEQ), func.max(_SEQ)).where(of_session)
        ).one()
        if first is None:
            continue
        is_young = order_events.c.ts_ns >= before_ns - created_ns + started_ns
        young = connection.execute(select(func.min(_SEQ)).where(of_session & is_young)).scalar()
        end = last + 1 if young is None else young
        if end > first:
            yield _Old(session_id, first, end)
