"""What a running session keeps in files: their payloads, and how they are taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from mmbot import core
from mmbot.api.errors import AdminError
from mmbot.api.snapshots import SnapshotStatus
from mmbot.api.throttle.handlers import ThrottleLoad, get_snapshot, parse_payload
from mmbot.api.throttle.models import LegacyThrottle
from mmbot.portfolio.calibration import CalibrationBook, CalibrationError
from mmbot.portfolio.snapshots import (
    ALLOCATOR_KIND,
    COST_CALIB_KIND,
    INTERVAL_SEC,
    allocator_path,
    cost_calib_path,
    hwm_from_payload,
)
from mmbot.store.runtime import artifact_path
from mmbot.store.snapshots import SnapshotError
from mmbot.trading.snapshot_files import SnapshotFile, SnapshotFiles

__all__ = ["THROTTLE_KIND", "SnapshotPaths", "SnapshotSource", "snapshot_files"]

THROTTLE_KIND: Final = "throttle"
_THROTTLE_INTERVAL_SEC: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPaths:
    """Where files lie, and how often the throttle's is written (options of ``mmbot run``)."""

    throttle: Path = field(default_factory=lambda: artifact_path("throttle_snapshot.json"))
    allocator: Path = field(default_factory=allocator_path)
    cost_calib: Path = field(default_factory=cost_calib_path)
    index: Path = field(default_factory=lambda: artifact_path("snapshots.json"))
    throttle_interval_sec: float = _THROTTLE_INTERVAL_SEC


class SnapshotSource(Protocol):
    """What the files need of the session."""

    control: core.SessionControl

    def throttle_payload(self) -> Mapping[str, Any]:
        """See `mmbot.api.throttle.handlers.ThrottleSession`."""
        ...

    def throttle_legacy(self) -> LegacyThrottle | None:
        """See `mmbot.api.throttle.handlers.ThrottleSession`."""
        ...

    def load_throttle(self, load: ThrottleLoad) -> None:
        """See `mmbot.api.throttle.handlers.ThrottleSession`."""
        ...

    def reset_throttle(self) -> None:
        """See `mmbot.api.throttle.handlers.ThrottleSession`."""
        ...

    def throttle_status(self) -> SnapshotStatus:
        """See `mmbot.api.throttle.handlers.ThrottleSession`."""
        ...

    def take_throttle(self, load: ThrottleLoad) -> None:
        """`load_throttle` without counting it."""
        ...


def snapshot_files(session: SnapshotSource, paths: SnapshotPaths) -> SnapshotFiles:
    """All files of a session."""
    control = session.control
    files = (
        SnapshotFile(
            THROTTLE_KIND,
            paths.throttle,
            paths.throttle_interval_sec,
            lambda: get_snapshot(session),
            lambda payload: _load_throttle(session, payload),
        ),
        SnapshotFile(
            ALLOCATOR_KIND,
            paths.allocator,
            INTERVAL_SEC,
            control.allocator_snapshot,
            lambda payload: control.load_allocator(hwm_from_payload(payload)),
        ),
        SnapshotFile(
            COST_CALIB_KIND,
            paths.cost_calib,
            INTERVAL_SEC,
            control.cost_calibration,
            lambda payload: _load_calibration(control, payload),
        ),
    )
    return SnapshotFiles(files, paths.index)


def _load_throttle(session: SnapshotSource, payload: dict[str, Any]) -> None:
    try:
        session.take_throttle(parse_payload(payload))
    except AdminError as exc:
        raise SnapshotError(exc.reason, "throttle snapshot", is_damage=False) from exc


def _load_calibration(control: core.SessionControl, payload: dict[str, Any]) -> None:
    try:
        book = CalibrationBook.from_snapshot(payload)
    except CalibrationError as exc:
        raise SnapshotError(exc.reason, exc.key, is_damage=False) from exc
    control.load_cost_calibration(dict(book.snapshot()))
