"""The soak library: its built-in profiles as files, their listing, and files of older releases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmbot.config.parameter_sources import parse_overrides
from mmbot.config.profiles import SOAK_DEFAULTS, SOAK_PROFILES, read_json
from mmbot.config.quoting import checked_parameters
from mmbot.config.sources import read_file
from mmbot.errors import StoreError
from mmbot.store.artifacts import write_bytes, write_json

__all__ = ["list_profiles", "materialise", "migrate_legacy_files"]

_MOVED = ("steady_safe", "ultra_safe")
_DEPRECATED = "steady_overrides.json"


def materialise(
    artifacts: Path, names: Sequence[str] = tuple(SOAK_PROFILES), *, defaults: bool = False
) -> list[Path]:
    """Write built-in profiles that are not there, and soak's `defaults`; never overwrite a file.

    Returns:
        The files written.

    Raises:
        StoreError: ``E_STORE_DISK``.
    """
    soak = artifacts / "soak"
    wanted = {soak / "profiles" / f"{name}.json": SOAK_PROFILES[name] for name in names}
    if defaults:
        wanted[soak / "config.json"] = SOAK_DEFAULTS
    written = []
    for path, values in wanted.items():
        if not path.exists():
            write_json(path, dict(values))
            written.append(path)
    return written


def list_profiles(artifacts: Path) -> list[str]:
    """The lines of the listing: each profile of the library with its parameters.

    Raises:
        ConfigError: ``E_PROFILE_PARSE``, ``E_PROFILE_KEY``, ``E_CFG_TYPE`` for a damaged file.
    """
    library = {name: dict(values) for name, values in SOAK_PROFILES.items()}
    for path in sorted((artifacts / "soak" / "profiles").glob("*.json")):
        data = read_file(path)
        if data is not None:
            library[path.stem] = checked_parameters(read_json(data, str(path)), str(path))
    lines = ["Available profiles:"]
    for name, values in sorted(library.items()):
        lines.append(f"  - {name}: {len(values)} params")
        lines += [f"      {key:<30} = {value}" for key, value in sorted(values.items())]
    return lines


def migrate_legacy_files(artifacts: Path) -> list[str]:
    """Bring files of older releases into the library; doing it again changes nothing.

    Everything is read before anything moves.

    Returns:
        One marker line for each file that moved.

    Raises:
        ConfigError: a legacy file is damaged; nothing has moved.
        StoreError: ``E_STORE_DISK``.
    """
    soak = artifacts / "soak"
    moving = {name: soak / f"{name}_overrides.json" for name in _MOVED}
    contents = {name: _checked(path) for name, path in moving.items()}
    deprecated = _checked(soak / _DEPRECATED)
    overrides = soak / "runtime_overrides.json"
    data = read_file(overrides)
    in_force = {} if data is None else parse_overrides(data, str(overrides))

    markers = []
    for name, legacy in moving.items():
        content = contents[name]
        if content is not None:
            _move(legacy, content, soak / "profiles" / f"{name}.json")
            markers.append(f"| migrate | MOVED | {legacy.name} -> profiles/{name}.json |")
    if deprecated is not None:
        given = checked_parameters(read_json(deprecated, _DEPRECATED), _DEPRECATED)
        merged = {**given, **in_force}
        if merged != in_force:
            write_json(overrides, merged, dp=10)
        _rename(soak / _DEPRECATED, soak / f"{_DEPRECATED}.bak")
        markers.append(f"| migrate | REMOVED | {_DEPRECATED} (DEPRECATED) |")
    return markers


def _checked(path: Path) -> bytes | None:
    """The content of a legacy file, None if there is none."""
    data = read_file(path)
    if data is not None:
        checked_parameters(read_json(data, str(path)), str(path))
    return data


def _move(legacy: Path, content: bytes, target: Path) -> None:
    present = read_file(target)
    if present is not None and present != content:
        write_bytes(target.with_name(f"{target.name}.bak"), present)
    write_bytes(target, content)
    _remove(legacy)


def _rename(old: Path, new: Path) -> None:
    try:
        old.replace(new)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise StoreError("E_STORE_DISK", f"file={old}", f"cannot be renamed: {reason}") from exc


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise StoreError("E_STORE_DISK", f"file={path}", f"cannot be removed: {reason}") from exc
