"""Ships journals on demand."""

from __future__ import annotations

import os
from pathlib import Path

from mmbot import clock
from mmbot.cli.db_place import opened, storage_config
from mmbot.cli.journal_place import located
from mmbot.cli.progress import ByteBar
from mmbot.cli.store_wire import events_dir
from mmbot.errors import StoreError
from mmbot.store.journal.retention import prune_journals
from mmbot.store.journal.segments import list_segments, list_sessions
from mmbot.store.sql.event_retention import prune_order_events
from mmbot.store.sql.schema import prepare_schema
from mmbot.store.sql.shipper import Shipped, ship_session, ship_sessions

__all__ = ["ship"]


def ship(
    place: str | None, url: str | None, config: Path | None, bar: ByteBar
) -> tuple[Shipped, list[StoreError]]:
    """Ship one journal, or all below a directory that are not shipped; old ones that are go.

    Returns what was written, and what is wrong with journals that could not be shipped whole.

    Raises:
        StoreError: ``E_STORE_SQL``, ``E_STORE_SCHEMA``, ``E_STORE_DISK``.
    """
    storage = storage_config(config)
    path = Path(storage.journal_dir) if place is None else located(place, config)
    with opened(url, config) as engine:
        prepare_schema(engine, mm_env=os.environ.get("MM_ENV") or "dev")
        bar.begin("ship", _bytes(path))
        if path.is_dir() and not list_segments(path):
            done, errors = ship_sessions(
                engine, path, batch_size=storage.batch_size, on_bytes=bar.advance
            )
            now_ns = clock.wall_ns()
            prune_journals(path, keep_days=storage.journal_keep_days, now_ns=now_ns)
            keep_days = storage.retention_days_order_events
            prune_order_events(engine, events_dir(storage), keep_days=keep_days, now_ns=now_ns)
            return done, errors
        batch_size = storage.batch_size
        return ship_session(engine, path, batch_size=batch_size, on_bytes=bar.advance), []


def _bytes(path: Path) -> int:
    if not path.is_dir():
        return 0
    sessions = list_sessions(path) or [path]
    return sum(one.stat().st_size for session in sessions for one in list_segments(session))
