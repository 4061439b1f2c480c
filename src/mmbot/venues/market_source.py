"""The public part of a venue: what a session on a market that is not its own trades on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol

from mmbot.venues.connector_faults import ConnectorFaults
from mmbot.venues.ports import PublicEvent
from mmbot.venues.records import InstrumentRules

__all__ = ["MarketSource"]


class MarketSource(Protocol):
    """A part of `mmbot.venues.ports.VenuePort` that needs no key."""

    @property
    def name(self) -> str:
        """The venue's name."""
        ...

    @property
    def faults(self) -> ConnectorFaults:
        """See `VenuePort`."""
        ...

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, InstrumentRules]:
        """See `VenueQueries`."""
        ...

    async def server_time_ns(self) -> int:
        """See `VenueQueries`."""
        ...

    def public_frames(self, symbols: Sequence[str], *, depth: int) -> AsyncIterator[PublicEvent]:
        """See `VenueStreams`."""
        ...

    async def follow(
        self, symbols: Sequence[str], *, depth: int, take: Callable[[PublicEvent], None]
    ) -> None:
        """See `VenueStreams`."""
        ...

    async def resubscribe(self, symbols: Sequence[str]) -> None:
        """See `VenueStreams`."""
        ...

    async def aclose(self) -> None:
        """See `VenuePort`."""
        ...
