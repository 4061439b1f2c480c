"""The versions of the configuration, on disk: what held when, why, and what an operator wants.

``config/versions/<number>.json`` below the artifacts holds one version each: every value in force
with its origin, the runtime values over the sources, the quoting parameters named, the reason and
the time. ``config/runtime_values.json`` holds the runtime values in force; a running session writes
it after each change and takes over what somebody else writes into it, so it is also how
``mmbot config rollback`` speaks to a session. A restart begins without runtime values.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from mmbot.config.changes import InForce, key_values
from mmbot.config.describe import cfg_hash
from mmbot.config.profiles import read_json
from mmbot.config.schema import all_keys
from mmbot.config.sources import read_file
from mmbot.errors import ConfigError
from mmbot.redact import is_secret_key
from mmbot.store.artifacts import write_bytes, write_json
from mmbot.store.canonical import canonical_json

__all__ = ["OPERATOR", "SESSION", "ConfigVersion", "RuntimeValues", "VersionStore"]

OPERATOR: Final = "operator"
SESSION: Final = "session"

# Enough for months of changes by hand; a tuner that changes once an hour fills it in six weeks.
_KEEP: Final = 1000
# No rounding: a rollback restores the value, not its neighbour.
_DECIMALS: Final = 17


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


_R = TypeVar("_R", bound=_Record)


class RuntimeValues(_Record):
    """The content of ``runtime_values.json``.

    `version` is the version that the values belong to, or were made for when `writer` is not the
    session; `error` says why the session refused the last values that were put here.
    """

    version: int
    values: dict[str, Any]
    reason: str
    utc: str
    writer: str
    error: str | None = None


class _VersionRecord(_Record):
    version: int
    utc: str
    origin: str
    reason: str
    cfg_hash: str
    changed: list[str]
    needs_restart: list[str]
    values: dict[str, Any]
    sources: dict[str, str]
    runtime: dict[str, Any]
    parameters: dict[str, int | float]


@dataclass(frozen=True, slots=True)
class ConfigVersion:
    """One version; `values`, `sources` and `runtime` are by registered key."""

    version: int
    utc: str
    origin: str
    reason: str
    cfg_hash: str
    values: Mapping[str, object]
    sources: Mapping[str, str]
    runtime: Mapping[str, object]
    parameters: Mapping[str, float]
    changed: tuple[str, ...] = field(default=())
    needs_restart: tuple[str, ...] = field(default=())

    @classmethod
    def of(
        cls,
        in_force: InForce,
        parameters: Mapping[str, float],
        *,
        version: int,
        utc: str,
        origin: str,
        reason: str,
        changed: tuple[str, ...] = (),
        needs_restart: tuple[str, ...] = (),
    ) -> ConfigVersion:
        """The version that `in_force` is, without secrets."""
        loaded = in_force.loaded
        values = key_values(loaded.config)
        paths = {key: info.path for key, info in all_keys().items()}
        return cls(
            version=version,
            utc=utc,
            origin=origin,
            reason=reason,
            cfg_hash=cfg_hash(loaded.config),
            values={key: values[key] for key in values if not is_secret_key(key)},
            sources={key: _origin(in_force, key, path) for key, path in paths.items()},
            runtime=dict(in_force.runtime),
            parameters=dict(parameters),
            changed=changed,
            needs_restart=needs_restart,
        )


class VersionStore:
    """Reads and writes the versions and the runtime values below one artifacts directory."""

    def __init__(self, artifacts: Path) -> None:
        self.directory = artifacts / "config" / "versions"
        self.values_path = artifacts / "config" / "runtime_values.json"

    def numbers(self) -> list[int]:
        """The numbers of all versions, ascending."""
        stems = [path.stem for path in self.directory.glob("*.json")]
        return sorted(int(stem) for stem in stems if stem.isdecimal())

    def read(self, number: int) -> ConfigVersion:
        """One version.

        Raises:
            ConfigError: ``E_CFG_MISSING``, or ``E_CFG_PARSE`` when the file is damaged.
        """
        path = self._path(number)
        data = read_file(path)
        if data is None:
            known = self.numbers()
            there = f"there are {known[0]} to {known[-1]}" if known else "there is none"
            raise ConfigError("E_CFG_MISSING", f"version={number}", f"does not exist; {there}")
        record = _parsed(_VersionRecord, data, path)
        body = dict(record)
        for name in ("changed", "needs_restart"):
            body[name] = tuple(body[name])
        return ConfigVersion(**body)

    def write(self, version: ConfigVersion) -> None:
        """Add a version; the oldest ones go when there are too many.

        Raises:
            StoreError: ``E_STORE_DISK``.
        """
        write_json(self._path(version.version), asdict(version), dp=_DECIMALS)
        for number in self.numbers()[:-_KEEP]:
            with contextlib.suppress(OSError):
                self._path(number).unlink()

    def raw_values(self) -> bytes | None:
        """The bytes of the runtime values, for comparison."""
        return read_file(self.values_path)

    def read_values(self) -> tuple[bytes | None, RuntimeValues | None]:
        """The bytes of the runtime values, for comparison, and what they say.

        Raises:
            ConfigError: ``E_CFG_RUNTIME_OVERRIDES`` when they are damaged.
        """
        data = read_file(self.values_path)
        return data, None if data is None else _parsed(RuntimeValues, data, self.values_path)

    def write_values(self, values: RuntimeValues) -> bytes:
        """Write the runtime values; return the bytes as written.

        They are not read back: somebody may have answered them by then.

        Raises:
            StoreError: ``E_STORE_DISK``.
        """
        data = canonical_json(values.model_dump(), dp=_DECIMALS)
        write_bytes(self.values_path, data)
        return data

    def _path(self, number: int) -> Path:
        return self.directory / f"{number:06d}.json"


def _origin(in_force: InForce, key: str, path: tuple[str, ...]) -> str:
    if key in in_force.runtime:
        return "runtime"
    depth = len(path)
    inside = [leaf for leaf in in_force.loaded.history if leaf[:depth] == path]
    origins = {in_force.loaded.origin(leaf) for leaf in inside} - {"default"}
    return ",".join(sorted(origins)) or "default"


def _parsed(kind: type[_R], data: bytes, path: Path) -> _R:
    code = "E_CFG_RUNTIME_OVERRIDES" if kind is RuntimeValues else "E_CFG_PARSE"
    body = read_json(data, str(path), code=code)
    try:
        return kind.model_validate(body)
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(code, str(path), f"{where}: {first['msg']}") from exc
