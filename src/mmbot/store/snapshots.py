"""Snapshots with an integrity header: state that survives a restart, or says that it does not.

A file is ``{"payload":{...},"sha256":"<hex>","version":1}`` in canonical form; the sum is over
``json.dumps(payload, sort_keys=True, separators=(",", ":"))``. Floats are written whole, not
rounded: what is loaded continues with the same bits. Fields of a payload belong to the capability
that wrote it; a kind is the name under which metrics and the admin API know it.

A damaged file is never loaded in part and never overwritten: at start it is set aside as
``<file>.corrupt.<YYYYMMDDTHHMMSSZ>`` for whoever looks into it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, NoReturn, TypeVar

from mmbot.clock import artifact_stamp
from mmbot.errors import StoreError
from mmbot.store.artifacts import write_json
from mmbot.store.canonical import canonical_json

__all__ = [
    "BYTES_MAX",
    "Restored",
    "SnapshotError",
    "checksum",
    "jittered_sec",
    "parse_snapshot",
    "read_snapshot",
    "restore",
    "unwrap",
    "wrap",
    "write_snapshot",
]

BYTES_MAX: Final = 1 << 20
"""Largest file that is read."""

_VERSION: Final = 1
# More decimals than a float has: rounding to them returns the float itself.
_EXACT_DP: Final = 330
_JITTER_STEPS: Final = 1_000

T = TypeVar("T")


class SnapshotError(StoreError):
    """A refused snapshot (``E_STORE_TYPE:<reason>``); `reason` is what the admin API answers.

    `is_damage` tells a broken file from a whole one whose fields are refused.
    """

    def __init__(self, reason: str, key: str, *, is_damage: bool = True) -> None:
        super().__init__("E_STORE_TYPE", key, "is refused", detail=reason)
        self.reason = reason
        self.is_damage = is_damage

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling."""
        return _rebuild, (self.reason, self.key, self.is_damage)


def _rebuild(reason: str, key: str, is_damage: bool) -> SnapshotError:  # noqa: FBT001
    return SnapshotError(reason, key, is_damage=is_damage)


def checksum(payload: Mapping[str, object]) -> str:
    """SHA-256, hexadecimal, of a plain payload. Raises `ValueError` for a number that is none."""
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def write_snapshot(path: Path | str, payload: Mapping[str, object]) -> str:
    """Write `payload` under its checksum, atomically; the checksum.

    Raises:
        StoreError: ``E_STORE_NONFINITE``, ``E_STORE_TYPE`` or ``E_STORE_DISK``; the earlier file is
        intact.
    """
    body = wrap(payload)
    write_json(path, body, dp=_EXACT_DP)
    return str(body["sha256"])


def wrap(payload: Mapping[str, object]) -> dict[str, object]:
    """The payload under its checksum.

    Raises:
        StoreError: ``E_STORE_NONFINITE`` or ``E_STORE_TYPE`` for a payload without a JSON form.
    """
    plain = json.loads(canonical_json(payload, dp=_EXACT_DP))
    return {"payload": plain, "sha256": checksum(plain), "version": _VERSION}


def read_snapshot(path: Path | str) -> dict[str, object]:
    """The payload of a file, checked up to its own fields.

    Raises:
        SnapshotError: `reason` is, in this order, ``file_too_large``, ``non_ascii``,
            ``invalid_payload`` (not a JSON object), ``invalid_structure`` or ``bad_checksum``.
        StoreError: ``E_STORE_DISK`` when the file cannot be read.
    """
    path = Path(path)
    key = f"file={path}"
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise StoreError("E_STORE_DISK", key, f"cannot be read: {reason}") from exc
    return parse_snapshot(data, key=key)


def parse_snapshot(data: bytes, *, key: str = "snapshot") -> dict[str, object]:
    """The payload of a file's bytes; errors as `read_snapshot`."""
    if len(data) > BYTES_MAX:
        raise SnapshotError("file_too_large", key)
    if not data.isascii():
        raise SnapshotError("non_ascii", key)
    return _payload(_parsed(data, key), key)


def unwrap(body: object, *, key: str = "body") -> dict[str, object]:
    """The payload of an inline body: a wrapper, checked like a file's, or a bare payload.

    Raises:
        SnapshotError: ``invalid_payload``, ``invalid_structure`` or ``bad_checksum``.
    """
    if not isinstance(body, dict):
        raise SnapshotError("invalid_payload", key)
    return _payload(body, key) if {"payload", "sha256"} & set(body) else body


@dataclass(frozen=True, slots=True)
class Restored(Generic[T]):
    """What a start found: a value; or nothing; or a refused file, and where it was set aside."""

    value: T | None = None
    refused: SnapshotError | None = None
    set_aside: Path | None = None


def restore(path: Path | str, parse: Callable[[dict[str, object]], T]) -> Restored[T]:
    """Load a snapshot at start; `parse` reads the payload, or raises `SnapshotError` for a field.

    A missing file is no error. A refused one is set aside, and the caller starts on the safe side.

    Raises:
        StoreError: ``E_STORE_DISK`` when a file cannot be read or set aside.
    """
    path = Path(path)
    if not path.exists():
        return Restored()
    try:
        return Restored(value=parse(read_snapshot(path)))
    except SnapshotError as refused:
        return Restored(refused=refused, set_aside=_set_aside(path))


def jittered_sec(interval_sec: float, *, path: Path | str, kind: str) -> float:
    """The interval of a writer, moved by up to 10% by its path: writers do not meet on the disk."""
    told = hmac.new(str(path).encode("utf-8"), kind.encode("utf-8"), hashlib.sha1).hexdigest()
    step = int(told[:8], 16) % (2 * _JITTER_STEPS + 1) - _JITTER_STEPS
    return interval_sec * (1 + 0.10 * step / _JITTER_STEPS)


def _parsed(data: bytes, key: str) -> dict[str, object]:
    try:
        body = json.loads(data, parse_constant=_not_json, object_pairs_hook=_once)
    except (ValueError, RecursionError) as exc:
        raise SnapshotError("invalid_payload", key) from exc
    if not isinstance(body, dict):
        raise SnapshotError("invalid_payload", key)
    return body


def _not_json(name: str) -> NoReturn:
    raise ValueError(name)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A key that comes twice has no one value."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("key")
    return found


def _payload(body: dict[str, object], key: str) -> dict[str, object]:
    payload, digest, version = (body.get(name) for name in ("payload", "sha256", "version"))
    typed = (
        set(body) == {"payload", "sha256", "version"}
        and isinstance(payload, dict)
        and isinstance(digest, str)
        and isinstance(version, int)
        and not isinstance(version, bool)
    )
    if not typed or not isinstance(payload, dict) or not isinstance(digest, str):
        raise SnapshotError("invalid_structure", key)
    try:
        intact = hmac.compare_digest(checksum(payload), digest)
    except (TypeError, ValueError):
        # a number overflowed while it was read, or the sum is not ASCII
        intact = False
    if not intact:
        raise SnapshotError("bad_checksum", key)
    return payload


def _set_aside(path: Path) -> Path:
    target = path.with_name(f"{path.name}.corrupt.{artifact_stamp()}")
    taken = 1
    while target.exists():
        taken += 1
        target = path.with_name(f"{path.name}.corrupt.{artifact_stamp()}.{taken}")
    try:
        path.replace(target)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise StoreError("E_STORE_DISK", f"file={path}", f"cannot be moved: {reason}") from exc
    return target
