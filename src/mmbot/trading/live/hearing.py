"""What the public stream says, into the core; and beside it into the record of the session.

The core comes first and what it asks for leaves before a frame is given to the record, which only
queues. While nothing can be written down nothing is taken in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from mmbot.trading.live.desk import Desk
from mmbot.trading.live.fault_kinds import ALL_SYMBOLS
from mmbot.venues.ports import GapReason, PublicEvent, PublicFrame, PublicGap, VenuePort

__all__ = ["FrameTap", "MarketEar"]


class FrameTap(Protocol):
    """Takes frames and gaps in their order; must never block."""

    def on_frame(self, frame: PublicFrame) -> None:
        """A frame as it was received."""

    def on_gap(self, gap: PublicGap) -> None:
        """Books are not to be believed from here on."""


class MarketEar:
    """See the module.

    Args:
        desk: of the session.
        port: the venue.
        symbols: of the session.
        pump: sends what the core asks for.
        spawn: runs something beside the session, under a name.
        log: takes lines.
        tap: the record, if there is one.

    `gaps` counts by reason and symbol, `ALL_SYMBOLS` for all at once.
    """

    def __init__(
        self,
        desk: Desk,
        port: VenuePort,
        symbols: Sequence[str],
        *,
        pump: Callable[[], None],
        spawn: Callable[[Coroutine[Any, Any, None], str], None],
        log: Callable[[str], None],
        tap: FrameTap | None,
    ) -> None:
        self._desk = desk
        self._port = port
        self._symbols = tuple(symbols)
        self._pump = pump
        self._spawn = spawn
        self._log = log
        self._tap = tap
        self.is_deaf = False
        self.gaps: Counter[tuple[GapReason, str]] = Counter()

    async def listen(self, *, depth: int) -> None:
        """Take in what comes, without end."""
        await self._port.follow(self._symbols, depth=depth, take=self.hear)

    def hear(self, event: PublicEvent) -> None:
        """Take in a frame or a gap."""
        if isinstance(event, PublicGap):
            self._lose(event)
            self._log(f"| market | GAP | {event.reason.value} {','.join(event.symbols)} |")
            return
        if self.is_deaf:
            return
        try:
            if self._desk.core.on_frame(event.data, event.recv_ns):
                self._pump()
        finally:
            if self._tap is not None:
                self._tap.on_frame(event)

    def set_deaf(self, *, is_deaf: bool) -> bool:
        """Take in nothing, or listen again; True if the books have to be subscribed anew."""
        if is_deaf == self.is_deaf:
            return False
        self.is_deaf = is_deaf
        if is_deaf:
            self._lose(PublicGap(self._desk.clock(), self._symbols, GapReason.STORAGE))
        return not is_deaf

    def ask_anew(self, *, but: Sequence[str] = ()) -> None:
        """Ask for new snapshots of books that the core no longer believes."""
        broken = [one for one in self._desk.core.take_resubscribes() if one not in but]
        if broken and not self.is_deaf:
            self._spawn(self._port.resubscribe(broken), "resubscribe")

    def _lose(self, gap: PublicGap) -> None:
        lost = [ALL_SYMBOLS] if set(gap.symbols) == set(self._symbols) else gap.symbols
        self.gaps.update((gap.reason, symbol) for symbol in lost)
        for symbol in gap.symbols:
            self._desk.core.on_gap(symbol, gap.recv_ns)
        # Whoever tells of a gap asks for the new snapshots as well.
        self.ask_anew(but=gap.symbols)
        self._pump()
        if self._tap is not None:
            self._tap.on_gap(gap)
