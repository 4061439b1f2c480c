"""Ctrl-C and SIGTERM: the first asks the session to end, the second ends the process at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["StopRequest"]


class StopRequest:
    """Listens for signals while the block runs; `requested` says whether one came.

    Args:
        before_exit: called before an immediate exit, to give the terminal back.
    """

    def __init__(self, before_exit: Callable[[], None] = lambda: None) -> None:
        self.requested = False
        self.before_exit = before_exit
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
        if self.requested:
            self.before_exit()
            os._exit(1)
        self.requested = True
