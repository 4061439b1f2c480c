"""An event loop that never sleeps: what comes finds the processor awake and its caches full.

Between two frames a loop waits in the kernel. Being woken takes longer than taking in a frame, and
the way from there to an order request then runs on cold caches. With `BusyPoll` the loop asks its
sockets again and again instead, which takes a processor for itself.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

__all__ = ["BusyPoll"]


class BusyPoll:
    """Keeps the running loop turning while it is entered, if `is_wanted`.

    Attributes:
        turns: of the loop so far.
    """

    def __init__(self, *, is_wanted: bool) -> None:
        self.turns = 0
        self._is_wanted = is_wanted
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Self:
        if self._is_wanted:
            self._loop = asyncio.get_running_loop()
            self._turn()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop = None

    def _turn(self) -> None:
        # A loop that has something to do next asks its sockets without waiting.
        if self._loop is not None:
            self.turns += 1
            self._loop.call_soon(self._turn)
