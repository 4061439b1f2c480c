"""What a stream has for its one reader: bounded, in order, never blocking the socket.

A reader that never waits can have each item on the stack of whoever puts it (`hand_on`), which
saves a turn of the event loop; any other takes them out one by one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

__all__ = ["INBOX_MAX", "Inbox"]

T = TypeVar("T")

# About ten seconds of the busiest fifty symbols (200 frames a second each); then the reader is
# behind by more than market data are worth.
INBOX_MAX: Final = 100_000


class Inbox(Generic[T]):
    """A queue for one reader; `on_overflow` gives what a full one is replaced by."""

    def __init__(
        self, *, on_overflow: Callable[[], Sequence[T]], size_max: int = INBOX_MAX
    ) -> None:
        self._items: deque[T] = deque()
        self._size_max = size_max
        self._on_overflow = on_overflow
        self._has_news = asyncio.Event()
        self._error: Exception | None = None
        self._is_closed = False
        self._take: Callable[[T], None] | None = None
        self.overflows = 0

    def put(self, item: T) -> None:
        """Add an item; never waits."""
        if self._is_closed:
            return
        if self._take is not None:
            try:
                self._take(item)
            except Exception as exc:  # noqa: BLE001 -- the reader's own, raised where it waits
                self.close(exc)
            return
        if len(self._items) >= self._size_max:
            self.overflows += 1
            self._items.clear()
            self._items.extend(self._on_overflow())
        self._items.append(item)
        self._has_news.set()

    def close(self, error: Exception | None = None) -> None:
        """Nothing comes any more; the reader gets what is there, then the end or `error`."""
        if not self._is_closed:
            self._is_closed = True
            self._error = error
        self._has_news.set()

    def give_to(self, take: Callable[[T], None]) -> None:
        """Give what is put from now on to `take`, which never waits."""
        self._take = take

    async def hand_on(self, take: Callable[[T], None]) -> None:
        """Give each item to `take` as it is put, until the end.

        Raises:
            Exception: what the stream ended with, or what `take` raised, which ends it.
        """
        self.give_to(take)
        while self._items:
            take(self._items.popleft())
        while not self._is_closed:
            self._has_news.clear()
            await self._has_news.wait()
        if self._error is not None:
            raise self._error

    def __aiter__(self) -> Inbox[T]:
        """Read it."""
        return self

    async def __anext__(self) -> T:
        """The next item.

        Raises:
            StopAsyncIteration: at the end.
        """
        while not self._items:
            if self._is_closed:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._has_news.clear()
            await self._has_news.wait()
        return self._items.popleft()
