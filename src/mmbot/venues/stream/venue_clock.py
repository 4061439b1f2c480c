"""The venue's clock as a session reads it: an estimate that every answer with a time feeds."""

from __future__ import annotations

from collections.abc import Callable

from mmbot.clock import monotonic_ns, wall_ns
from mmbot.venues.clock_offset import ClockSample, ClockState, ClockVerdict, OffsetEstimator, judge

__all__ = ["VenueClock"]


class VenueClock:
    """Reads local clocks for an `OffsetEstimator`; `off_count` counts verdicts that turned bad."""

    def __init__(
        self,
        *,
        local_clock: Callable[[], int] = monotonic_ns,
        wall_clock: Callable[[], int] = wall_ns,
    ) -> None:
        self.estimator = OffsetEstimator()
        self.off_count = 0
        self._local_clock = local_clock
        self._wall_clock = wall_clock
        self._was_good = True

    def now_ns(self) -> int | None:
        """The venue's time; None before its first answer."""
        return self.estimator.venue_ns(self._local_clock())

    def observe(self, *, sent_ns: int, recv_ns: int, venue_ns: int, grain_ns: int) -> bool:
        """Take an answer (`ClockSample`); True if it shows a step."""
        return self.estimator.observe(
            ClockSample(sent_ns=sent_ns, recv_ns=recv_ns, venue_ns=venue_ns, grain_ns=grain_ns)
        )

    def verdict(self) -> ClockVerdict:
        """How far the machine's clock is off, and whether quoting may go on."""
        found = judge(self.estimator, local_ns=self._local_clock(), wall_ns=self._wall_clock())
        is_good = found.state is ClockState.GOOD
        self.off_count += self._was_good and not is_good
        self._was_good = is_good
        return found
