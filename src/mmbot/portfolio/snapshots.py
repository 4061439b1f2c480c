"""What the allocator keeps over a restart (03 sections 4, 5.3): high-water mark and calibration."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from mmbot.portfolio.calibration import CalibrationBook, CalibrationError
from mmbot.store.runtime import artifact_path
from mmbot.store.snapshots import Restored, SnapshotError, read_snapshot, restore, write_snapshot

__all__ = [
    "ALLOCATOR_KIND",
    "COST_CALIB_KIND",
    "INTERVAL_SEC",
    "allocator_path",
    "cost_calib_path",
    "hwm_from_payload",
    "hwm_payload",
    "load_calibration",
    "load_hwm_usd",
    "restore_calibration",
    "restore_hwm_usd",
    "save_calibration",
    "save_hwm_usd",
]

ALLOCATOR_KIND: Final = "allocator"
COST_CALIB_KIND: Final = "cost_calib"
INTERVAL_SEC: Final = 60.0
"""Between two writes, before the jitter of `mmbot.store.snapshots.jittered_sec`."""


def allocator_path() -> Path:
    """Where the high-water mark lies."""
    return artifact_path("allocator_hwm.json")


def cost_calib_path() -> Path:
    """Where the calibration lies."""
    return artifact_path("cost_calib.json")


def hwm_payload(hwm_usd: float) -> dict[str, object]:
    """Payload of kind ``allocator``."""
    return {"hwm_equity_usd": hwm_usd, "version": 1}


def hwm_from_payload(payload: object) -> float:
    """The high-water mark of a payload, USD.

    Raises:
        SnapshotError: ``invalid_payload`` for another form, ``invalid_hwm_equity_usd``.
    """
    if not isinstance(payload, dict) or set(payload) != {"hwm_equity_usd", "version"}:
        raise SnapshotError("invalid_payload", "allocator snapshot", is_damage=False)
    value, version = payload["hwm_equity_usd"], payload["version"]
    if version != 1 or isinstance(version, bool):
        raise SnapshotError("invalid_version", "allocator snapshot", is_damage=False)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        raise SnapshotError("invalid_hwm_equity_usd", "allocator snapshot", is_damage=False)
    return float(value)


def save_hwm_usd(path: Path, hwm_usd: float) -> str:
    """Write the high-water mark; the checksum. Errors: `write_snapshot`."""
    return write_snapshot(path, hwm_payload(hwm_usd))


def load_hwm_usd(path: Path) -> float:
    """Read the high-water mark. Errors: `read_snapshot`, `hwm_from_payload`."""
    return hwm_from_payload(read_snapshot(path))


def restore_hwm_usd(path: Path) -> Restored[float]:
    """Read the high-water mark at start; a refused file is set aside."""
    return restore(path, hwm_from_payload)


def save_calibration(path: Path, book: CalibrationBook) -> str:
    """Write calibration and overrides; the checksum. Errors: `write_snapshot`."""
    return write_snapshot(path, book.snapshot())


def load_calibration(path: Path) -> CalibrationBook:
    """Read calibration and overrides.

    Raises:
        SnapshotError: with the reasons of `read_snapshot` and `CalibrationBook.from_snapshot`.
        StoreError: ``E_STORE_DISK``.
    """
    return _calibration(read_snapshot(path))


def restore_calibration(path: Path) -> Restored[CalibrationBook]:
    """Read calibration and overrides at start; a refused file is set aside."""
    return restore(path, _calibration)


def _calibration(payload: dict[str, object]) -> CalibrationBook:
    try:
        return CalibrationBook.from_snapshot(payload)
    except CalibrationError as exc:
        raise SnapshotError(exc.reason, exc.key, is_damage=False) from exc
