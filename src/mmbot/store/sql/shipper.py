"""Brings journals into the tables.

A batch of rows and the place in the journal up to which they go are written in one transaction, so
that a shipper that dies at any point, at any time, leaves a store that the next one goes on from:
it reads the journal again from the beginning, because orders and accounts are known from there
only, and writes what follows that place. Rows have keys of their own, so that even a journal that
is shipped once more from the start changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, func, select

from mmbot import core
from mmbot.errors import StoreError
from mmbot.store.accounts import Account
from mmbot.store.journal.retention import is_shipped, mark_shipped
from mmbot.store.journal.segments import damaged, list_sessions, segment_path, session_lock
from mmbot.store.journal.tail import JournalTail
from mmbot.store.sql.engine import sql_errors
from mmbot.store.sql.opening import account_before, has_later_fills, rebuild_positions
from mmbot.store.sql.session_rows import Batch, SessionRows
from mmbot.store.sql.tables import journal_shipping, positions
from mmbot.store.sql.upserts import put_rows, write_batch
from mmbot.units import NS_PER_MIN

__all__ = ["SessionShipper", "Shipped", "ship_session", "ship_sessions"]

_MARK_EVERY_NS: Final = NS_PER_MIN
_OnBytes = Callable[[int], None]
# 32 MiB: a few million market rows, after which whoever calls can do something else.
_BLOCKS_MAX: Final = 32


@dataclass(slots=True)
class Shipped:
    """What was written, over one or many sessions."""

    sessions: int = 0
    records: int = 0
    events: int = 0
    fills: int = 0
    batches: int = 0

    def add(self, other: Shipped) -> None:
        """Add the counts of another one."""
        self.sessions += other.sessions
        self.records += other.records
        self.events += other.events
        self.fills += other.fills
        self.batches += other.batches


class _MovedOnError(Exception):
    """Another shipper has written a part of this journal meanwhile."""


class SessionShipper:
    """Ships one journal, a batch at a call.

    Args:
        engine: of the store, at the code's schema.
        session: directory of the journal.
        batch_size: rows of a transaction, about.
    """

    def __init__(self, engine: Engine, session: Path, *, batch_size: int) -> None:
        self._engine = engine
        self._session = session
        self._batch_size = batch_size
        self.shipped = Shipped(sessions=1)
        self._begin()

    @property
    def next_seq(self) -> int:
        """Records of the journal below this are in the tables."""
        return self._next_seq

    def step(self, on_bytes: _OnBytes = lambda _: None) -> bool:
        """Read on and write a batch; False if there was nothing to read.

        Raises:
            StoreError: ``E_STORE_SQL`` when the store refuses: the same rows are written at the
                next call. ``E_STORE_JOURNAL`` for a damaged journal, after all before the damage
                was written.
        """
        is_more = self._collect(on_bytes)
        if self._has_news():
            try:
                self._write()
            except _MovedOnError:
                self.close()
                self._begin()
                return True
        if self._damage is not None:
            raise self._damage
        return is_more

    def finish(self) -> bool:
        """Mark the journal as shipped if nobody writes it and nothing is left; True if so.

        Raises:
            StoreError: as `step`.
        """
        while self.step():
            pass
        if self._rows is None:
            return False
        # held for an instant only: a session that goes on behind its journal takes it, too
        with session_lock(self._session) as held:
            if not held or not self._tail.is_at_end():
                return False
            mark_shipped(self._session, next_seq=self._next_seq)
        with sql_errors("shipping"), self._engine.begin() as connection:
            self._put_place(connection, is_complete=True)
        return True

    def close(self) -> None:
        """Close the journal's file."""
        self._tail.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(self) -> None:
        self._follow = core.JournalFollow(mark_every_ns=_MARK_EVERY_NS)
        self._tail = JournalTail(self._session, self._follow.end_segment)
        self._rows: SessionRows | None = None
        self._batch = Batch()
        self._next_seq = 0
        self._damage: StoreError | None = None

    def _collect(self, on_bytes: _OnBytes) -> bool:
        """Fill the batch; False if the journal has no more for now."""
        blocks = 0
        while len(self._batch) < self._batch_size and blocks < _BLOCKS_MAX:
            told = self._told()
            if told:
                self._add(told)
                continue
            if self._damage is not None:
                return False
            data = self._tail.read()
            if not data:
                return False
            on_bytes(len(data))
            self._follow.feed(data)
            blocks += 1
        return True

    def _told(self) -> list[dict[str, Any]]:
        if self._damage is not None:
            return []
        try:
            return self._follow.take(self._batch_size)
        except core.JournalError as exc:
            self._damage = damaged(segment_path(self._session, self._tail.number), exc)
        except core.CoreError as exc:
            key = f"file={self._session} {exc.key}"
            self._damage = StoreError("E_STORE_JOURNAL", key, exc.message)
        return []

    def _add(self, told: list[dict[str, Any]]) -> None:
        if self._rows is None:
            self._rows = self._open(told[0])
        self._rows.add(told, self._batch)

    def _open(self, header: dict[str, Any]) -> SessionRows:
        session_id = header["session_id"]
        with sql_errors("shipping"), self._engine.connect() as connection:
            place = _place(connection, session_id)

            def opening(venue: str, created_ns: int) -> Account:
                if venue.endswith(session_id):
                    return Account()
                return account_before(connection, venue, created_ns, session_id)

            self._next_seq = 0 if place is None else int(place.next_seq)
            return SessionRows(header, opening, from_seq=self._next_seq)

    def _has_news(self) -> bool:
        return self._rows is not None and self._follow.next_seq > self._next_seq

    def _write(self) -> None:
        assert self._rows is not None
        rows, batch = self._rows, self._batch
        with sql_errors("shipping"), self._engine.begin() as connection:
            place = _place(connection, rows.session_id, locked=True)
            if (0 if place is None else place.next_seq) != self._next_seq:
                raise _MovedOnError
            write_batch(connection, batch)
            self._put_positions(connection, rows, batch)
            next_seq = self._follow.next_seq
            self._put_place(connection, is_complete=False)
        self.shipped.records += next_seq - self._next_seq
        self.shipped.events += len(batch.events)
        self.shipped.fills += len(batch.fills)
        self.shipped.batches += 1
        self._next_seq = next_seq
        self._batch = Batch()

    def _put_positions(self, connection: Connection, rows: SessionRows, batch: Batch) -> None:
        if not batch.fills:
            return
        at = (rows.venue, rows.created_ns, rows.session_id)
        if not rows.is_own_account and has_later_fills(connection, *at):
            rebuild_positions(connection, rows.venue)
            return
        newest = {fill["symbol"]: fill["ts_ns"] for fill in batch.fills}
        found = [rows.position_row(symbol, newest[symbol]) for symbol in sorted(newest)]
        put_rows(connection, positions, found)

    def _put_place(self, connection: Connection, *, is_complete: bool) -> None:
        assert self._rows is not None
        place = {
            "session_id": self._rows.session_id,
            "next_seq": self._follow.next_seq,
            "next_event_seq": self._rows.next_event_seq,
            "is_complete": is_complete,
        }
        put_rows(connection, journal_shipping, [place])


def ship_session(
    engine: Engine, session: Path, *, batch_size: int, on_bytes: _OnBytes = lambda _: None
) -> Shipped:
    """Ship what a journal has now, and mark it if nobody writes it any more.

    Raises:
        StoreError: as `SessionShipper.step`.
    """
    with SessionShipper(engine, session, batch_size=batch_size) as shipper:
        while shipper.step(on_bytes):
            pass
        shipper.finish()
        return shipper.shipped


def ship_sessions(
    engine: Engine, directory: Path, *, batch_size: int, on_bytes: _OnBytes = lambda _: None
) -> tuple[Shipped, list[StoreError]]:
    """Ship all journals below `directory` that are not marked as shipped.

    A damaged journal does not keep the others from being shipped: its error is among those
    returned.

    Raises:
        StoreError: ``E_STORE_SQL``, ``E_STORE_DISK``.
    """
    total, errors = Shipped(), []
    for session in list_sessions(directory):
        if is_shipped(session):
            continue
        try:
            total.add(ship_session(engine, session, batch_size=batch_size, on_bytes=on_bytes))
        except StoreError as exc:
            if exc.code != "E_STORE_JOURNAL":
                raise
            errors.append(exc)
    return total, errors


def _place(connection: Connection, session_id: str, *, locked: bool = False) -> Any:  # noqa: ANN401
    if locked and connection.dialect.name == "postgresql":
        # also where there is no row yet; SQLite has one writer anyway
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(session_id))))
    query = select(journal_shipping).where(journal_shipping.c.session_id == session_id)
    return connection.execute(query).first()
