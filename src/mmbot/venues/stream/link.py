"""One connection, as little as a socket needs: frames arrive by a call, sending does not wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

__all__ = ["Dialer", "Link", "LinkError"]


class LinkError(Exception):
    """No connection could be made."""


class Link(Protocol):
    """A websocket that is connected, or was."""

    @property
    def is_open(self) -> bool:
        """Whether it can still send."""
        ...

    def send(self, frame: bytes) -> bool:
        """Write one text frame; False if the connection was closed before a byte was written."""
        ...

    def drop(self) -> None:
        """End the connection at once, without waiting for the other side."""
        ...


class Dialer(Protocol):
    """Makes connections."""

    async def dial(
        self, url: str, *, on_frame: Callable[[bytes], None], on_closed: Callable[[], None]
    ) -> Link:
        """Connect.

        Args:
            url: ``ws://`` or ``wss://``.
            on_frame: called with each whole text frame as it arrives.
            on_closed: called once when the connection has ended, whoever ended it.

        Raises:
            LinkError: there is no connection.
        """
        ...
