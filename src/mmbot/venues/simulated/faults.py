"""Scripted faults: a YAML list of what goes wrong when, and what that does to frames and answers.

Times are milliseconds since the exchange started. A fault lasts `duration_ms`; a fault of frames
may end after `count` of them instead. Only what is listed in `_FIELDS` fits a kind, and only that
is accepted. The plan is data: equal frames at equal times meet equal faults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from mmbot.errors import ConfigError

__all__ = ["Fate", "Fault", "FaultPlan", "FaultyWire", "Stream", "Timed", "read_faults"]

Stream = Literal["public", "private", "trade", "rest"]
Kind = Literal[
    "drop",
    "delay",
    "duplicate",
    "reorder",
    "gap",
    "malformed",
    "disconnect",
    "half_open",
    "reject",
    "rate_limit",
    "forbidden",
    "maintenance",
    "restart",
    "relist",
    "clock_skew",
    "lose",
    "hold",
    "revoke",
    "limit_cut",
]
_OF_FRAMES: Final[tuple[Kind, ...]] = ("drop", "delay", "duplicate", "reorder", "gap", "malformed")
# What has no meaning where each answer belongs to one request.
_NOT_OF_REST: Final = ("duplicate", "reorder", "gap", "disconnect", "half_open")
# Of requests, which come in over REST and the trade socket only.
_OF_REQUESTS: Final[tuple[Kind, ...]] = ("lose", "hold")
_FRAME_FIELDS: Final = frozenset({"duration_ms", "count", "stream", "topic"})
_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(_OF_FRAMES, _FRAME_FIELDS),
    "delay": _FRAME_FIELDS | {"delay_ms"},
    "disconnect": frozenset({"stream"}),
    "half_open": frozenset({"duration_ms", "stream"}),
    "reject": frozenset({"duration_ms", "ret_code"}),
    "rate_limit": frozenset({"duration_ms"}),
    "forbidden": frozenset({"duration_ms"}),
    "maintenance": frozenset({"duration_ms"}),
    "restart": frozenset(),
    "relist": frozenset({"symbol", "tick_size", "duration_ms"}),
    "clock_skew": frozenset({"duration_ms", "skew_ms"}),
    "lose": _FRAME_FIELDS,
    "hold": _FRAME_FIELDS | {"delay_ms"},
    "revoke": frozenset({"duration_ms"}),
    "limit_cut": frozenset({"duration_ms", "percent"}),
}
_REQUIRED: Final[Mapping[str, frozenset[str]]] = {
    "delay": frozenset({"delay_ms"}),
    "relist": frozenset({"symbol", "tick_size"}),
    "clock_skew": frozenset({"skew_ms"}),
    "hold": frozenset({"delay_ms"}),
    "limit_cut": frozenset({"percent"}),
}
_Millis = Annotated[int, Field(ge=0, le=10**12)]


class Fault(BaseModel):
    """One entry of the file.

    Attributes:
        at_ms: when it begins, since the start of the exchange.
        kind: what goes wrong.
        duration_ms: how long; None is to the end, for `relist` the time without trading.
        count: how many frames it meets on each socket; None is all within its time, for `gap` one.
        stream: public, private, trade or rest; None is all of them.
        topic: what the topic of a frame (the path of a request or its answer) begins with; empty is
            every one.
        delay_ms: how much later delayed frames arrive, held requests take effect.
        percent: what is left of the rate limits of accounts.
        skew_ms: how far the exchange's clock is ahead (negative: behind).
        ret_code: what refused orders are answered with.
        symbol: what is listed anew.
        tick_size: the price grid of the new listing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    at_ms: _Millis
    kind: Kind
    duration_ms: _Millis | None = None
    count: Annotated[int, Field(ge=1)] | None = None
    stream: Stream | None = None
    topic: str = ""
    delay_ms: _Millis = 0
    skew_ms: Annotated[int, Field(ge=-(10**9), le=10**9)] = 0
    percent: Annotated[int, Field(ge=1, le=100)] = 100
    ret_code: int = 10016
    symbol: str = ""
    tick_size: str = ""

    @model_validator(mode="after")
    def _fits_kind(self) -> Fault:
        given = self.model_fields_set - {"at_ms", "kind"}
        strange = sorted(given - _FIELDS[self.kind])
        if strange:
            raise ValueError(f"{strange[0]} does not fit kind {self.kind}")
        if self.stream == "rest" and self.kind in _NOT_OF_REST:
            raise ValueError(f"stream rest does not fit kind {self.kind}")
        if self.kind in _OF_REQUESTS and self.stream in ("public", "private"):
            raise ValueError(f"stream {self.stream} does not fit kind {self.kind}")
        missing = sorted(_REQUIRED.get(self.kind, frozenset()) - given)
        if missing:
            raise ValueError(f"{missing[0]} is required for kind {self.kind}")
        if self.kind == "relist" and not _is_tick(self.tick_size):
            raise ValueError("tick_size must be a positive decimal text")
        return self

    @property
    def end_ms(self) -> int:
        """When it is over; without duration a new listing is at once, all else for ever."""
        if self.kind == "relist":
            return self.at_ms + (self.duration_ms or 0)
        return 2**62 if self.duration_ms is None else self.at_ms + self.duration_ms

    @property
    def frames_max(self) -> int:
        """How many frames it meets."""
        return self.count or (1 if self.kind == "gap" and self.duration_ms is None else 2**62)


def _is_tick(text: str) -> bool:
    try:
        tick = Decimal(text)
    except ArithmeticError:
        return False
    return tick.is_finite() and tick > 0


_FAULTS: Final = TypeAdapter(list[Fault])


def read_faults(text: str, *, file: str) -> list[Fault]:
    """The faults of a YAML text.

    Raises:
        ConfigError: ``E_CFG_TYPE`` naming the entry and what is wrong with it.
    """
    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        raise ConfigError("E_CFG_TYPE", f"file={file}", f"is not YAML: {exc}") from exc
    try:
        return _FAULTS.validate_python(loaded or [])
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError("E_CFG_TYPE", f"file={file} entry={place}", first["msg"]) from exc


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """All faults of a run, asked by time since the start."""

    faults: Sequence[Fault] = ()

    def active(self, kind: Kind, at_ms: int) -> Fault | None:
        """The fault of a kind that is going on; the latest one wins."""
        going = [f for f in self.faults if f.kind == kind and f.at_ms <= at_ms < f.end_ms]
        return max(going, key=lambda fault: fault.at_ms, default=None)

    def beginning(self, kind: Kind, after_ms: int, until_ms: int) -> Iterator[Fault]:
        """Faults of a kind that begin in (after_ms, until_ms]."""
        return (f for f in self.faults if f.kind == kind and after_ms < f.at_ms <= until_ms)

    def ending(self, kind: Kind, after_ms: int, until_ms: int) -> Iterator[Fault]:
        """Faults of a kind that end in (after_ms, until_ms]."""
        return (f for f in self.faults if f.kind == kind and after_ms < f.end_ms <= until_ms)

    def skew_ms(self, at_ms: int) -> int:
        """How far the exchange's clock is off."""
        fault = self.active("clock_skew", at_ms)
        return fault.skew_ms if fault else 0


@dataclass(frozen=True, slots=True)
class Timed:
    """A text to be sent at a time since the start."""

    due_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a request: it never arrives, or takes effect `hold_ms` later."""

    is_lost: bool = False
    hold_ms: int = 0


@dataclass(slots=True)
class FaultyWire:
    """What the faults do to the frames of one socket, or to the requests and answers of REST."""

    plan: FaultPlan
    stream: Stream
    _met: dict[int, int] = field(default_factory=dict)
    # By what the topic of the frame that lets them go begins with.
    _held: dict[str, list[Timed]] = field(default_factory=dict)
    _latest_due_ms: int = 0

    def send(self, topic: str, text: str, at_ms: int, *, delay_ms: int = 0) -> list[Timed]:
        """The texts to send for one frame, in order, `delay_ms` after `at_ms` at the earliest."""
        due_ms, texts, until = at_ms + delay_ms, [text], None
        for fault in self._meeting(topic, at_ms):
            match fault.kind:
                case "drop" | "gap" | "half_open":
                    return []
                case "delay":
                    due_ms += fault.delay_ms
                case "duplicate":
                    texts = [*texts, *texts]
                case "malformed":
                    texts = [part[: len(part) // 2] for part in texts]
                case "reorder":
                    until = fault.topic
                case _:
                    continue
        # a delay ends for all at once: frames never overtake each other but where that is the fault
        due_ms = self._latest_due_ms = max(due_ms, self._latest_due_ms)
        timed = [Timed(due_ms, part) for part in texts]
        if until is not None and until not in self._held:
            self._held[until] = timed
            return []
        for start in [one for one in self._held if topic.startswith(one)]:
            timed += [Timed(due_ms, held.text) for held in self._held.pop(start)]
        return timed

    def request(self, path: str, at_ms: int) -> Fate:
        """What becomes of a request, by its REST path."""
        hold_ms = 0
        for fault in self._meeting(path, at_ms, kinds=_OF_REQUESTS):
            if fault.kind == "lose":
                return Fate(is_lost=True)
            hold_ms += fault.delay_ms
        return Fate(hold_ms=hold_ms)

    def is_half_open(self, at_ms: int) -> bool:
        """True while the socket is connected and dead."""
        return any(
            f.kind == "half_open" and f.at_ms <= at_ms < f.end_ms and self._is_mine(f)
            for f in self.plan.faults
        )

    def _meeting(
        self, topic: str, at_ms: int, *, kinds: Sequence[Kind] = (*_OF_FRAMES, "half_open")
    ) -> Iterator[Fault]:
        for number, fault in enumerate(self.plan.faults):
            if fault.kind not in kinds or not self._is_mine(fault):
                continue
            is_topic = topic.startswith(fault.topic)
            if fault.kind == "gap":
                is_topic = is_topic and topic.startswith("orderbook")
            if not fault.at_ms <= at_ms < fault.end_ms or not is_topic:
                continue
            met = self._met.get(number, 0)
            if met < fault.frames_max:
                self._met[number] = met + 1
                yield fault

    def _is_mine(self, fault: Fault) -> bool:
        if self.stream == "rest" and fault.kind in _NOT_OF_REST:
            return False
        return fault.stream in (None, self.stream)
