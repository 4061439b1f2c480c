"""Whether a connection is alive: what to ask after a silence, and when no answer is an answer.

A half-open socket looks connected and says nothing. A quiet market says nothing either, so silence
alone proves nothing: after `probe_after_ns` a ping is sent, and if nothing at all has come
`answer_within_ns` later, the socket is dead. Their sum bounds the time to find out.

While the program itself stood still it read nothing, and what arrived meanwhile waits unread. A
check that comes much later than the one before gives an unanswered ping its full time again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["BUSY_SOCKET", "QUIET_SOCKET", "Heartbeat", "HeartbeatPolicy", "Pulse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatPolicy:
    """When a ping goes out, and how long its answer may take.

    Attributes:
        probe_after_ns: silence after which a ping is sent.
        answer_within_ns: time in which anything must come after a ping.
        ping_every_ns: a ping goes out this often even while frames come; venues want to hear from
            their clients.
        stall_ns: a check this much later than the one before means that we stood still.
    """

    probe_after_ns: int
    answer_within_ns: int
    ping_every_ns: int
    stall_ns: int


# A dead socket is found within 400 + 500 ms and a tick. A round trip around the world takes 300 ms.
BUSY_SOCKET: Final = HeartbeatPolicy(
    probe_after_ns=400 * NS_PER_MS,
    answer_within_ns=500 * NS_PER_MS,
    ping_every_ns=15 * NS_PER_SEC,
    stall_ns=250 * NS_PER_MS,
)
# Private and trade sockets are silent for long; Bybit wants a ping every 20 s.
QUIET_SOCKET: Final = HeartbeatPolicy(
    probe_after_ns=2 * NS_PER_SEC,
    answer_within_ns=NS_PER_SEC,
    ping_every_ns=15 * NS_PER_SEC,
    stall_ns=250 * NS_PER_MS,
)


class Pulse(StrEnum):
    """What a check asks for."""

    FINE = "fine"
    PING = "ping"
    DEAD = "dead"


class Heartbeat:
    """The heartbeat of one connection; times are of a clock that never goes back."""

    def __init__(self, policy: HeartbeatPolicy, now_ns: int) -> None:
        self._policy = policy
        self._heard_ns = now_ns
        self._pinged_ns = now_ns
        self._is_waiting = False
        self._checked_ns = now_ns

    def heard(self, now_ns: int) -> None:
        """Something came, whatever it was."""
        self._heard_ns = now_ns
        self._is_waiting = False

    def check(self, now_ns: int, *, is_suspect: bool = False) -> Pulse:
        """What to do now; a `PING` must be sent.

        Args:
            now_ns: the time.
            is_suspect: there are other signs that the socket is dead, such as the age of the data.
        """
        policy = self._policy
        if now_ns - self._checked_ns > policy.stall_ns and self._is_waiting:
            self._pinged_ns = now_ns
        self._checked_ns = now_ns
        if self._is_waiting:
            is_over = now_ns - self._pinged_ns >= policy.answer_within_ns
            return Pulse.DEAD if is_over else Pulse.FINE
        is_silent = now_ns - self._heard_ns >= policy.probe_after_ns
        is_doubted = is_suspect and now_ns - self._pinged_ns >= policy.probe_after_ns
        if is_silent or is_doubted or now_ns - self._pinged_ns >= policy.ping_every_ns:
            self._pinged_ns = now_ns
            self._is_waiting = True
            return Pulse.PING
        return Pulse.FINE
