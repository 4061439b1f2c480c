"""``/admin/throttle/{snapshot,load,reset,snapshot_status}``.

The windows live in the core. It hands them out in the shape of payload version 2 and takes them
back in it: the core advances loaded rings to now and fits them to its own window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from mmbot.api.errors import AdminError
from mmbot.api.snapshots import SnapshotStatus, payload_of
from mmbot.api.throttle.models import LegacyThrottle, ThrottleDone, ThrottleV1, ThrottleV2

__all__ = [
    "ThrottleLoad",
    "ThrottleSession",
    "get_snapshot",
    "get_snapshot_status",
    "parse_payload",
    "post_load",
    "post_reset",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleLoad:
    """What replaces the windows.

    Attributes:
        payload: version 2 without fields of version 1; None: all windows start empty.
        backoff_max_observed_ms: seeds ``throttle_backoff_ms_max_observed``; None leaves it.
        legacy: reported by `get_snapshot` until the first event after the load.
    """

    payload: Mapping[str, Any] | None
    backoff_max_observed_ms: int | None
    legacy: LegacyThrottle | None


class ThrottleSession(Protocol):
    """What the session offers."""

    def throttle_payload(self) -> Mapping[str, Any]:
        """The windows now, payload version 2."""
        ...

    def throttle_legacy(self) -> LegacyThrottle | None:
        """`ThrottleLoad.legacy` of the last load if no request was sent since, else None."""
        ...

    def load_throttle(self, load: ThrottleLoad) -> None:
        """Replace the windows between two events."""
        ...

    def reset_throttle(self) -> None:
        """Clear windows, back-off, run maximum and fields of version 1."""
        ...

    def throttle_status(self) -> SnapshotStatus:
        """The snapshot's file, and when it was last written and loaded."""
        ...


def get_snapshot(session: ThrottleSession) -> dict[str, Any]:
    """``GET snapshot``: also what is written to the file."""
    legacy = session.throttle_legacy()
    beside = {} if legacy is None else legacy.model_dump()
    return {**session.throttle_payload(), **beside}


def post_load(session: ThrottleSession, body: object, *, roots: Sequence[Path]) -> ThrottleDone:
    """``POST load``: a payload, its envelope, or ``{"path":..}`` of a file with the envelope.

    Raises:
        AdminError: as `mmbot.api.snapshots.payload_of`; ``invalid_payload`` for another shape.
    """
    session.load_throttle(parse_payload(payload_of(body, roots)))
    return ThrottleDone()


def post_reset(session: ThrottleSession) -> ThrottleDone:
    """``POST reset``."""
    session.reset_throttle()
    return ThrottleDone()


def get_snapshot_status(session: ThrottleSession) -> SnapshotStatus:
    """``GET snapshot_status``."""
    return session.throttle_status()


def parse_payload(payload: Mapping[str, Any]) -> ThrottleLoad:
    """A payload of version 2 or 1; the version decides which.

    Raises:
        AdminError: ``invalid_payload``.
    """
    try:
        if payload.get("version") == 1:
            return _of_v1(ThrottleV1.model_validate(dict(payload)))
        return _of_v2(ThrottleV2.model_validate(dict(payload)))
    except ValidationError as exc:
        raise AdminError("invalid_payload") from exc


def _of_v1(old: ThrottleV1) -> ThrottleLoad:
    return ThrottleLoad(
        payload=None,
        backoff_max_observed_ms=old.backoff_ms_max,
        legacy=LegacyThrottle(
            events_total=old.events_total,
            last_event_ts=old.last_event_ts,
            window_since=old.window_since,
        ),
    )


def _of_v2(new: ThrottleV2) -> ThrottleLoad:
    fields = {"symbols", "version", "window_sec"}
    return ThrottleLoad(
        payload=new.model_dump(include=fields), backoff_max_observed_ms=None, legacy=new.legacy
    )
