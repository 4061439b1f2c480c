"""The state file of a session: its heartbeat, and what `mmbot status` and `mmbot watchdog` read.

``<artifacts>/state/<session>.json``, replaced about once a second by the session that it describes
(`mmbot.trading.live.heartbeat`). Times are nanoseconds since 1970 by the machine's wall clock.
`heartbeat_ns` is the instant at which the trading loop gave the state away, not the instant at
which it was written: a loop that hangs has no heartbeat, however well its writer does.

A file outlives its session. So nobody may read a figure without asking `liveness` first, which says
`LIVE` only when the process still runs *and* its heartbeat is young; in doubt it says `STALE`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

import msgspec

from mmbot.clock import wall_ns
from mmbot.errors import StoreError
from mmbot.store.artifacts import write_json
from mmbot.store.runtime import artifact_path
from mmbot.units import NS_PER_DAY, NS_PER_SEC

__all__ = [
    "FORMAT",
    "STALE_NS",
    "Liveness",
    "Problem",
    "SessionState",
    "StageMark",
    "StopOrder",
    "SymbolState",
    "book_path",
    "found_states",
    "is_running",
    "liveness",
    "process_token",
    "prune_states",
    "read_state",
    "read_stop_order",
    "state_dir",
    "state_path",
    "stop_path",
    "take_book_order",
    "write_book_order",
    "write_state",
    "write_stop_order",
]

FORMAT: Final = 1
# `watchdog.timeout_s` by default.
STALE_NS: Final = 5 * NS_PER_SEC
# Two clocks of one machine agree better than this; a heartbeat from beyond it proves nothing.
_AHEAD_NS: Final = NS_PER_SEC
_KEEP_NS: Final = 7 * NS_PER_DAY

StageName = Literal[
    "starting", "recovering", "trading", "gate_closed", "drained", "cancelled", "verified", "ended"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolState:
    """Figures of one symbol, taken at `at_ns`; money in USD, position in base currency.

    `market_ns` is when the newest market event was received, None before the first.
    """

    symbol: str
    at_ns: int
    mid: float | None
    position: float
    position_usd: float | None
    net_pnl_usd: float
    open_orders: int
    unknown_orders: int
    market_ns: int | None


@dataclass(frozen=True, slots=True)
class StageMark:
    """A stage that the session reached; `text` is what it has to say about it."""

    stage: StageName
    at_ns: int
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """A session at `heartbeat_ns`.

    Attributes:
        session: its id, also the name of its journal.
        pid: its process.
        process: what tells that process from a later one with the same pid; empty: unknown.
        host: its machine.
        mode: paper, sim, shadow or live.
        venue: name of the venue, or what stands in for one.
        endpoint: address of the venue's REST interface, empty without one.
        symbols: figures by symbol, in the session's order.
        cid_prefix: what the client order ids of this session begin with.
        bot_prefix: what those of all sessions of this bot begin with.
        started_ns: when it began.
        stages: all stages so far, oldest first; the last one is the present.
        leader: whether it leads; None without high availability.
        private_ns: receive time of the newest private event, None without a private stream.
        reconciled_ns: when orders and positions were last compared with the venue's.
        guards: states of the guards by name, as texts.
        holds: why it does not quote; empty while it does.
        faults: how often what went wrong did so far in this process, by name
            (`mmbot.trading.live.fault_kinds`); what never did is not in it.
        open_faults: what is not over, or was not a few seconds ago: since when.
        unconfirmed_orders: orders that a stop could not prove gone.
        exit_code: of a session that has ended.
    """

    session: str
    pid: int
    process: str
    host: str
    mode: str
    venue: str
    endpoint: str
    symbols: tuple[SymbolState, ...]
    cid_prefix: str
    bot_prefix: str
    version: str
    started_ns: int
    heartbeat_ns: int
    stages: tuple[StageMark, ...]
    leader: bool | None = None
    private_ns: int | None = None
    reconciled_ns: int | None = None
    guards: Mapping[str, str] = field(default_factory=dict)
    holds: tuple[str, ...] = ()
    faults: Mapping[str, int] = field(default_factory=dict)
    open_faults: Mapping[str, int] = field(default_factory=dict)
    unconfirmed_orders: int = 0
    exit_code: int | None = None
    format: int = FORMAT

    @property
    def stage(self) -> StageName:
        """Where it is."""
        return self.stages[-1].stage if self.stages else "starting"


class Liveness(StrEnum):
    """What a state file is worth."""

    LIVE = "live"
    STALE = "stale"
    """The process may run, but its heartbeat has stopped, or cannot be dated."""
    DEAD = "dead"
    """The process is gone and did not say that it ended."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Problem:
    """A state file that cannot be read, and why."""

    path: Path
    message: str


def liveness(
    state: SessionState, *, now_ns: int, running: bool | None, stale_ns: int = STALE_NS
) -> Liveness:
    """What a state is worth at `now_ns`; `running` is `is_running`, None if it cannot be known."""
    if state.stage == "ended":
        return Liveness.ENDED
    if running is False:
        return Liveness.DEAD
    age_ns = now_ns - state.heartbeat_ns
    return Liveness.LIVE if -_AHEAD_NS <= age_ns <= stale_ns else Liveness.STALE


def is_running(state: SessionState) -> bool | None:
    """Whether the session's process still runs; None for another machine's."""
    if state.host != socket.gethostname():
        return None
    token = process_token(state.pid)
    if token is None:
        return False
    return True if not (token and state.process) else token == state.process


def process_token(pid: int) -> str | None:
    """What tells the process from a later one of the same number; None if there is none.

    On Linux the time at which it was started, elsewhere empty.
    """
    stat = Path("/proc") / str(pid) / "stat"
    if stat.parent.parent.joinpath("self").exists():
        try:
            text = stat.read_text(encoding="ascii", errors="replace")
        except OSError:
            return None
        # The name in brackets may hold anything; what follows it is numbers, field 3 the state.
        fields = text.rpartition(")")[2].split()
        return None if fields[0] in {"Z", "X"} else fields[19]
    if os.name == "nt":
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except (PermissionError, OverflowError):
        return ""
    return ""


def state_dir() -> Path:
    """Where state files lie."""
    return artifact_path("state")


def state_path(session: str, directory: Path | None = None) -> Path:
    """The state file of a session."""
    return (directory or state_dir()) / f"{session}.json"


def write_state(state: SessionState, directory: Path | None = None) -> None:
    """Replace the session's state file.

    Raises:
        StoreError: ``E_STORE_DISK`` when the machine refuses; the earlier file is intact.
    """
    write_json(state_path(state.session, directory), msgspec.to_builtins(state), nonfinite="null")


def read_state(path: Path) -> SessionState:
    """The state in a file.

    Raises:
        StoreError: ``E_STORE_DISK`` when it cannot be read, ``E_STORE_TYPE`` when it is none.
    """
    try:
        data = path.read_bytes()
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise StoreError("E_STORE_DISK", f"file={path}", f"cannot be read: {reason}") from exc
    try:
        state = msgspec.json.decode(data, type=SessionState)
    except msgspec.MsgspecError as exc:
        raise StoreError("E_STORE_TYPE", f"file={path}", f"is no state file: {exc}") from exc
    if state.format != FORMAT:
        raise StoreError("E_STORE_TYPE", f"file={path}", f"has format {state.format}")
    return state


def found_states(directory: Path | None = None) -> tuple[list[SessionState], list[Problem]]:
    """All sessions that left a state, newest first, and the files that cannot be read."""
    states: list[SessionState] = []
    problems: list[Problem] = []
    for path in _state_files(directory or state_dir()):
        try:
            states.append(read_state(path))
        except StoreError as exc:
            problems.append(Problem(path, str(exc)))
    states.sort(key=lambda state: (-state.started_ns, state.session))
    return states, problems


def prune_states(directory: Path | None = None, *, now_ns: int | None = None) -> int:
    """Remove the files of sessions that are over for a week; return how many."""
    now_ns = wall_ns() if now_ns is None else now_ns
    states, _ = found_states(directory)
    removed = 0
    for state in states:
        verdict = liveness(state, now_ns=now_ns, running=is_running(state))
        is_over = verdict in {Liveness.ENDED, Liveness.DEAD}
        if is_over and now_ns - state.heartbeat_ns > _KEEP_NS:
            for path in (state_path(state.session, directory), stop_path(state.session, directory)):
                path.unlink(missing_ok=True)
            removed += 1
    return removed


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOrder:
    """How a session that is signalled is to end."""

    session: str
    at_ns: int
    keep_orders: bool


def stop_path(session: str, directory: Path | None = None) -> Path:
    """Where `mmbot stop` says how a session is to end."""
    return (directory or state_dir()) / f"{session}.stop"


def write_stop_order(order: StopOrder, directory: Path | None = None) -> None:
    """Say how a session is to end; it looks when it is signalled."""
    write_json(stop_path(order.session, directory), msgspec.to_builtins(order))


def read_stop_order(session: str, directory: Path | None = None) -> StopOrder | None:
    """How the session is to end; None if nobody said."""
    try:
        data = stop_path(session, directory).read_bytes()
        return msgspec.json.decode(data, type=StopOrder)
    except (OSError, msgspec.MsgspecError):
        return None


def book_path(session: str, directory: Path | None = None) -> Path:
    """Where `mmbot reconcile --apply` names the symbols whose positions are to be booked."""
    return (directory or state_dir()) / f"{session}.book"


def write_book_order(session: str, symbols: Sequence[str], directory: Path | None = None) -> None:
    """Have a running session book the venue's positions of symbols as adjustments."""
    write_json(book_path(session, directory), list(symbols))


def take_book_order(session: str, directory: Path | None = None) -> list[str]:
    """Symbols whose positions are to be booked; the order is gone afterwards."""
    path = book_path(session, directory)
    if not path.exists():
        return []
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[str])
    except msgspec.MsgspecError:
        return []
    finally:
        path.unlink(missing_ok=True)


def _state_files(directory: Path) -> Iterator[Path]:
    if directory.is_dir():
        yield from sorted(directory.glob("*.json"))
