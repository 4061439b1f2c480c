"""A session writes its journal: what it begins with, and bytes from the engine to the disk.

The engine writes records down while it runs; they are appended before it is given anything new, so
that nothing happens to a session that its journal does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmbot import clock, core
from mmbot.config import LoadedConfig
from mmbot.config.describe import sanitized_yaml
from mmbot.errors import StoreError
from mmbot.store.canonical import canonical_json
from mmbot.store.journal import CheckpointWriter, JournalWriter
from mmbot.telemetry.logs import get_logger
from mmbot.trading.explain import Explanation, explain, order_number
from mmbot.trading.identity import SessionIdentity, session_facts
from mmbot.trading.session import Taken
from mmbot.units import NS_PER_SEC

__all__ = ["SessionJournal", "journal_header", "open_journal"]


def journal_header(
    loaded: LoadedConfig, identity: SessionIdentity, *, mode: str, seed: int
) -> dict[str, Any]:
    """What `mmbot.core.Backtest` takes as `journal`.

    ``config`` of the header holds the hash of the configuration, its text without secrets, the
    layer of every key that is not a default, and who the session is: venue, environment, instance,
    region, version and commit.
    """
    config = loaded.config
    keys = {".".join(map(str, path)) for path in loaded.history}
    origins = {key: loaded.origin_of(key) for key in keys}
    about = {
        "cfg_hash": identity.cfg_hash,
        "sources": {key: origin for key, origin in origins.items() if origin != "default"},
        "yaml": sanitized_yaml(config),
        **session_facts(config),
    }
    return {
        "session_id": identity.session,
        "mode": mode,
        "ts_ns": clock.artifact_ns(),
        "seed": seed,
        "cid_prefix": identity.cid_prefix,
        "config": canonical_json(about),
        "hash_every_ns": round(config.journal.snapshot_interval_s * NS_PER_SEC),
        "checkpoints": True,
    }


def open_journal(
    loaded: LoadedConfig, identity: SessionIdentity, *, mode: str, seed: int
) -> tuple[dict[str, Any], SessionJournal]:
    """A journal for a new session: what the engine takes, and the companion that writes it.

    Raises:
        StoreError: ``E_STORE_DISK`` when the directory cannot be used.
    """
    storage = loaded.config.storage
    header = journal_header(loaded, identity, mode=mode, seed=seed)
    writer = JournalWriter(storage.journal_dir, identity.session, fsync_ms=storage.journal_fsync_ms)
    journal = SessionJournal(writer, header["cid_prefix"], goes_on=mode == "paper")
    return header, journal


@dataclass(slots=True)
class SessionJournal:
    """A `Companion` that puts the engine's records on the disk; the last one to be asked.

    A session whose journal cannot be begun does not start. Later `refused` says why the last
    attempt failed: with `goes_on` the session goes on, held back by `mmbot.trading.storage_guard`,
    else the error ends it. Records that found no room are kept and go in first. Without checkpoints
    a session goes on in any case.
    """

    writer: JournalWriter
    cid_prefix: str
    goes_on: bool = False
    refused: StoreError | None = field(default=None, init=False)
    _engine: core.Backtest | None = None
    _checkpoints: CheckpointWriter = field(init=False)

    def __post_init__(self) -> None:
        self._checkpoints = CheckpointWriter(self.writer.path)

    @property
    def path(self) -> Path:
        """The directory of the session."""
        return self.writer.path

    def begin(self, engine: core.Backtest, market_ns: int) -> None:
        """See `Companion`."""
        del market_ns
        self._engine = engine
        self._write()
        if self.refused is not None:
            raise self.refused

    def on_chunk(self, symbol: int, chunk: core.EventChunk) -> None:
        """See `Companion`."""
        del symbol, chunk
        self._write()

    def step(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """See `Companion`."""
        del engine, market_ns, taken
        self._write()

    def close(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """See `Companion`."""
        del engine, market_ns, taken
        self._write()
        self._checkpoints.close()
        self.writer.close()

    def explain(self, order_id: str) -> Explanation:
        """Explain an order of this session so far.

        Raises:
            MmbotError: as `mmbot.trading.explain.explain`.
        """
        self._write()
        return explain(self.writer.path, order=order_number(order_id, self.cid_prefix))

    def _write(self) -> None:
        if self._engine is None:
            return
        data = self._engine.take_journal()
        try:
            if data:
                self.writer.append(data)
            elif self.refused is not None:
                self.writer.retry()
        except StoreError as exc:
            self.refused = exc
            if not self.goes_on:
                raise
            return
        self.refused = None
        if data:
            self._write_checkpoints(self._engine)

    def _write_checkpoints(self, engine: core.Backtest) -> None:
        """After the records that they belong to; trading goes on without one."""
        try:
            for checkpoint in engine.take_checkpoints():
                self._checkpoints.append(checkpoint)
        except (core.CoreError, StoreError) as exc:
            get_logger("journal").warning("checkpoint_missing", error=str(exc))
