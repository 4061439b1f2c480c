"""Where walk-forward windows come from: lines of a tick file, or periods of the catalog."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from mmbot import core
from mmbot.errors import ConfigError, MarketDataError
from mmbot.market.catalog import find_symbol, read_events
from mmbot.market.importers.base import Found, Grid
from mmbot.market.importers.rows import Lines
from mmbot.market.importers.sources import blocks
from mmbot.market.importers.tick_jsonl import TickDecoder
from mmbot.market.tick_feed import TickFeed, open_ticks
from mmbot.market.ticks import TickError, parse_tick
from mmbot.research.models import OnBadLine
from mmbot.units import NS_PER_DAY, NS_PER_HOUR, format_utc_ns

__all__ = ["CatalogWindows", "TickWindows", "Window", "WindowSource", "count_ticks"]

_BOOK: Final = ("ts_ns", "recv_ns", "update_id", "kind", "side", "px", "qty")
_TRADES: Final = ("ts_ns", "recv_ns", "side", "px", "qty")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One window: `train` gives the rows of its first part, `whole` all of them.

    The test part begins at `test_ns`. Both may be read any number of times.
    """

    first_row: int
    train_span: Mapping[str, Any]
    test_span: Mapping[str, Any]
    test_ns: int
    train: Callable[[], Iterator[core.EventChunk]]
    whole: Callable[[], Iterator[core.EventChunk]]


class WindowSource(Protocol):
    """Windows of one symbol in order of time."""

    symbol: str
    place: str
    instrument: core.Instrument

    def windows(self) -> Iterator[Window]:
        """Every window that fits completely."""


class TickWindows:
    """Windows of N train and M test lines of a tick file; memory holds one window.

    Raises:
        ConfigError: ``E_BT_WF_ARGS`` unless both lengths are above 0.
        MarketDataError: ``E_BT_LOADER``, ``E_BT_NO_DATA``.
    """

    def __init__(
        self,
        path: Path,
        *,
        train: int,
        test: int,
        symbol: str | None = None,
        on_bad_line: OnBadLine = "fail",
    ) -> None:
        _check_lengths(train=train, test=test)
        self._feed = open_ticks(path, symbol=symbol, on_bad_line=on_bad_line)
        self._train, self._test = train, test
        self.symbol = self._feed.symbol
        self.place = "ticks"
        grid = self._feed.tick_size, self._feed.lot_size
        self.instrument = core.Instrument(self.symbol, *grid)

    def windows(self) -> Iterator[Window]:
        """See `WindowSource`."""
        size = self._train + self._test
        held: deque[bytes] = deque()
        first = 0
        for line in _usable_lines(self._feed):
            held.append(line)
            if len(held) < size:
                continue
            yield self._window(first, list(held))
            first += self._test
            for _ in range(min(self._test, len(held))):
                held.popleft()

    def _window(self, first: int, lines: list[bytes]) -> Window:
        first_test = parse_tick(lines[self._train], last_ts_ns=0)
        return Window(
            first_row=first,
            train_span={"from_row": first, "rows": self._train},
            test_span={"from_row": first + self._train, "rows": self._test},
            test_ns=first_test.ts_ns,
            train=lambda: _chunks(self._decoder(), lines[: self._train]),
            whole=lambda: _chunks(self._decoder(), lines),
        )

    def _decoder(self) -> TickDecoder:
        found = Found(exchange="ticks", market="", symbol=self.symbol, key=self.symbol)
        return TickDecoder(self._feed.path, found, Grid(self._feed.tick_size, self._feed.lot_size))


class CatalogWindows:
    """Windows of train days and test hours of a catalog symbol.

    Raises:
        ConfigError: ``E_BT_WF_ARGS`` unless both lengths are above 0.
        MarketDataError: ``E_BT_NO_DATA``, ``E_BT_SOURCE``.
    """

    def __init__(
        self,
        root: str,
        *,
        symbol: str,
        train_days: float,
        test_hours: float,
        venue: str | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> None:
        _check_lengths(train=train_days, test=test_hours)
        info = find_symbol(root, symbol=symbol, venue=venue)
        if info.market in {"inverse", "coinm"}:
            raise MarketDataError("E_BT_SOURCE", f"symbol={symbol}", "is an inverse contract")
        self._root, self._venue = root, info.venue
        self._train_ns = round(train_days * NS_PER_DAY)
        self._test_ns = round(test_hours * NS_PER_HOUR)
        self._start_ns = info.first_ts_ns if start_ns is None else start_ns
        self._end_ns = info.last_ts_ns if end_ns is None else end_ns
        self.symbol = symbol
        self.place = f"catalog:{info.venue}"
        self.instrument = core.Instrument(symbol, info.tick_size, info.lot_size)

    def windows(self) -> Iterator[Window]:
        """See `WindowSource`."""
        for number in itertools.count():
            start_ns = self._start_ns + number * self._test_ns
            test_ns = start_ns + self._train_ns
            end_ns = test_ns + self._test_ns
            if end_ns > self._end_ns:
                return
            yield Window(
                first_row=number,
                train_span=_span(start_ns, test_ns),
                test_span=_span(test_ns, end_ns),
                test_ns=test_ns,
                train=self._reader(start_ns, test_ns),
                whole=self._reader(start_ns, end_ns),
            )

    def _reader(self, start_ns: int, end_ns: int) -> Callable[[], Iterator[core.EventChunk]]:
        return lambda: read_events(
            self._root,
            venue=self._venue,
            symbol=self.symbol,
            start_ns=start_ns,
            end_ns=end_ns,
            prefetch=False,
        )


def _span(start_ns: int, end_ns: int) -> dict[str, str]:
    return {"from": format_utc_ns(start_ns), "to": format_utc_ns(end_ns)}


def _check_lengths(*, train: float, test: float) -> None:
    for name, value in (("--train", train), ("--test", test)):
        if value <= 0:
            raise ConfigError("E_BT_WF_ARGS", name, f"must be above 0, not {value:g}")


def count_ticks(path: Path, *, symbol: str | None = None) -> int:
    """Lines of a tick file; raises as `TickWindows`."""
    return sum(1 for _ in _usable_lines(open_ticks(path, symbol=symbol, on_bad_line="fail")))


def _usable_lines(feed: TickFeed) -> Iterator[bytes]:
    """The lines of the feed's symbol; a bad one ends the run or is left out."""
    lines = Lines()
    last_ts_ns = 0
    for line in itertools.chain(
        (line for block in blocks(feed.path) for line in lines.feed(block)), _ending(lines)
    ):
        try:
            tick = parse_tick(line, last_ts_ns=last_ts_ns)
        except TickError as error:
            if feed.on_bad_line == "fail":
                place = f"line={lines.number} file={feed.path}"
                raise MarketDataError(
                    "E_BT_LOADER", place, error.reason, detail=error.detail
                ) from error
            continue
        if tick.symbol == feed.symbol:
            last_ts_ns = tick.ts_ns
            yield line


def _ending(lines: Lines) -> Iterator[bytes]:
    """The last line, asked for when all others have been read."""
    yield from lines.end()


def _chunks(decoder: TickDecoder, lines: list[bytes]) -> Iterator[core.EventChunk]:
    """The rows of some lines."""
    for line in lines:
        decoder.feed(line + b"\n")
    merger = core.StreamMerger()
    book, trades = decoder.take_book(), decoder.take_trades()
    if book.num_rows:
        merger.push_book(**{name: book.column(name).to_numpy() for name in _BOOK})
    if trades.num_rows:
        merger.push_trades(**{name: trades.column(name).to_numpy() for name in _TRADES})
    merger.end_book()
    merger.end_trades()
    while (chunk := merger.take()) is not None:
        yield chunk
