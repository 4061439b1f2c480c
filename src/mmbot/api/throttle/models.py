"""Payloads of a throttle snapshot, version 2 and 1, and the answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from mmbot.api.bodies import Answer, Request
from mmbot.units import INT64_MAX, NS_PER_SEC

__all__ = ["LegacyThrottle", "Ring", "SymbolRings", "ThrottleDone", "ThrottleV1", "ThrottleV2"]

_WINDOW_SEC_MAX: Final = 3_600
_COUNT_MAX: Final = 2**32 - 1
_SECOND_MAX: Final = INT64_MAX // NS_PER_SEC


def _instant(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("has no time zone")
    return text


Instant = Annotated[str, Field(max_length=40), AfterValidator(_instant)]
Count = Annotated[int, Field(ge=0, le=_COUNT_MAX)]


class Ring(Request):
    """Requests per second; ``base_ts + idx`` is the current second, `idx` its cell."""

    base_ts: int
    idx: Annotated[int, Field(ge=0, lt=_WINDOW_SEC_MAX)]
    ring: Annotated[list[Count], Field(min_length=1, max_length=_WINDOW_SEC_MAX)]

    @model_validator(mode="after")
    def _names_a_second(self) -> Ring:
        if self.idx >= len(self.ring) or not 0 <= self.base_ts + self.idx <= _SECOND_MAX:
            raise ValueError("names no second")
        return self


class SymbolRings(Request):
    """The rings of a symbol, or of the session under ``*``."""

    amend: Ring
    cancel: Ring
    create: Ring


class ThrottleV2(Request):
    """Version 2. After version 1 was loaded its other fields stand beside until the first event."""

    symbols: dict[Annotated[str, Field(min_length=1, max_length=40)], SymbolRings]
    version: Annotated[int, Field(ge=2, le=2)]
    window_sec: Annotated[int, Field(ge=1, le=_WINDOW_SEC_MAX)]
    events_total: Annotated[int, Field(ge=0)] | None = None
    last_event_ts: Instant | None = None
    window_since: Instant | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> ThrottleV2:
        rings = (
            ring
            for rings in self.symbols.values()
            for ring in (rings.amend, rings.cancel, rings.create)
        )
        if any(len(ring.ring) != self.window_sec for ring in rings):
            raise ValueError("a ring is not as long as the window")
        legacy = {"events_total", "last_event_ts", "window_since"} & self.model_fields_set
        values = (self.events_total, self.last_event_ts, self.window_since)
        if legacy and (len(legacy) < len(values) or None in values):
            raise ValueError("fields of version 1 stand together")
        return self

    @property
    def legacy(self) -> LegacyThrottle | None:
        """The fields of version 1, if they are there."""
        if self.events_total is None or self.last_event_ts is None or self.window_since is None:
            return None
        return LegacyThrottle(
            events_total=self.events_total,
            last_event_ts=self.last_event_ts,
            window_since=self.window_since,
        )


class LegacyThrottle(Answer):
    """What `snapshot` reports of a loaded version 1 until the first event."""

    events_total: int
    last_event_ts: str
    window_since: str


class ThrottleV1(Request):
    """Version 1: no rings; `backoff_ms_max` seeds the largest back-off of the run."""

    backoff_ms_max: Annotated[int, Field(ge=0)]
    events_total: Annotated[int, Field(ge=0)]
    last_event_ts: Instant
    version: Annotated[int, Field(ge=1, le=1)]
    window_since: Instant


class ThrottleDone(Answer):
    """Loaded, or reset."""

    status: Literal["ok"] = "ok"
