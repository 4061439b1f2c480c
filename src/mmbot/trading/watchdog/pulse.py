"""Whether a session's heartbeat has stopped, by a clock that nobody can set. Pure.

A heartbeat is a number that changes. It counts as stopped when it has been the same for
`timeout_ns` of the watchdog's monotonic clock; that a wall clock was set makes no session stop.
Only of a session that is seen for the first time the age by the wall clock is believed, because
there is nothing else: it may have stopped long ago.

While the watchdog itself stood still (a suspended machine, a stopped container) the sessions did
too, as far as it can know: such a pause does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from mmbot.trading.live.state_file import SessionState
from mmbot.units import NS_PER_SEC

__all__ = ["STALL_NS", "Pulse", "Watched", "first_pulse", "next_pulse", "stopped_sessions"]

STALL_NS: Final = NS_PER_SEC
"""Two looks further apart than this mean that the watchdog stood still."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """The newest heartbeat, since when it is the newest, and when it was last looked for."""

    heartbeat_ns: int
    changed_ns: int
    looked_ns: int

    def age_ns(self, mono_ns: int) -> int:
        """For how long it has been the same."""
        return mono_ns - self.changed_ns


@dataclass(frozen=True, slots=True)
class Watched:
    """A session, as it was last read, and its pulse."""

    state: SessionState
    pulse: Pulse


def first_pulse(heartbeat_ns: int, *, mono_ns: int, wall_ns: int) -> Pulse:
    """The pulse of a session that was never seen before."""
    age_ns = max(0, wall_ns - heartbeat_ns)
    return Pulse(heartbeat_ns, mono_ns - age_ns, mono_ns)


def next_pulse(pulse: Pulse, heartbeat_ns: int | None, *, mono_ns: int) -> Pulse:
    """The pulse after another look; None for a file that is gone or cannot be read."""
    if heartbeat_ns is not None and heartbeat_ns != pulse.heartbeat_ns:
        return Pulse(heartbeat_ns, mono_ns, mono_ns)
    pause_ns = mono_ns - pulse.looked_ns
    if pause_ns > STALL_NS:
        return replace(pulse, changed_ns=pulse.changed_ns + pause_ns, looked_ns=mono_ns)
    return replace(pulse, looked_ns=mono_ns)


def stopped_sessions(
    watched: Mapping[str, Watched], *, mono_ns: int, timeout_ns: int
) -> dict[str, SessionState]:
    """Sessions whose orders nobody looks after any more, by id.

    Left out are sessions that ended with no order unconfirmed, and those of a bot of which a later
    session is alive: it has taken over and cancels what it does not want.
    """
    stopped = {}
    for session, one in watched.items():
        if _is_quiet(one, mono_ns, timeout_ns) and not _has_successor(
            one.state, watched.values(), mono_ns, timeout_ns
        ):
            stopped[session] = one.state
    return stopped


def _is_quiet(one: Watched, mono_ns: int, timeout_ns: int) -> bool:
    if one.state.stage == "ended":
        return one.state.unconfirmed_orders > 0
    return one.pulse.age_ns(mono_ns) > timeout_ns


def _has_successor(
    state: SessionState, watched: Iterable[Watched], mono_ns: int, timeout_ns: int
) -> bool:
    return any(
        other.state.bot_prefix == state.bot_prefix
        and other.state.started_ns > state.started_ns
        and other.state.stage != "ended"
        and other.pulse.age_ns(mono_ns) <= timeout_ns
        for other in watched
    )
