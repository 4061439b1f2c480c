"""Ctrl-C and SIGTERM: the first asks the session to end, the second ends the process at once.

`make`, `timeout` and process managers signal a process and its group, so that one wish arrives
twice within microseconds. It counts once: an echo must not tear a session from its orders.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Final, Self

from mmbot.clock import monotonic_ns
from mmbot.units import NS_PER_MS

__all__ = ["ECHO_NS", "StopRequest", "StopSignals"]

ECHO_NS: Final = 500 * NS_PER_MS
"""Nobody means it anew so soon."""


class StopSignals:
    """Tells a second signal from the first one that arrives twice."""

    def __init__(self, clock: Callable[[], int] = monotonic_ns) -> None:
        self._clock = clock
        self._first_ns: int | None = None

    def is_second(self) -> bool:
        """Of a signal that has just come: whether it repeats an earlier wish on purpose."""
        now_ns = self._clock()
        if self._first_ns is None:
            self._first_ns = now_ns
        return now_ns - self._first_ns >= ECHO_NS


class StopRequest:
    """Listens for signals while the block runs; `requested` says whether one came.

    Args:
        before_exit: called before an immediate exit, to give the terminal back.
    """

    def __init__(self, before_exit: Callable[[], None] = lambda: None) -> None:
        self.requested = False
        self.before_exit = before_exit
        self._signals = StopSignals()
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._signals.is_second():
            self.before_exit()
            os._exit(1)
        self.requested = True
