"""The venue's clock from the answers it gives: pure, continuous, with a proven error bound.

An answer that holds the venue's time was made between the moment its request was sent and the
moment it was received (Cristian, "Probabilistic clock synchronization", 1989). So each answer
bounds the offset (venue minus local) from both sides, however long it took and however unequal the
ways there and back were. The estimate is the middle of what all answers allow together; bounds of
the past widen by `DRIFT_PPM`, for clocks do not run alike.

Bounds that contradict each other by more than `STEP_NS` are a step: one of the two clocks was set.
Then only the newest answer counts. Smaller contradictions come from hosts of the venue that do not
agree to the millisecond; the newest wins without a step being counted.

Local time is that of `mmbot.clock.monotonic_ns`, so setting the machine's clock does not spoil the
time stamps of requests. How far the machine's clock itself is off is judged apart (`judge`): the
ages of market data and the times in our records depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = [
    "DRIFT_PPM",
    "STEP_NS",
    "STOP_NS",
    "WARN_NS",
    "ClockSample",
    "ClockState",
    "ClockVerdict",
    "OffsetEstimator",
    "judge",
]

DRIFT_PPM: Final = 100
STEP_NS: Final = 20 * NS_PER_MS
WARN_NS: Final = 500 * NS_PER_MS
STOP_NS: Final = NS_PER_SEC
# Answers come all the time while a session trades, and once a minute at least.
_SILENT_NS: Final = 180 * NS_PER_SEC


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSample:
    """One answer: local times around it, and the venue's time in it, cut to `grain_ns`."""

    sent_ns: int
    recv_ns: int
    venue_ns: int
    grain_ns: int


@dataclass(slots=True)
class OffsetEstimator:
    """Venue time from local time. `steps` counts contradictions between answers."""

    steps: int = 0
    samples: int = 0
    _low_ns: int = 0
    _high_ns: int = 0
    _at_ns: int = 0
    _offset_ns: int = 0

    def observe(self, sample: ClockSample) -> bool:
        """Take an answer; True if it shows a step. One that ends before it began is ignored."""
        if sample.recv_ns < sample.sent_ns:
            return False
        low_ns = sample.venue_ns - sample.recv_ns
        high_ns = sample.venue_ns + sample.grain_ns - sample.sent_ns
        self.samples += 1
        if self.samples == 1:
            self._take(low_ns, high_ns, sample.recv_ns)
            return False
        widened_ns = self._widened_ns(sample.recv_ns)
        old_low_ns, old_high_ns = self._low_ns - widened_ns, self._high_ns + widened_ns
        gap_ns = max(low_ns - old_high_ns, old_low_ns - high_ns)
        if gap_ns > 0:
            self._take(low_ns, high_ns, sample.recv_ns)
            is_step = gap_ns > STEP_NS
            self.steps += is_step
            return is_step
        self._take(max(low_ns, old_low_ns), min(high_ns, old_high_ns), sample.recv_ns)
        return False

    def venue_ns(self, local_ns: int) -> int | None:
        """The venue's time; None before the first answer."""
        return None if self.samples == 0 else local_ns + self._offset_ns

    def error_ns(self, local_ns: int) -> int | None:
        """Largest error of `venue_ns` if no clock was set since the last answer."""
        if self.samples == 0:
            return None
        return (self._high_ns - self._low_ns + 1) // 2 + self._widened_ns(local_ns)

    def silent_ns(self, local_ns: int) -> int | None:
        """Time since the last answer."""
        return None if self.samples == 0 else max(0, local_ns - self._at_ns)

    def _take(self, low_ns: int, high_ns: int, at_ns: int) -> None:
        self._low_ns, self._high_ns, self._at_ns = low_ns, high_ns, max(at_ns, self._at_ns)
        self._offset_ns = (low_ns + high_ns) // 2

    def _widened_ns(self, local_ns: int) -> int:
        return max(0, local_ns - self._at_ns) * DRIFT_PPM // 1_000_000


class ClockState(StrEnum):
    """What the machine's clock is good for."""

    GOOD = "good"
    OFF = "off"
    """More than `WARN_NS` off: counted as ``E_MD_CLOCK``."""
    STOP = "stop"
    """More than `STOP_NS` off: quoting must stop, ages of market data mean nothing."""
    UNKNOWN = "unknown"
    """The venue has told no time, or none for three minutes: quoting must stop."""


@dataclass(frozen=True, slots=True)
class ClockVerdict:
    """The state, by how much the venue is ahead of the machine, and a line for people."""

    state: ClockState
    offset_ns: int | None
    reason: str

    @property
    def may_quote(self) -> bool:
        """Whether quoting may go on."""
        return self.state in (ClockState.GOOD, ClockState.OFF)


def judge(estimator: OffsetEstimator, *, local_ns: int, wall_ns: int) -> ClockVerdict:
    """How far the machine's clock is off.

    Args:
        estimator: of the venue's time.
        local_ns: now, by the clock of the estimator's samples.
        wall_ns: now, by the machine's clock.
    """
    venue_ns = estimator.venue_ns(local_ns)
    silent_ns = estimator.silent_ns(local_ns)
    if venue_ns is None or silent_ns is None or silent_ns > _SILENT_NS:
        return ClockVerdict(ClockState.UNKNOWN, None, "the venue's time is not known")
    offset_ns = venue_ns - wall_ns
    size_ns = abs(offset_ns)
    if size_ns <= WARN_NS:
        return ClockVerdict(ClockState.GOOD, offset_ns, "")
    state = ClockState.STOP if size_ns > STOP_NS else ClockState.OFF
    side = "behind" if offset_ns > 0 else "ahead of"
    reason = f"the machine's clock is {size_ns // NS_PER_MS} ms {side} the venue's"
    return ClockVerdict(state, offset_ns, reason)
