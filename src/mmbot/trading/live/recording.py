"""The public stream of a session on its way to its recording, which is opened beside it.

Opening reads what an earlier recording has left, which may take seconds after a kill; trading does
not wait for it. Frames that come meanwhile wait in memory, and those that find no room there are
counted and marked, as in the recorder itself. A recording that cannot be had is one line: whoever
else records the venue there goes on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mmbot.errors import MarketDataError, StoreError
from mmbot.venues.ports import PublicEvent, PublicFrame, PublicGap

if TYPE_CHECKING:
    from mmbot.market.venue_recording import VenueRecording

__all__ = ["SessionRecording"]

_WAITING_BYTES: Final = 64 << 20


class SessionRecording:
    """A `mmbot.trading.live.hearing.FrameTap`; `begin` once on the session's loop, then `close`.

    Args:
        opener: makes the recording, on another thread.
        log: takes lines.
        waiting_bytes: bound of what waits until it is made.
    """

    def __init__(
        self,
        opener: Callable[[], VenueRecording],
        log: Callable[[str], None],
        *,
        waiting_bytes: int = _WAITING_BYTES,
    ) -> None:
        self._opener = opener
        self._log = log
        self._room = waiting_bytes
        self._waiting: deque[PublicEvent] = deque()
        self._lost = self._lost_since_ns = 0
        self._recording: VenueRecording | None = None
        self._is_given_up = False
        self._opening: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin to open it."""
        self._opening = asyncio.create_task(self._open(), name="recording")

    def on_frame(self, frame: PublicFrame) -> None:
        """See `FrameTap`."""
        if self._recording is not None:
            self._recording.on_frame(frame)
        else:
            self._wait(frame, len(frame.data))

    def on_gap(self, gap: PublicGap) -> None:
        """See `FrameTap`."""
        if self._recording is not None:
            self._recording.on_gap(gap)
        else:
            self._wait(gap, 0)

    async def close(self) -> None:
        """Write everything that waits; what could not be written is said."""
        if self._opening is not None:
            await self._opening
        recording = self._recording
        if recording is None:
            return
        try:
            await asyncio.to_thread(recording.close)
        except (MarketDataError, StoreError) as exc:
            self._log(f"| recorder | ERROR | {exc} |")
        self._log(recording.marker)

    def _wait(self, event: PublicEvent, size: int) -> None:
        if self._is_given_up:
            return
        if self._lost or size > self._room:
            self._lost_since_ns = self._lost_since_ns or event.recv_ns
            self._lost += 1
            return
        self._room -= size
        self._waiting.append(event)

    async def _open(self) -> None:
        try:
            recording = await asyncio.to_thread(self._opener)
            self._give(recording)
            await asyncio.to_thread(recording.begin)
        except (MarketDataError, StoreError) as exc:
            self._log(f"| recorder | WARN | the market is not recorded: {exc} |")
            self._is_given_up = self._recording is None
            self._waiting.clear()

    def _give(self, recording: VenueRecording) -> None:
        """What waited, then what comes, without another frame between them."""
        while self._waiting:
            event = self._waiting.popleft()
            if isinstance(event, PublicGap):
                recording.on_gap(event)
            else:
                recording.on_frame(event)
        if self._lost:
            recording.mark(
                self._lost_since_ns, "overflow", lost=self._lost, since_ns=self._lost_since_ns
            )
        self._recording = recording
