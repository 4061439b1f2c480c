"""Loading a snapshot from a request: a file, an envelope, or the bare payload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mmbot.api.bodies import Answer
from mmbot.api.errors import AdminError
from mmbot.api.files import read_allowed
from mmbot.store.snapshots import SnapshotError, parse_snapshot, unwrap

__all__ = ["INTEGRITY_REASONS", "SnapshotStatus", "payload_of"]

# Refusals that count in `snapshot_integrity_fail_total`.
INTEGRITY_REASONS: Final = frozenset(
    {"file_too_large", "non_ascii", "invalid_payload", "invalid_structure", "bad_checksum"}
)


class SnapshotStatus(Answer):
    """Answer of ``snapshot_status``: times in seconds since 1970, 0 if never."""

    last_load_ts: float
    last_write_ts: float
    path: str


def payload_of(body: object, roots: Sequence[Path]) -> Mapping[str, Any]:
    """The payload that a request carries or names; its fields are not checked.

    Raises:
        AdminError: `INTEGRITY_REASONS`, or as `mmbot.api.files.read_allowed`.
    """
    if not isinstance(body, Mapping):
        raise AdminError("invalid_payload")
    try:
        if set(body) == {"path"}:
            return parse_snapshot(read_allowed(body["path"], roots))
        return unwrap(dict(body))
    except SnapshotError as exc:
        raise AdminError(exc.reason) from exc
