"""An event loop that never sleeps: what comes finds the processor awake and its caches full.

Between two frames a loop waits in the kernel. Being woken takes longer than taking in a frame, and
the way from there to an order request then runs on cold caches. A loop that polls asks its sockets
again and again instead, which takes a processor for itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["busy_poll"]


@contextmanager
def busy_poll(*, is_wanted: bool) -> Iterator[None]:
    """The running loop never waits inside, if that is wanted."""
    loop = asyncio.get_running_loop()

    def turn() -> None:
        # a loop that has something to do next asks its sockets without waiting
        if is_wanted:
            loop.call_soon(turn)

    turn()
    try:
        yield
    finally:
        is_wanted = False
