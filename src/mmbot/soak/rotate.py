"""The shell of the artifact rotation: removes, compresses with proof, measures, logs."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mmbot import clock
from mmbot.errors import StoreError
from mmbot.soak.lock import held_by_other
from mmbot.soak.markers import mark
from mmbot.soak.rotation import SnapshotEntry, plan_rotation
from mmbot.store.artifacts import append_jsonl, open_atomic
from mmbot.units import NS_PER_SEC

__all__ = ["Rotated", "RotationLimits", "rotate", "tree_size_mb"]

_KB: Final = 1024
_MB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationLimits:
    """How much stays; `latest_held` says that the caller itself holds the run's lock."""

    max_summaries: int = 100
    max_age_days: float = 7
    max_size_mb: float = 500
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Rotated:
    """What was done, as the log line has it, and whether the size is within its limit."""

    entry: dict[str, Any]
    within_limit: bool


def rotate(base: Path, limits: RotationLimits, say: Callable[[str], None]) -> Rotated | None:
    """Rotate the soak tree `base`; None when it does not exist.

    Raises:
        StoreError: ``E_STORE_DISK``: an archive could not be written or does not read back the
        same; its snapshot stays.
    """
    if not base.is_dir():
        say(mark("cleanup", "WARN", f"Base directory not found: {base}"))
        return None
    latest, snapshots = base / "latest", base / "snapshots"
    plan = plan_rotation(
        [path.name for path in latest.glob("ITER_SUMMARY_*.json")],
        [_entry(path) for path in sorted(snapshots.glob("*"))],
        max_summaries=limits.max_summaries,
        max_age_days=limits.max_age_days,
        locked=held_by_other(latest / "soak.lock"),
    )
    for name in plan.deleted:
        if not limits.dry_run:
            (latest / name).unlink(missing_ok=True)
        say(mark("cleanup", "REMOVED", name))
    say(mark("cleanup", "SUMMARY", f"removed={len(plan.deleted)} ITER_SUMMARY files"))
    saved_kb = sum(_compress(snapshots / n, limits, say) for n in plan.compressed)
    say(mark("cleanup", "SUMMARY", f"compressed={len(plan.compressed)} snapshots"))
    size_mb = tree_size_mb(base)
    within = size_mb <= limits.max_size_mb
    state = f"total_size={size_mb:.1f}MB"
    say(
        mark("cleanup", "OK", state)
        if within
        else mark("cleanup", "WARN", f"{state} > {limits.max_size_mb:g}MB")
    )
    entry = {
        "timestamp": clock.artifact_utc(),
        "rotation": {
            "deleted": len(plan.deleted),
            "kept": len(plan.kept),
            "files": list(plan.deleted),
        },
        "compression": {
            "compressed": len(plan.compressed),
            "total_reduction_kb": saved_kb,
            "files": list(plan.compressed),
        },
        "disk_usage": {
            "size_mb": size_mb,
            "limit_mb": limits.max_size_mb,
            "within_limit": within,
        },
    }
    if not limits.dry_run:
        append_jsonl(base / "rotation" / "ROTATION_LOG.jsonl", entry)
    return Rotated(entry, within)


def tree_size_mb(base: Path) -> float:
    """Size of all files below a directory; a file that goes meanwhile counts nothing."""
    total = 0
    for path in base.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() and not path.is_symlink() else 0
        except FileNotFoundError:
            continue
    return total / _MB


def _entry(path: Path) -> SnapshotEntry:
    age_ns = clock.wall_ns() - path.stat().st_mtime_ns
    return SnapshotEntry(path.name, age_ns / NS_PER_SEC)


def _compress(path: Path, limits: RotationLimits, say: Callable[[str], None]) -> float:
    """Archive one snapshot, prove the archive, remove the original; the size saved, KB."""
    before = _size(path)
    target = path.with_name(f"{path.name}.tar.gz")
    if limits.dry_run:
        say(mark("cleanup", "COMPRESSED", f"{path.name} -> {target.name} (dry run)"))
        return 0.0
    try:
        with open_atomic(target) as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
            archive.add(path, arcname=path.name)
        _prove(path, target)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise StoreError("E_STORE_DISK", f"file={target}", f"cannot archive: {reason}") from exc
    after = target.stat().st_size
    share = 100 * (before - after) / before if before else 0.0
    detail = f"{before / _KB:.1f}KB -> {after / _KB:.1f}KB, {share:.0f}% reduction"
    say(mark("cleanup", "COMPRESSED", f"{path.name} -> {target.name} ({detail})"))
    return (before - after) / _KB


def _prove(path: Path, archive_path: Path) -> None:
    """Read the archive back: every file must be there with its bytes."""
    wanted = {
        str(f.relative_to(path.parent)): f
        for f in ([path] if path.is_file() else sorted(path.rglob("*")))
        if f.is_file()
    }
    seen = set()
    with tarfile.open(archive_path, "r:gz") as archive:
        for member in archive:
            source = wanted.get(member.name)
            packed = archive.extractfile(member) if member.isfile() else None
            if source is None or packed is None:
                continue
            if packed.read() == source.read_bytes():
                seen.add(member.name)
    if seen != set(wanted):
        archive_path.unlink(missing_ok=True)
        raise StoreError("E_STORE_DISK", f"file={archive_path}", "does not read back the same")


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return sum(file.stat().st_size for file in files)
