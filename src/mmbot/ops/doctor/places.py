"""Disks: may be written, have room, sync quickly enough (probes: `mmbot.store.probes`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mmbot.ops.doctor.finding import Finding, bad, good, warning
from mmbot.units import NS_PER_MS

__all__ = ["disk_space", "fsync_latency", "writable"]

# Room for a day of trading beyond the limit at which quoting stops.
_AMPLE: Final = 4
_SYNC_WARN_NS: Final = 20 * NS_PER_MS
_SYNC_BAD_NS: Final = 250 * NS_PER_MS


def writable(name: str, place: Path, trouble: str | None) -> Finding:
    """Judge what a probe said; `trouble` is None when it could write."""
    if trouble is None:
        return good(name, f"{place} can be written")
    return bad(name, f"{place} cannot be written: {trouble}", f"let this user write to {place}")


def disk_space(place: Path, free: int, needed: int) -> Finding:
    """Judge free MiB against `storage.min_free_mb`, at which quoting stops."""
    text = f"{free} MiB free at {place}, quoting stops below {needed}"
    remedy = "free disk space or lower storage.min_free_mb"
    if free < needed:
        return bad("disk_space", text, remedy)
    if free < _AMPLE * needed:
        return warning("disk_space", text, remedy)
    return good("disk_space", text)


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
