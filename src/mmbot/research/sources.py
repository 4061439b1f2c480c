"""Where a backtest's market data come from: a tick file, the catalog, or the generator."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from mmbot import core
from mmbot.errors import ConfigError, MarketDataError
from mmbot.ids import sub_seed
from mmbot.market.catalog import SymbolInfo, find_symbol, read_events
from mmbot.market.importers.rows import Lines
from mmbot.market.importers.sources import blocks
from mmbot.market.tick_feed import TickFeed, open_ticks
from mmbot.market.ticks import TickError, parse_tick
from mmbot.research.models import BacktestRequest, Synthetic
from mmbot.units import INT64_MAX, format_utc_ns, parse_utc_ns

__all__ = ["MarketSource", "check_range", "check_source", "open_sources"]

# Generated markets begin at a fixed instant: equal seeds give equal bytes.
_SYNTHETIC_START_NS: Final = parse_utc_ns("2024-01-01")
_CHUNK_ROWS: Final = 1 << 16
_LEVELS: Final = 10
# A tick of about 1/500000 of the price and a lot of about 50 USD, as real instruments have.
_TICK_RATIO: Final = Decimal("2e-6")
_LOT_USD: Final = Decimal(50)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSource:
    """The data of one symbol. `period` is its venue time as far as known before reading."""

    symbol: str
    kind: str
    instrument: core.Instrument
    chunks: Callable[[], Iterator[core.EventChunk]]
    period: tuple[int | None, int | None]
    bad_lines: Callable[[], int] = lambda: 0


def check_source(request: BacktestRequest) -> None:
    """Exactly one source, with symbols where they are needed.

    Raises:
        MarketDataError: ``E_BT_SOURCE``.
    """
    given = [
        name
        for name, value in (
            ("--ticks", request.ticks),
            ("--data", request.data),
            ("--synthetic", request.synthetic),
        )
        if value is not None
    ]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        message = f"give one of --ticks, --data, --synthetic, not {found}"
        raise MarketDataError("E_BT_SOURCE", "source", message)
    if request.ticks is None and not request.symbols:
        raise MarketDataError("E_BT_SOURCE", given[0], "needs --symbol")


def check_range(start_ns: int | None, end_ns: int | None) -> None:
    """Raise ``E_BT_BAD_RANGE`` unless the range is open or start lies before end."""
    if start_ns is not None and end_ns is not None and start_ns >= end_ns:
        raise MarketDataError(
            "E_BT_BAD_RANGE",
            f"start={format_utc_ns(start_ns)} end={format_utc_ns(end_ns)}",
            "is empty or reversed",
        )


def open_sources(request: BacktestRequest) -> list[MarketSource]:
    """One source per symbol.

    Raises:
        MarketDataError: ``E_BT_SOURCE``, ``E_BT_BAD_RANGE``, ``E_BT_NO_DATA``, ``E_BT_LOADER``.
    """
    check_source(request)
    check_range(request.start_ns, request.end_ns)
    symbols = tuple(dict.fromkeys(symbol.upper() for symbol in request.symbols))
    if request.synthetic is not None:
        return [_generated(request, request.synthetic, symbol) for symbol in symbols]
    if request.data is not None:
        return [_recorded(request, request.data, symbol) for symbol in symbols]
    assert request.ticks is not None
    return [_ticks(request, request.ticks, symbol) for symbol in symbols or (None,)]


def _recorded(request: BacktestRequest, data: str, symbol: str) -> MarketSource:
    info = find_symbol(data, symbol=symbol, venue=request.venue)
    _refuse_inverse(info)

    def chunks() -> Iterator[core.EventChunk]:
        return read_events(
            data,
            venue=info.venue,
            symbol=symbol,
            start_ns=request.start_ns,
            end_ns=request.end_ns,
        )

    start_ns = max(info.first_ts_ns, request.start_ns or 0)
    end_ns = min(info.last_ts_ns, request.end_ns or INT64_MAX)
    return MarketSource(
        symbol=symbol,
        kind=f"catalog:{info.venue}",
        instrument=core.Instrument(symbol, info.tick_size, info.lot_size),
        chunks=chunks,
        period=(start_ns, end_ns),
    )


def _refuse_inverse(info: SymbolInfo) -> None:
    if info.market in {"inverse", "coinm"}:
        raise MarketDataError(
            "E_BT_SOURCE",
            f"symbol={info.symbol}",
            "is an inverse contract: its amounts in USD would be wrong",
        )


def _ticks(request: BacktestRequest, path: Path, symbol: str | None) -> MarketSource:
    feed = _open_ticks(request, path, symbol)
    start_ns, end_ns = request.start_ns or 0, request.end_ns or INT64_MAX
    return MarketSource(
        symbol=feed.symbol,
        kind="ticks",
        instrument=core.Instrument(feed.symbol, feed.tick_size, feed.lot_size),
        chunks=lambda: feed.chunks(start_ns=start_ns, end_ns=end_ns),
        period=(request.start_ns, request.end_ns),
        bad_lines=lambda: feed.bad_lines,
    )


def _open_ticks(request: BacktestRequest, path: Path, symbol: str | None) -> TickFeed:
    try:
        return open_ticks(path, symbol=symbol, on_bad_line=request.on_bad_line)
    except MarketDataError as error:
        if error.code == "E_BT_NO_DATA" and request.on_bad_line == "fail":
            _raise_first_bad_line(path)
        raise


def _raise_first_bad_line(path: Path) -> None:
    """A file without a usable line is refused for its first bad one, if it has any."""
    lines = Lines()
    last_ts_ns = 0
    for block in blocks(str(path)):
        for line in lines.feed(block):
            last_ts_ns = _time_of(line, lines.number, path, last_ts_ns)
    for line in lines.end():
        last_ts_ns = _time_of(line, lines.number, path, last_ts_ns)


def _time_of(line: bytes, number: int, path: Path, last_ts_ns: int) -> int:
    try:
        return parse_tick(line, last_ts_ns=last_ts_ns).ts_ns
    except TickError as error:
        raise MarketDataError(
            "E_BT_LOADER", f"line={number} file={path}", error.reason, detail=error.detail
        ) from error


def _generated(request: BacktestRequest, synthetic: Synthetic, symbol: str) -> MarketSource:
    price = synthetic.start_price
    if not (math.isfinite(price) and price > 0):
        raise ConfigError("E_CFG_RANGE", "--synthetic-start-price", "must be above 0")
    tick_size, lot_size = synthetic_grid(price)
    start_ns, end_ns = _synthetic_period(request, synthetic)

    def chunks() -> Iterator[core.EventChunk]:
        market = core.MarketGenerator(
            sub_seed(request.seed, f"synthetic:{symbol}"),
            synthetic.regime,
            price,
            tick_size,
            lot_size,
            start_ns,
            _LEVELS,
        )
        while len(chunk := market.next_chunk(_CHUNK_ROWS, end_ns)):
            yield chunk

    return MarketSource(
        symbol=symbol,
        kind=f"synthetic:{synthetic.regime}",
        instrument=core.Instrument(symbol, tick_size, lot_size),
        chunks=chunks,
        period=(start_ns, end_ns),
    )


def _synthetic_period(request: BacktestRequest, synthetic: Synthetic) -> tuple[int, int]:
    """The range of the request; an end that is missing lies one duration after the start."""
    duration_ns = synthetic.duration_ns
    if duration_ns <= 0:
        raise ConfigError("E_CFG_RANGE", "--synthetic-duration-min", "must be above 0")
    if request.start_ns is None and request.end_ns is not None:
        return max(0, request.end_ns - duration_ns), request.end_ns
    start_ns = _SYNTHETIC_START_NS if request.start_ns is None else request.start_ns
    return start_ns, start_ns + duration_ns if request.end_ns is None else request.end_ns


def synthetic_grid(start_price: float) -> tuple[str, str]:
    """Tick and lot size of a generated market, powers of ten, as decimal texts."""
    price = Decimal(repr(start_price))
    tick = Decimal(1).scaleb((price * _TICK_RATIO).adjusted())
    lot = Decimal(1).scaleb((_LOT_USD / price).adjusted())
    return f"{tick:f}", f"{lot:f}"
