"""Stores of tests: opened, filled from journals, read back as plain rows."""

import json
from contextlib import contextmanager

from sqlalchemy import select
from tests.unit.trading.written_sessions import write_session

from mmbot import core
from mmbot.store.journal import JournalReader, JournalWriter
from mmbot.store.sql.engine import open_engine
from mmbot.store.sql.schema import upgrade_schema
from mmbot.store.sql.shipper import ship_session
from mmbot.store.sql.tables import METADATA

__all__ = ["BATCH", "busy_session", "contents", "opened", "relived", "shipped"]

BATCH = 100
# quotes at the touch trade much in a short time
_BUSY = ("trading.base_spread_bps=0.01", "strategy.min_time_in_book_ms=100")


def busy_session(directory, **how):
    """The journal of a session with many fills."""
    return write_session(directory, sets=_BUSY, **{"seconds": 60} | how)


def relived(journal, directory, *, session, created_ns, prefix, venue="bybit-linear"):
    """The same records as those of a live session on an account of `venue`."""
    framer = core.JournalFramer()
    with JournalWriter(directory, session, fsync_ms=0) as writer:
        for record in JournalReader(journal).records(rows=True):
            if record["kind"] == "market_rows":
                columns = record["columns"]
                columns["px"] = columns["px"].astype("int32")
                framer.push_rows(record["instrument"], core.EventChunk.from_arrays(**columns))
                continue
            if record["kind"] == "header":
                about = json.loads(record["config"]) | {"venue": venue}
                record["config"] = json.dumps(about).encode()
                record |= {"mode": "live", "session_id": session, "ts_ns": created_ns}
                record["cid_prefix"] = prefix
            framer.push(record)
        writer.append(framer.take())
        return writer.path


@contextmanager
def opened(url):
    """An engine on a store with the code's schema."""
    engine = open_engine(url)
    try:
        upgrade_schema(engine)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def shipped(url, *journals):
    """An engine on a store into which journals were shipped."""
    with opened(url) as engine:
        for journal in journals:
            ship_session(engine, journal, batch_size=BATCH)
        yield engine


def contents(engine):
    """All rows of all tables, by table, in the order of their keys."""
    with engine.connect() as connection:
        return {
            table.name: sorted(
                (tuple(row) for row in connection.execute(select(table))),
                key=lambda row: [str(value) for value in row],
            )
            for table in METADATA.sorted_tables
        }
