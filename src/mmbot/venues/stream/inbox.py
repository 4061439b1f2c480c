"""What a stream has for its one reader: bounded, in order, never blocking the socket."""

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
        self.overflows = 0

    def put(self, item: T) -> None:
        """Add an item; never waits."""
        if self._is_closed:
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
