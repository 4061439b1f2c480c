"""What goes along with a session at a venue, at the moment at which it is wanted.

A new session has all of it before it begins, so that what cannot be used keeps it from starting. A
session that goes on has orders in the market that nobody looks after: it quotes first. What is
missing meanwhile waits: the core keeps its records, the recording its frames, the journal is what
the store is fed from. If it then cannot be had, the session ends in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mmbot.cli.live_scene import LiveScene
from mmbot.cli.live_venue import instrument_of
from mmbot.cli.record_choices import RecordChoices, check_directory, is_recorded
from mmbot.errors import MmbotError
from mmbot.store.audit_log import AuditLog
from mmbot.store.runtime import artifact_path
from mmbot.trading.live.companions import CompanionWatch
from mmbot.trading.live.fault_book import FaultWatch
from mmbot.trading.live.fault_sources import FaultSources
from mmbot.trading.live.recording import SessionRecording
from mmbot.trading.live.storage import StorageWatch
from mmbot.trading.storage_guard import StorageGuard, StorageLimits
from mmbot.units import NS_PER_SEC

if TYPE_CHECKING:
    from mmbot.cli.live_along import Along
    from mmbot.market.venue_recording import VenueRecording
    from mmbot.trading.live.shell import Shell

__all__ = ["Beside"]

Say = Callable[[str], None]
# A session that has nothing to send does not keep what goes along waiting for longer.
_PATIENCE_NS: Final = NS_PER_SEC


class Beside:
    """A `Watch`; `begin` once on the session's loop, then `close`.

    Attributes:
        companions: a `Watch` that steps the companions.
        storage: a `Watch` of disk and store.
        audit: writer of the audit.
        faults: a `Watch` that counts what goes wrong and writes it to the audit.
        recording: where frames of the market go, None for nowhere.

    Raises:
        ConfigError: ``recorder.data_dir`` cannot be used; ``storage.url``.
        MarketDataError, StoreError: a new session cannot begin (`go_along`).
    """

    def __init__(self, scene: LiveScene, say: Say) -> None:
        self._scene = scene
        self._say = say
        options, config, opened = scene.options, scene.config, scene.opened
        self._record = RecordChoices(
            mode=options.mode, wanted=options.record, market=False, waits=False
        )
        self.companions = CompanionWatch(
            opened.core,
            [instrument_of(scene.venue.rules[one]) for one in opened.identity.symbols],
            since_ns=opened.recalled.started_ns,
            log=say,
        )
        self.storage = StorageWatch(
            StorageGuard(StorageLimits.of(config.storage)),
            Path(config.storage.journal_dir),
            self._lag_records if options.store else None,
        )
        self.audit = AuditLog(artifact_path("audit.jsonl"), say)
        self.faults = FaultWatch(self.audit.put, FaultSources)
        self.recording: SessionRecording | None = None
        # What ccxt hands on are no frames of the wire.
        if config.trading.venue == "bybit" and is_recorded(self._record, scene.runtime.state):
            check_directory(config)
            self.recording = SessionRecording(self._open_recording, say)
        self._made = None if opened.is_resumed else self._make()
        self._along: Along | None = None
        self._making: asyncio.Task[None] | None = None
        self._since_ns: int | None = None

    def begin(self, now_ns: int) -> None:
        """The session begins, or goes on."""
        self.audit.__enter__()
        if self._made is not None:
            self._start(self._made, now_ns)

    async def look(self, shell: Shell, now_ns: int) -> None:
        """See `Watch`: the session trades; whether it quotes, too."""
        if self._along is not None or self._making is not None:
            return
        if self._since_ns is None:
            self._since_ns = now_ns
        if shell.sender.counters.sent or now_ns - self._since_ns > _PATIENCE_NS:
            self._making = asyncio.create_task(self._follow(shell), name="what goes along")

    async def close(self, now_ns: int) -> None:
        """Write everything; the session's journal is closed."""
        try:
            await self._close(now_ns)
        finally:
            await asyncio.to_thread(self.audit.__exit__, None, None, None)

    async def _close(self, now_ns: int) -> None:
        if self._making is not None:
            await self._making
        elif self._along is None:
            # It has not quoted: what is in the journal is to be in the records all the same.
            await self._catch_up(now_ns)
        await self.companions.close(now_ns)
        if self.recording is not None:
            await self.recording.close()
        if self._along is not None:
            await asyncio.to_thread(self._along.close_store)

    async def _follow(self, shell: Shell) -> None:
        try:
            along = await asyncio.to_thread(self._make)
            self._start(along, shell.clock())
        except MmbotError as exc:
            shell.fail(str(exc))
        except Exception as exc:  # noqa: BLE001 -- the outermost frame of the task
            shell.fail(f"{type(exc).__name__}: {exc}")

    async def _catch_up(self, now_ns: int) -> None:
        try:
            self._start(await asyncio.to_thread(self._make), now_ns)
        except MmbotError as exc:
            self._say(str(exc))

    def _make(self) -> Along:
        from mmbot.cli.live_along import go_along  # noqa: PLC0415 -- see the module

        return go_along(self._scene, self._record, self.audit, self._say)

    def _open_recording(self) -> VenueRecording:
        from mmbot.cli.live_along import venue_recording  # noqa: PLC0415 -- see the module

        return venue_recording(self._scene, self._say)

    def _start(self, along: Along, now_ns: int) -> None:
        self._along = along
        if along.store is not None:
            along.store.__enter__()
        if self.recording is not None:
            self.recording.begin()
        self.companions.begin(along.companions, now_ns)

    def _lag_records(self) -> int:
        store = None if self._along is None else self._along.store
        return 0 if store is None else store.lag_records()
