"""Snapshots with an integrity header: ``{"payload":{..},"sha256":"<hex>","version":<int>}``.

The hash is SHA-256 of the payload as compact JSON with sorted keys, UTF-8, without a line feed.
Checks run in one order and stop at the first that fails; its name is the answer of the admin API.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from mmbot.errors import InputError
from mmbot.store.artifacts import write_json
from mmbot.store.canonical import canonical_json

__all__ = [
    "SNAPSHOT_BYTES_MAX",
    "SnapshotError",
    "open_snapshot",
    "parse_snapshot",
    "wrap",
    "write_snapshot",
]

SNAPSHOT_BYTES_MAX: Final = 1 << 20
_KEYS: Final = frozenset({"payload", "sha256", "version"})


class SnapshotError(InputError):
    """A snapshot that is not what was written.

    `reason`: ``file_too_large``, ``non_ascii``, ``invalid_payload`` (no JSON object),
    ``invalid_structure`` (not the three keys, or of wrong types), ``bad_checksum``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__("E_STORE_SNAPSHOT", "snapshot", "is refused", detail=reason)
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling."""
        return SnapshotError, (self.reason,)


def wrap(payload: Mapping[str, Any], *, version: int) -> dict[str, Any]:
    """The payload in its envelope, floats rounded as artifacts are.

    Raises:
        StoreError: ``E_STORE_NONFINITE`` or ``E_STORE_TYPE`` for a payload without a JSON form.
    """
    stored = json.loads(canonical_json(payload))
    return {"payload": stored, "sha256": _checksum(stored), "version": version}


def write_snapshot(path: Path | str, payload: Mapping[str, Any], *, version: int) -> None:
    """Write a snapshot atomically; errors as `wrap`, and ``E_STORE_DISK``."""
    write_json(path, wrap(payload, version=version))


def parse_snapshot(data: bytes) -> dict[str, Any]:
    """The payload of a snapshot file.

    Raises:
        SnapshotError: the first check that fails.
    """
    if len(data) > SNAPSHOT_BYTES_MAX:
        raise SnapshotError("file_too_large")
    if not data.isascii():
        raise SnapshotError("non_ascii")
    try:
        envelope = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as exc:
        raise SnapshotError("invalid_payload") from exc
    if not isinstance(envelope, dict):
        raise SnapshotError("invalid_payload")
    return open_snapshot(envelope)


def open_snapshot(envelope: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of an envelope.

    Raises:
        SnapshotError: ``invalid_structure``, ``bad_checksum``.
    """
    payload, digest = envelope.get("payload"), envelope.get("sha256")
    is_sound = (
        frozenset(envelope) == _KEYS
        and isinstance(payload, dict)
        and isinstance(digest, str)
        and type(envelope["version"]) is int
    )
    if not is_sound or not isinstance(payload, dict):
        raise SnapshotError("invalid_structure")
    if digest != _checksum(payload):
        raise SnapshotError("bad_checksum")
    return payload


def _checksum(payload: Mapping[str, Any]) -> str:
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
