"""An event loop that never sleeps: what comes finds the processor awake and its caches full.

Between two frames a loop waits in the kernel. Being woken takes longer than taking in a frame, and
the way from there to an order request then runs on cold caches. A loop that polls asks its sockets
again and again instead, which takes a processor for itself.

Most frames ask for nothing, so that the code of a request is cold even then. Every so many turns it
is rehearsed (Carl Cook, "When a Microsecond Is an Eternity", CppCon 2017: keep the cache hot by
going the whole way up to the wire with orders that are not sent).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["REHEARSAL_TURNS", "busy_poll"]

REHEARSAL_TURNS: Final = 100
"""Turns of the loop between two rehearsals: some tenths of a millisecond."""


@contextmanager
def busy_poll(rehearse: Callable[[], None], *, is_wanted: bool) -> Iterator[None]:
    """The running loop never waits inside, if that is wanted; `rehearse` must not wait either."""
    loop = asyncio.get_running_loop()
    turns = 0

    def turn() -> None:
        nonlocal turns
        if not is_wanted:
            return
        # a loop that has something to do next asks its sockets without waiting
        loop.call_soon(turn)
        turns += 1
        if turns == REHEARSAL_TURNS:
            turns = 0
            rehearse()

    turn()
    try:
        yield
    finally:
        is_wanted = False
