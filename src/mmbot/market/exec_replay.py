"""Replay of a file of the execution recorder: the whole file is checked before anything counts."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mmbot.clock import sleep_ns
from mmbot.market.exec_recorder import ExecEvent, ExecRequestError
from mmbot.units import NS_PER_MS

__all__ = [
    "ReplayCount",
    "ReplayRequest",
    "ReplayResult",
    "count_replay",
    "load_exec_events",
    "parse_replay_request",
    "replay",
]

FILE_BYTES_MAX: Final = 1 << 20
DURATION_MAX_MS: Final = 300_000
# Recorded milliseconds per replayed millisecond; None does not wait.
_SPEEDS: Final[Mapping[str, int | None]] = {"1x": 1, "10x": 10, "max": None}

Speed = Literal["1x", "10x", "max"]


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """Body of ``POST /admin/execution/replay``."""

    path: Path
    speed: Speed


@dataclass(frozen=True, slots=True)
class ReplayCount:
    """Accepted orders and rejects of one symbol."""

    fills: int = 0
    rejects: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """Answer of the replay."""

    by_symbol: Mapping[str, ReplayCount]
    events_total: int
    fills: int
    rejects: int

    def as_json(self) -> dict[str, Any]:
        """Body of the answer."""
        return {
            "by_symbol": {
                symbol: {"fills": count.fills, "rejects": count.rejects}
                for symbol, count in sorted(self.by_symbol.items())
            },
            "events_total": self.events_total,
            "fills": self.fills,
            "rejects": self.rejects,
        }


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    cid: Annotated[str, Field(min_length=1)]
    color: Literal["blue", "green"]
    kind: Literal["order", "fill", "reject", "exec"]
    price: Annotated[float, Field(ge=0)]
    qty: Annotated[float, Field(gt=0)]
    side: Literal["Buy", "Sell"]
    symbol: Annotated[str, Field(min_length=1)]
    ts: Annotated[int, Field(ge=0, lt=1 << 43)]


def parse_replay_request(body: Mapping[str, Any]) -> ReplayRequest:
    """Check the fields of a request.

    Raises:
        ExecRequestError: ``invalid_path``, ``invalid_speed``.
    """
    path, speed = body.get("path"), body.get("speed", "max")
    if not isinstance(path, str) or not path.endswith(".jsonl") or "\0" in path:
        raise ExecRequestError("invalid_path")
    if speed not in ("1x", "10x", "max"):
        raise ExecRequestError("invalid_speed")
    return ReplayRequest(Path(path), speed)


def load_exec_events(path: Path) -> tuple[ExecEvent, ...]:
    """Read and check a whole file.

    Raises:
        ExecRequestError: ``invalid_path``, ``file_not_found``, ``file_too_large``, ``non_ascii``,
        ``invalid_jsonl`` or ``invalid_event``, the last two with the line from 1.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError as exc:
        raise ExecRequestError("file_not_found") from exc
    except OSError as exc:
        raise ExecRequestError("invalid_path") from exc
    if len(data) > FILE_BYTES_MAX:
        raise ExecRequestError("file_too_large")
    if not data.isascii():
        raise ExecRequestError("non_ascii")
    lines = data.decode("ascii").removesuffix("\n").split("\n") if data else []
    return tuple(_event(text, number) for number, text in enumerate(lines, 1))


def count_replay(events: Sequence[ExecEvent]) -> ReplayResult:
    """Count per symbol; `order` and `exec` count in `events_total` only."""
    fills: defaultdict[str, int] = defaultdict(int)
    rejects: defaultdict[str, int] = defaultdict(int)
    for event in events:
        fills[event.symbol] += event.kind == "fill"
        rejects[event.symbol] += event.kind == "reject"
    return ReplayResult(
        by_symbol={name: ReplayCount(fills[name], rejects[name]) for name in sorted(fills)},
        events_total=len(events),
        fills=sum(fills.values()),
        rejects=sum(rejects.values()),
    )


def replay(
    request: ReplayRequest,
    *,
    mode: str,
    on_event: Callable[[ExecEvent], None],
    on_start: Callable[[], None] = lambda: None,
    sleep: Callable[[int], None] = sleep_ns,
) -> ReplayResult:
    """Give `on_event` every fill and reject, at the recorded spacing divided by the speed.

    `on_start` is called once all checks have passed. `on_event` counts the event for its color, a
    fill with latency 0. `sleep` gets nanoseconds.

    Raises:
        ExecRequestError: 409 ``not_allowed_in_live``, ``replay_too_long``, or as in
        `load_exec_events`; nothing was counted then.
    """
    if mode == "live":
        raise ExecRequestError("not_allowed_in_live", http_status=409)
    events = load_exec_events(request.path)
    divisor = _SPEEDS[request.speed]
    # Time that goes back in the file does not make the replay wait.
    gaps_ms = [max(0, b.ts_ms - a.ts_ms) for a, b in itertools.pairwise(events)]
    if divisor is not None and sum(gaps_ms) > DURATION_MAX_MS * divisor:
        raise ExecRequestError("replay_too_long")
    on_start()
    for event, gap_ms in zip(events, [0, *gaps_ms], strict=False):
        if divisor is not None and gap_ms:
            sleep(gap_ms * NS_PER_MS // divisor)
        if event.kind in {"fill", "reject"}:
            on_event(event)
    return count_replay(events)


def _event(text: str, number: int) -> ExecEvent:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ExecRequestError("invalid_jsonl", line=number) from exc
    try:
        line = _Line.model_validate(value)
    except ValidationError as exc:
        raise ExecRequestError("invalid_event", line=number) from exc
    return ExecEvent(
        cid=line.cid,
        color=line.color,
        kind=line.kind,
        price=line.price,
        qty=line.qty,
        side=line.side,
        symbol=line.symbol.upper(),
        ts_ms=line.ts,
    )
