"""Builds what goes along with a session at a venue: records, audit, metrics, the SQL store."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mmbot.cli.live_scene import LiveScene
from mmbot.cli.live_venue import ListedVenue, instrument_of
from mmbot.cli.markets import SymbolMarket
from mmbot.cli.record_venue import capture_head, check_directory
from mmbot.cli.records import RecordChoices, is_recorded, record_companions
from mmbot.cli.run_companions import audit_companions, drill_companions, metrics_companion
from mmbot.cli.store_wire import background_shipper, store_line
from mmbot.config import cfg_hash
from mmbot.market.frames import CaptureHead
from mmbot.market.importers.live import series_of
from mmbot.market.venue_recording import VenueRecording
from mmbot.store.audit_log import AuditLog
from mmbot.store.runtime import artifact_path
from mmbot.store.sql.background import BackgroundShipper
from mmbot.trading.live.companions import CompanionWatch
from mmbot.trading.live.fault_book import FaultWatch
from mmbot.trading.live.fault_sources import FaultSources
from mmbot.trading.live.recording import SessionRecording
from mmbot.trading.live.storage import StorageWatch
from mmbot.trading.session import Companion
from mmbot.trading.storage_guard import StorageGuard, StorageLimits

__all__ = ["Along", "go_along"]

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Along:
    """What goes along with one session; `begin` once on its loop, then `close`."""

    companions: CompanionWatch
    faults: FaultWatch
    storage: StorageWatch
    recording: SessionRecording | None
    store: BackgroundShipper | None
    store_line: Callable[[BackgroundShipper], str]
    is_audit_writable: Callable[[], bool]

    def begin(self, now_ns: int) -> None:
        """The session begins, or goes on."""
        if self.store is not None:
            self.store.__enter__()
        if self.recording is not None:
            self.recording.begin()
        self.companions.begin(now_ns)

    async def close(self, now_ns: int) -> None:
        """Write everything; the session's journal is closed."""
        await self.companions.close(now_ns)
        if self.recording is not None:
            await self.recording.close()
        if self.store is not None:
            await asyncio.to_thread(self.store.close)
            sys.stdout.write(self.store_line(self.store))


def go_along(scene: LiveScene, say: Say) -> Along:
    """What goes along; nothing of it has begun.

    Raises:
        ConfigError: ``storage.url`` or ``recorder.data_dir`` cannot be used.
        MarketDataError: the catalog that is recorded into is damaged.
        StoreError: ``E_STORE_SCHEMA``; ``E_STORE_SQL`` when the database cannot be reached.
    """
    options, config, opened = scene.options, scene.config, scene.opened
    head = capture_head(config, scene.venue.rules)
    record = RecordChoices(mode=options.mode, wanted=options.record, market=False, waits=False)
    recording = None
    # What ccxt hands on are no frames of the wire.
    if config.trading.venue == "bybit" and is_recorded(record, scene.runtime.state):
        check_directory(config)
        root = config.recorder.data_dir
        recording = SessionRecording(lambda: VenueRecording(root, head, say), say)
    store = background_shipper(config.storage, opened.writer, say) if options.store else None
    audit = AuditLog(artifact_path("audit.jsonl"), say)
    return Along(
        companions=CompanionWatch(
            opened.core,
            [instrument_of(scene.venue.rules[one]) for one in opened.identity.symbols],
            _companions(scene, record, head, audit, say),
            since_ns=opened.recalled.started_ns,
            log=say,
        ),
        faults=FaultWatch(audit.put, FaultSources),
        storage=StorageWatch(
            StorageGuard(StorageLimits.of(config.storage)),
            Path(config.storage.journal_dir),
            None if store is None else store.lag_records,
        ),
        recording=recording,
        store=store,
        store_line=lambda shipper: store_line(shipper, config.storage),
        is_audit_writable=lambda: audit.is_writable,
    )


def _companions(
    scene: LiveScene, record: RecordChoices, head: CaptureHead, audit: AuditLog, say: Say
) -> list[Companion]:
    """Those of a session on the simulated exchange; none of them holds the loop up."""
    runtime, identity = scene.runtime, scene.opened.identity
    identity = replace(identity, cfg_hash=identity.cfg_hash or cfg_hash(scene.config))
    markets = [_market(scene.venue, head, symbol, identity.session) for symbol in identity.symbols]
    return [
        *record_companions(record, runtime.state, identity, markets, log=say),
        metrics_companion(identity.symbols, record.mode, runtime, say, beside=True),
        *audit_companions(record.mode, runtime, say, audit=audit),
        *drill_companions(identity, record.mode, say),
    ]


def _market(venue: ListedVenue, head: CaptureHead, symbol: str, session: str) -> SymbolMarket:
    """What the records of a session say about a symbol of the venue."""
    return SymbolMarket(
        instrument=instrument_of(venue.rules[symbol]),
        chunks=iter(()),
        label=venue.port.name,
        state=lambda: "",
        series=series_of(head, symbol, recording=session),
    )
