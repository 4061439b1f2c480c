"""Looks at a disk without leaving anything: may it be written, has it room, how fast does it sync.

A directory that does not exist yet is as good as the one that it would be made in.
"""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import Final

from mmbot.clock import monotonic_ns

__all__ = ["append_probe", "free_mb", "sync_samples", "write_probe"]

_MIB: Final = 1 << 20
_SAMPLES: Final = 32
_BLOCK: Final = 4096


def write_probe(directory: Path) -> str | None:
    """Create, sync and remove a file; None, or why that failed."""
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


def free_mb(place: Path) -> int:
    """Free MiB on the disk of `place`, or of its first parent that exists."""
    return shutil.disk_usage(_existing(place)).free // _MIB


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
