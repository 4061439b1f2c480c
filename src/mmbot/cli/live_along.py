"""Builds what goes along with a session at a venue: records, audit, metrics, the SQL store.

Its modules are most of what a session loads, and nothing of them is needed to trade
(`mmbot.cli.live_beside`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from mmbot.cli.live_scene import LiveScene
from mmbot.cli.live_venue import ListedVenue, instrument_of
from mmbot.cli.markets import SymbolMarket
from mmbot.cli.record_choices import RecordChoices
from mmbot.cli.record_venue import capture_head
from mmbot.cli.records import record_companions
from mmbot.cli.run_companions import (
    SnapshotChoices,
    audit_companions,
    drill_companions,
    metrics_companion,
    snapshot_companions,
)
from mmbot.cli.store_wire import background_shipper, store_line
from mmbot.config import cfg_hash
from mmbot.config.operations import StorageConfig
from mmbot.market.frames import CaptureHead
from mmbot.market.importers.live import series_of
from mmbot.market.venue_recording import VenueRecording
from mmbot.store.audit_log import AuditLog
from mmbot.store.sql.background import BackgroundShipper
from mmbot.trading.live.companions import LiveEngine
from mmbot.trading.session import Companion

__all__ = ["Along", "go_along", "venue_recording"]

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Along:
    """What goes along with one session; nothing of it has begun."""

    companions: list[Companion]
    store: BackgroundShipper | None
    storage: StorageConfig

    def close_store(self) -> None:
        """Bring the rest of the journal, which is closed, into the store, and say what it has."""
        if self.store is not None:
            self.store.close()
            sys.stdout.write(store_line(self.store, self.storage))


def go_along(scene: LiveScene, record: RecordChoices, audit: AuditLog, say: Say) -> Along:
    """What goes along; `audit` runs.

    Raises:
        ConfigError: ``storage.url`` cannot be used.
        MarketDataError: the catalog that is recorded into is damaged.
        StoreError: ``E_STORE_SCHEMA``; ``E_STORE_SQL`` when the database cannot be reached.
    """
    options, storage = scene.options, scene.config.storage
    store = background_shipper(storage, scene.opened.writer, say) if options.store else None
    companions = _companions(scene, record, audit, say)
    return Along(companions=companions, store=store, storage=storage)


def venue_recording(scene: LiveScene, say: Say) -> VenueRecording:
    """Opens the recording of the venue's frames; errors as `VenueRecording`."""
    head = capture_head(scene.config, scene.venue.rules)
    return VenueRecording(scene.config.recorder.data_dir, head, say)


def _companions(
    scene: LiveScene, record: RecordChoices, audit: AuditLog, say: Say
) -> list[Companion]:
    """Those of a session on the simulated exchange; none of them holds the loop up."""
    runtime, identity = scene.runtime, scene.opened.identity
    identity = replace(identity, cfg_hash=identity.cfg_hash or cfg_hash(scene.config))
    head = capture_head(scene.config, scene.venue.rules)
    markets = [_market(scene.venue, head, symbol, identity.session) for symbol in identity.symbols]
    path, interval_sec = scene.options.throttle_snapshots
    return [
        *snapshot_companions(
            SnapshotChoices(
                kept=record.mode == "live",
                throttle_path=path,
                throttle_interval_sec=interval_sec,
            ),
            LiveEngine.of(scene.opened.core, scene.opened.recalled.started_ns),
            runtime,
            say,
            restores=not scene.opened.is_resumed,
            beside=True,
        ),
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
