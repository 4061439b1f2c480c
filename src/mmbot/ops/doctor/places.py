"""Disks: may be written, has room, syncs quickly enough."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mmbot.clock import monotonic_ns
from mmbot.ops.doctor.finding import Finding, bad, good, warning
from mmbot.units import NS_PER_MS

__all__ = [
    "append_probe",
    "disk_space",
    "free_mb",
    "fsync_latency",
    "sync_samples",
    "writable",
    "write_probe",
]

_MIB: Final = 1 << 20
# Room for a day of trading beyond the limit at which quoting stops.
_AMPLE: Final = 4
_SAMPLES: Final = 32
_BLOCK: Final = 4096
_SYNC_WARN_NS: Final = 20 * NS_PER_MS
_SYNC_BAD_NS: Final = 250 * NS_PER_MS


def writable(name: str, place: Path, trouble: str | None) -> Finding:
    """Judge `write_probe` or `append_probe`."""
    if trouble is None:
        return good(name, f"{place} can be written")
    return bad(name, f"{place} cannot be written: {trouble}", f"let this user write to {place}")


def write_probe(directory: Path) -> str | None:
    """Create, sync and remove a file; None, or why that failed.

    A directory that does not exist yet is as good as the one that it would be made in.
    """
    path = _probe_path(directory)
    try:
        with path.open("xb") as file:
            file.write(b"doctor\n")
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
    except OSError as exc:
        return exc.strerror or type(exc).__name__
    return None


def append_probe(path: Path) -> str | None:
    """Open a file for appending without changing it; None, or why that failed."""
    if not path.exists():
        return write_probe(path.parent)
    try:
        with path.open("ab"):
            return None
    except OSError as exc:
        return exc.strerror or type(exc).__name__


def disk_space(place: Path, free: int, needed: int) -> Finding:
    """Judge free MiB against `storage.min_free_mb`, at which quoting stops."""
    text = f"{free} MiB free at {place}, quoting stops below {needed}"
    remedy = "free disk space or lower storage.min_free_mb"
    if free < needed:
        return bad("disk_space", text, remedy)
    if free < _AMPLE * needed:
        return warning("disk_space", text, remedy)
    return good("disk_space", text)


def free_mb(place: Path) -> int:
    """Free MiB on the disk of `place`, or of its first parent that exists."""
    return shutil.disk_usage(_existing(place)).free // _MIB


def fsync_latency(place: Path, samples_ns: Sequence[int]) -> Finding:
    """Judge the time of a sync of 4 KiB by its median and its worst."""
    if not samples_ns:
        return bad("fsync_latency", f"{place} cannot be synced", f"let this user write to {place}")
    ordered = sorted(samples_ns)
    median_ns, worst_ns = ordered[len(ordered) // 2], ordered[-1]
    text = f"median {median_ns / NS_PER_MS:.2f} ms, worst {worst_ns / NS_PER_MS:.2f} ms at {place}"
    remedy = "put storage.journal_dir on a local SSD, not on a network disk"
    if median_ns > _SYNC_BAD_NS:
        return bad("fsync_latency", text, remedy)
    if median_ns > _SYNC_WARN_NS or worst_ns > _SYNC_BAD_NS:
        return warning("fsync_latency", text, remedy)
    return good("fsync_latency", text)


def sync_samples(directory: Path) -> list[int]:
    """Times of syncing 4 KiB; empty if the place cannot be written."""
    path = _probe_path(directory)
    samples = []
    try:
        with path.open("xb") as file:
            for _ in range(_SAMPLES):
                file.write(bytes(_BLOCK))
                file.flush()
                start_ns = monotonic_ns()
                os.fsync(file.fileno())
                samples.append(monotonic_ns() - start_ns)
        path.unlink()
    except OSError:
        return []
    return samples


def _probe_path(directory: Path) -> Path:
    return _existing(directory) / f".doctor-{os.getpid()}-{secrets.token_hex(4)}"


def _existing(place: Path) -> Path:
    place = place.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place
