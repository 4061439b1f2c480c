"""A venue's market while it happens, as feeds of an engine that simulates the exchange.

The venue is spoken to in a thread with an event loop of its own; the session's thread takes what
has come. Times are those of the venue's clock, measured once: what happened and when it was
received are told by one clock. The session runs `SETTLE_NS` behind it, so that what happened up to
there has come, but for what is later still, which counts as of then
(`mmbot.core.FrameChunks`). Lost streams and broken books are gaps in the rows, and broken books
are asked for anew, as in live trading.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Self

from mmbot import clock, core
from mmbot.errors import MmbotError, VenueError
from mmbot.trading.drive import Feed
from mmbot.units import NS_PER_MS
from mmbot.venues.market_source import MarketSource
from mmbot.venues.ports import PublicEvent, PublicGap
from mmbot.venues.records import InstrumentRules

__all__ = ["SETTLE_NS", "FollowedMarket"]

SETTLE_NS: Final = 250 * NS_PER_MS
"""More than a frame takes around the world; what is later than a second is no market data."""
_LOOK_NS: Final = 5 * NS_PER_MS
# Without a row the session looks whether it is to end this often.
_EMPTY_NS: Final = 50 * NS_PER_MS
_RESUBSCRIBE_SEC: Final = 0.02
_RELIST_SEC: Final = 1.0
_OFF_NS: Final = 500 * NS_PER_MS


class FollowedMarket:
    """The market of some symbols; a context manager, inside of which feeds can be read.

    Args:
        open_source: makes the venue's public part, inside a running event loop.
        symbols: in the order of the feeds.
        instrument_of: the core's view of trading rules.
        depth: levels of the books.
        log: takes marker lines, from two threads.

    Attributes:
        rules: of the symbols, from the start on.
        name: the venue's.
    """

    def __init__(
        self,
        open_source: Callable[[], MarketSource],
        symbols: Sequence[str],
        *,
        instrument_of: Callable[[InstrumentRules], core.Instrument],
        depth: int,
        log: Callable[[str], None],
    ) -> None:
        self.rules: Mapping[str, InstrumentRules] = {}
        self.name = ""
        self._open_source = open_source
        self._symbols = tuple(symbols)
        self._instrument_of = instrument_of
        self._depth = depth
        self._log = log
        self._frames: core.FrameChunks | None = None
        self._ahead_ns = clock.wall_ns() - clock.monotonic_ns()
        self._failure: Exception | None = None
        self._is_ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="mmbot-market", daemon=True)

    def __enter__(self) -> Self:
        """Ask for the trading rules, then follow.

        Raises:
            MmbotError: the venue cannot be asked.
        """
        self._thread.start()
        try:
            # With a timeout an interrupt comes through.
            while not self._is_ready.wait(timeout=1.0):
                continue
            self._raise_failure()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the venue."""
        self._close()

    def now_ns(self) -> int:
        """The venue's time."""
        return clock.monotonic_ns() + self._ahead_ns

    def feeds(self) -> list[Feed]:
        """What comes, by symbol. A feed waits for the clock and never ends.

        Its chunks may be empty: then they say how far nothing has happened. They raise `MmbotError`
        when the venue's market cannot be followed any more.
        """
        return [Feed(symbol, self._chunks(symbol)) for symbol in self._symbols]

    def _chunks(self, symbol: str) -> Iterator[core.EventChunk]:
        frames = self._frames
        assert frames is not None
        while True:
            self._raise_failure()
            chunk = frames.take(symbol, self.now_ns() - SETTLE_NS)
            if len(chunk):
                break
            yield chunk
            clock.sleep_ns(_EMPTY_NS)
        # From here on the session is as far behind as it stays.
        clock.sleep_ns(SETTLE_NS)
        yield chunk
        known_ns = chunk.known_ns or 0
        while True:
            self._raise_failure()
            while self.now_ns() - SETTLE_NS < known_ns + _LOOK_NS:
                clock.sleep_ns(_LOOK_NS)
            known_ns = self.now_ns() - SETTLE_NS
            yield frames.take(symbol, known_ns)

    def _raise_failure(self) -> None:
        if self._failure is None:
            return
        if isinstance(self._failure, MmbotError | ModuleNotFoundError):
            raise self._failure
        what = f"{type(self._failure).__name__}: {self._failure}"
        raise VenueError("E_VENUE_CALL", "market", what) from self._failure

    def _close(self) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._follow())
        except Exception as exc:  # noqa: BLE001 -- the outermost frame of the thread
            self._failure = exc
        finally:
            self._is_ready.set()

    async def _follow(self) -> None:
        self._loop = asyncio.get_running_loop()
        source = self._open_source()
        over = asyncio.create_task(self._over.wait())
        try:
            asking = asyncio.create_task(self._ask(source))
            await asyncio.wait((asking, over), return_when=asyncio.FIRST_COMPLETED)
            if over.done():
                asking.cancel()
                return
            frames = await asking
            self._frames = frames
            self._is_ready.set()
            tasks = [
                asyncio.create_task(
                    source.follow(self._symbols, depth=self._depth, take=self._take)
                ),
                asyncio.create_task(_resubscribe(source, frames)),
            ]
            await asyncio.wait((*tasks, over), return_when=asyncio.FIRST_COMPLETED)
            ended = [task for task in tasks if task.done()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for task in ended:
                task.result()
            if not over.done():
                raise VenueError("E_VENUE_CALL", "market", "the stream has ended")
        finally:
            over.cancel()
            await source.aclose()

    async def _ask(self, source: MarketSource) -> core.FrameChunks:
        """Rules and time; waits while a symbol is not traded."""
        self.name = source.name
        told = False
        while True:
            found = await source.instruments(self._symbols)
            missing = [symbol for symbol in self._symbols if symbol not in found]
            if not missing:
                break
            if not told:
                told = True
                self._log(
                    f"| listing | WARN | not traded by the venue, waiting: {','.join(missing)} |"
                )
            await asyncio.sleep(_RELIST_SEC)
        self.rules = {symbol: found[symbol] for symbol in self._symbols}
        asked_ns = clock.monotonic_ns()
        venue_ns = await source.server_time_ns()
        self._ahead_ns = venue_ns - (asked_ns + clock.monotonic_ns()) // 2
        off_ns = self.now_ns() - clock.wall_ns()
        if abs(off_ns) > _OFF_NS:
            self._log(
                f"| clock | WARN | offset_ms={off_ns // NS_PER_MS} the venue's clock counts |"
            )
        return core.FrameChunks([self._instrument_of(one) for one in self.rules.values()])

    def _take(self, event: PublicEvent) -> None:
        frames, now_ns = self._frames, self.now_ns()
        if frames is None or self._over.is_set():
            return
        if not isinstance(event, PublicGap):
            frames.on_frame(event.data, now_ns)
            return
        for symbol in event.symbols:
            frames.on_gap(symbol, now_ns)
        self._log(f"| market | GAP | {event.reason.value} {','.join(event.symbols)} |")


async def _resubscribe(source: MarketSource, frames: core.FrameChunks) -> None:
    """Have broken books begin anew."""
    while True:
        await asyncio.sleep(_RESUBSCRIBE_SEC)
        broken = frames.take_resubscribes()
        if broken:
            await source.resubscribe(broken)
