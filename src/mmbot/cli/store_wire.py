"""Builds what brings a session's journal into SQL."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from mmbot.config.operations import StorageConfig
from mmbot.errors import ascii_line
from mmbot.store.journal import JournalWriter
from mmbot.store.sql.background import BackgroundShipper, ShipperPlan
from mmbot.store.sql.engine import open_engine, prod_warning, shown_url
from mmbot.store.sql.schema import prepare_schema

__all__ = ["background_shipper", "events_dir", "store_line"]


def background_shipper(
    storage: StorageConfig,
    writer: JournalWriter,
    log: Callable[[str], None],
    env: Mapping[str, str] | None = None,
) -> BackgroundShipper:
    """The shipper of a session, not started; the store has the code's schema.

    Raises:
        ConfigError: ``E_CFG_TYPE``, ``E_CFG_SECRET`` or ``E_CFG_MISSING`` about ``storage.url``.
        StoreError: ``E_STORE_SCHEMA``; ``E_STORE_SQL`` when the database cannot be reached.
    """
    env = os.environ if env is None else env
    mm_env = env.get("MM_ENV") or "dev"
    warning = prod_warning(storage.url, mm_env)
    if warning is not None:
        log(warning)
    engine = open_engine(storage.url, env=env)
    prepare_schema(engine, mm_env=mm_env)
    plan = ShipperPlan(
        session=writer.path,
        batch_size=storage.batch_size,
        flush_ms=storage.flush_ms,
        keep_days=storage.journal_keep_days,
        events_dir=events_dir(storage),
        events_keep_days=storage.retention_days_order_events,
    )
    return BackgroundShipper(engine, plan, lambda: writer.next_seq)


def events_dir(storage: StorageConfig) -> Path:
    """Where order events go that are too old for the store: beside the journals."""
    return Path(storage.journal_dir).parent / "order_events"


def store_line(shipper: BackgroundShipper, storage: StorageConfig) -> str:
    """What was written, and what was not, as the last lines of a session."""
    done, left = shipper.shipped, shipper.lag_records()
    line = f"wrote {shown_url(storage.url)} events={done.events} fills={done.fills}\n"
    if left == 0 and shipper.error is None:
        return line
    why = "" if shipper.error is None else f" error={shipper.error.code}"
    marker = f"| store | LAG | left={left}{why} | `mmbot db ship` goes on"
    return ascii_line(line) + "\n" + ascii_line(marker) + "\n"
