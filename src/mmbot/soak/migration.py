"""Files of earlier layouts of the soak tree, brought into today's; running it twice is harmless."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mmbot.soak.markers import mark
from mmbot.soak.overrides import overrides_bytes
from mmbot.soak.parameters import TUNABLES
from mmbot.soak.paths import SoakPaths, move_corrupt, read_object
from mmbot.store.artifacts import write_bytes, write_json

__all__ = ["migrate_legacy"]

_MOVED: Final = ("steady_safe", "ultra_safe")
_MERGED: Final = "steady_overrides.json"


def migrate_legacy(paths: SoakPaths) -> list[str]:
    """Merge and move legacy files; the marker lines of what was done.

    Keys of ``steady_overrides.json`` that the overrides file lacks are merged first.
    """
    return [*_merge(paths), *(line for name in _MOVED for line in _move(paths, name))]


def _merge(paths: SoakPaths) -> list[str]:
    legacy = paths.soak / _MERGED
    if not legacy.exists():
        return []
    values = read_object(legacy)
    if values is None:
        move_corrupt(legacy)
        return []
    current = read_object(paths.overrides) or {}
    missing = {k: v for k, v in values.items() if k in TUNABLES and k not in current}
    if missing:
        write_bytes(paths.overrides, overrides_bytes({**current, **missing}))
    legacy.replace(legacy.with_name(f"{legacy.name}.bak"))
    return [mark("migrate", "REMOVED", f"{_MERGED} (DEPRECATED)")]


def _move(paths: SoakPaths, name: str) -> list[str]:
    legacy = paths.soak / f"{name}_overrides.json"
    if not legacy.exists():
        return []
    values = read_object(legacy)
    if values is None:
        move_corrupt(legacy)
        return []
    target = paths.soak / "profiles" / f"{name}.json"
    current = read_object(target)
    if current is not None and current != values:
        _keep(target)
    write_json(target, values)
    legacy.unlink()
    return [mark("migrate", "MOVED", f"{legacy.name} -> profiles/{name}.json")]


def _keep(target: Path) -> None:
    write_bytes(target.with_name(f"{target.name}.bak"), target.read_bytes())
