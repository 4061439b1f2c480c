"""Importers whose decoders are in Rust (`crates/mmbot-feed`): captures and public dumps.

A capture is scanned in windows of whole lines. Lines that say what the following ones mean (a
connection's address, the header of a CSV file) are put in front of every window, so that memory
stays bounded whatever the size of the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import pyarrow as pa

from mmbot import core
from mmbot.errors import MarketDataError
from mmbot.market.importers.base import Block, Counts, Format, Found, Grid, Reject
from mmbot.market.importers.rows import StepFinder, table_of
from mmbot.market.schema import BOOK_SCHEMA, TRADES_SCHEMA

__all__ = ["FORMATS", "NativeDecoder", "NativeScanner", "kind_named"]

_WINDOW_BYTES: Final = 16 << 20
_RAW_LIMIT: Final = 4096
_CONTEXT: Final = re.compile(rb'\{"t":"connect"|\S+ <-> ', re.ASCII)
_FIRST_TIME: Final = re.compile(rb"(\d+)(?:\.(\d{1,9}))?[ :]", re.ASCII)
# Contracts of BTC are worth 100 USD, all others 10 (Binance COIN-M contract specifications).
_COINM_USD: Final = {"BTC": "100"}


@dataclass(frozen=True, slots=True)
class _Kind:
    """A format of the core: its name there, and what Python has to know about it."""

    name: str
    summary: str
    continues: bool = False
    has_receive_time: bool = True
    has_header: bool = False
    joins_lines: bool = False


_KINDS: Final = (
    _Kind("bybit-jsonl", "Bybit v5 websocket capture, one JSON object a line"),
    _Kind("bybit-text", "Bybit v5 websocket capture, `<receive time>: <frame>`"),
    _Kind("bybit-local", "Bybit v5 recording, `<receive time> <frame>`", continues=True),
    _Kind("bybit-bare", "Bybit public order book dump (ob200, ob500)", has_receive_time=False),
    _Kind(
        "bybit-trades-csv",
        "Bybit public trade dump",
        has_receive_time=False,
        has_header=True,
    ),
    _Kind("tardis-book-csv", "tardis.dev incremental_book_L2", has_header=True, joins_lines=True),
    _Kind("tardis-trades-csv", "tardis.dev trades", has_header=True),
    _Kind(
        "binance-local",
        "Binance recording, `<receive time> <frame>` (spot, USD-M, COIN-M)",
        continues=True,
    ),
    _Kind("binance-jsonl", "Binance websocket and REST capture, one JSON object a line"),
    _Kind("binance-text", "Binance capture, `<receive time>: <frame>`"),
    _Kind("okx-jsonl", "OKX websocket capture, one JSON object a line"),
    _Kind("okx-text", "OKX capture, `<receive time>: <frame>`"),
    _Kind("okx-local", "OKX recording, `<receive time> <frame>`", continues=True),
)


class NativeScanner:
    """Symbols, markets and grids of a file."""

    def __init__(self, kind: _Kind) -> None:
        self.lines = 0
        self.first_ns = 0
        self.trouble: tuple[int, str] | None = None
        self._kind = kind
        self._context = b""
        self._window = bytearray()
        self._begun = False
        self._binance_market = ""
        self._exchange = kind.name.partition("-")[0]
        self._seen: dict[tuple[str, str], _Seen] = {}

    def feed(self, block: Block) -> None:
        """Takes the next block."""
        assert isinstance(block, bytes)
        self._window += block
        if len(self._window) >= _WINDOW_BYTES:
            end = self._window.rfind(b"\n") + 1
            if end:
                self._scan(bytes(self._window[:end]))
                del self._window[:end]

    def finish(self) -> list[Found]:
        """What was found, sorted by market and symbol."""
        if self._window:
            self._scan(bytes(self._window))
            self._window.clear()
        return [self._found(*key) for key in sorted(self._seen, key=lambda key: (key[1], key[0]))]

    def _scan(self, window: bytes) -> None:
        if not self._begun:
            self._begun = True
            self._begin(window)
        self.lines += window.count(b"\n") + (not window.endswith(b"\n"))
        for info in core.scan_symbols(self._kind.name, self._context + window):
            self._seen.setdefault((info.symbol, info.market), _Seen()).add(info)
        if not self._seen and self.trouble is None:
            self._look_for_trouble(window)
        if not self._kind.has_header:
            for line in window.split(b"\n"):
                if _CONTEXT.match(line):
                    self._context += line + b"\n"

    def _begin(self, window: bytes) -> None:
        """What the first lines say about the whole file."""
        match = _FIRST_TIME.match(window)
        if match is not None:
            digits = match[1] + (match[2] or b"").ljust(9, b"0")
            self.first_ns = int(digits[:19].ljust(19, b"0"))
        if self._kind.has_header:
            header, _, rest = window.partition(b"\n")
            self._context = header + b"\n"
            if self._kind.name.startswith("tardis"):
                self._exchange = rest.partition(b",")[0].decode("ascii", "replace")
        if self._exchange == "binance":
            self._binance_market = _binance_market(window)

    def _look_for_trouble(self, window: bytes) -> None:
        """Why no symbol shows: a header without the columns, lines that are no frames."""
        decoder = core.CaptureDecoder(self._kind.name, "-", "1", "1")
        decoder.feed(window)
        decoder.finish()
        rejects = decoder.take_rejects()
        if rejects:
            line, offset, _, reason, _ = rejects[0]
            self.trouble = (line, f"offset {offset}: {reason}")

    def _found(self, symbol: str, market: str) -> Found:
        seen = self._seen[symbol, market]
        market = market or self._binance_market
        found = Found(
            exchange=self._exchange,
            market=market,
            symbol=symbol,
            key=symbol,
            stated=seen.stated,
            inferred=seen.inferred(),
            contract_size=None,
        )
        if market == "coinm":
            coin = symbol.partition("USD")[0]
            return replace(found, contract_size=_COINM_USD.get(coin, "10"))
        if market in {"spot", "usdm"} or (self._exchange == "bybit" and market == "linear"):
            return replace(found, contract_size="1")
        return found


class _Seen:
    """What the windows told about one symbol."""

    def __init__(self) -> None:
        self.stated: Grid | None = None
        self._tick, self._lot = StepFinder(), StepFinder()

    def add(self, info: core.SymbolInfo) -> None:
        if info.stated and info.tick_size and info.lot_size:
            self.stated = Grid(info.tick_size, info.lot_size)
            return
        for finder, text in ((self._tick, info.tick_size), (self._lot, info.lot_size)):
            if text is not None:
                finder.add(Decimal(text))

    def inferred(self) -> Grid:
        return Grid(self._tick.step() or "1", self._lot.step() or "1")


class NativeDecoder:
    """A decoder of the core behind the importer's protocol."""

    def __init__(self, kind: _Kind, found: Found, grid: Grid) -> None:
        self._name = kind.name
        self._decoder = core.CaptureDecoder(
            kind.name,
            found.key,
            grid.tick_size,
            grid.lot_size,
            market=found.market if found.market in _STATED_MARKETS else None,
        )
        self._lines_before = 0
        self._rejects: list[Reject] = []

    def feed(self, block: Block) -> None:
        """Takes the next block."""
        assert isinstance(block, bytes)
        self._decoder.feed(block)

    def end_file(self, *, last: bool) -> None:
        """Takes the last line; the book stays for the next file of the recording."""
        if last:
            self._decoder.finish()
        else:
            self._decoder.begin_file()
        self._rejects = self._numbered_rejects()
        self._lines_before = self._stats()["lines"]

    def take_book(self) -> pa.Table:
        """Rows since the last call."""
        return table_of(BOOK_SCHEMA, self._decoder.take())

    def take_trades(self) -> pa.Table:
        """Rows since the last call."""
        return table_of(TRADES_SCHEMA, self._decoder.take_trades())

    def take_rejects(self) -> list[Reject]:
        """Bad lines since the last call."""
        rejects, self._rejects = [*self._rejects, *self._numbered_rejects()], []
        return rejects

    def _numbered_rejects(self) -> list[Reject]:
        """The decoder counts lines over all files; a reject names the line of its own."""
        return [
            Reject(
                line=line - self._lines_before,
                offset=offset,
                reason=reason,
                code=code,
                raw=raw[:_RAW_LIMIT].decode("ascii", "backslashreplace"),
            )
            for line, offset, code, reason, raw in self._decoder.take_rejects()
        ]

    def counts(self) -> Counts:
        """Counters since the start."""
        stats = self._stats()
        return Counts(
            frames=stats["frames"] + stats["trade_frames"],
            gaps=stats["gaps"],
            crossed=stats["crossed"],
            duplicates=stats["duplicates"],
            out_of_order=stats["out_of_order"] + stats["recv_out_of_order"],
            rounded=stats["rounded"],
            reconnects=stats["reconnects"],
            ignored=stats["ignored"],
        )

    def _stats(self) -> dict[str, int]:
        """The core's counters; times of rows that do not exist are left out."""
        return {name: value for name, value in self._decoder.stats().items() if value is not None}


def kind_named(name: str) -> _Kind:
    """The format of that name in the core.

    Raises:
        MarketDataError: ``E_REC_IMPORT`` if there is none.
    """
    for kind in _KINDS:
        if kind.name == name:
            return kind
    raise MarketDataError("E_REC_IMPORT", name, "is no format of the core")


def _binance_market(window: bytes) -> str:
    """COIN-M frames name the pair, futures frames the transaction time, spot depth neither."""
    at = window.find(b'"e":"depthUpdate"')
    line = window[at : window.find(b"\n", at)] if at >= 0 else window[: window.find(b"\n")]
    if b'"ps":' in line:
        return "coinm"
    return "usdm" if b'"T":' in line else "spot"


# Markets that connections of a capture name themselves.
_STATED_MARKETS: Final = frozenset({"linear", "inverse", "spot", "option", "usdm", "coinm"})


def _format(kind: _Kind) -> Format:
    def matches(first: bytes) -> bool:
        return bool(core.detect_format(first) == kind.name)

    def scanner(_path: str) -> NativeScanner:
        return NativeScanner(kind)

    def decoder(_path: str, found: Found, grid: Grid) -> NativeDecoder:
        return NativeDecoder(kind, found, grid)

    return Format(
        name=kind.name,
        summary=kind.summary,
        exchange=kind.name.partition("-")[0],
        continues=kind.continues,
        has_receive_time=kind.has_receive_time,
        joins_lines=kind.joins_lines,
        matches=matches,
        scanner=scanner,
        decoder=decoder,
    )


FORMATS: Final = tuple(_format(kind) for kind in _KINDS)
