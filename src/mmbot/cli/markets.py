"""Where the market data of `mmbot run` come from: the generator, or a catalog of recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mmbot import core
from mmbot.errors import MarketDataError
from mmbot.ids import sub_seed
from mmbot.market.catalog import SymbolInfo, find_symbol, read_events, read_info
from mmbot.market.writer import Series
from mmbot.units import parse_utc_ns

__all__ = [
    "SYNTHETIC_START_NS",
    "Grid",
    "MarketChoice",
    "SymbolMarket",
    "market_seeds",
    "only_symbol",
    "open_markets",
    "synthetic_grid",
]

# The synthetic market begins at a fixed instant, so that equal seeds give equal bytes.
SYNTHETIC_START_NS: Final = parse_utc_ns("2026-01-01")
_CHUNK_ROWS: Final = 4096


@dataclass(frozen=True, slots=True)
class Grid:
    """A synthetic instrument: start price in quote currency, steps as decimal texts."""

    start_price: float
    tick_size: str
    lot_size: str


_GRIDS: Final[Mapping[str, Grid]] = {
    "BTCUSDT": Grid(50_000.0, "0.1", "0.001"),
    "ETHUSDT": Grid(2_500.0, "0.01", "0.01"),
    "SOLUSDT": Grid(150.0, "0.01", "0.1"),
}


def synthetic_grid(symbol: str) -> Grid:
    """The instrument that the generator makes for a symbol."""
    return _GRIDS.get(symbol, Grid(100.0, "0.01", "0.01"))


@dataclass(frozen=True, slots=True)
class SymbolMarket:
    """The events of one symbol; `state` names the regime of a synthetic market.

    `series` is what recorded rows of it mean. A synthetic market comes the same every time, so its
    venue names what it was made from.
    """

    instrument: core.Instrument
    chunks: Iterator[core.EventChunk]
    label: str
    state: Callable[[], str]
    series: Series


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketChoice:
    """What was asked for: a catalog `data` (with its `venue`), else the generator."""

    data: str | None
    venue: str | None
    regime: str
    seed: int


def open_markets(choice: MarketChoice, symbols: Sequence[str]) -> list[SymbolMarket]:
    """One market per symbol.

    Raises:
        MarketDataError: the catalog has no such symbol, or one that is not linear.
    """
    if choice.data is not None:
        return [_recorded(choice.data, symbol, choice.venue) for symbol in symbols]
    seeds = market_seeds(choice.seed, symbols)
    return [
        _synthetic(choice, symbol, seed, is_first=at == 0)
        for at, (symbol, seed) in enumerate(zip(symbols, seeds, strict=True))
    ]


def market_seeds(seed: int, symbols: Sequence[str]) -> list[int]:
    """Seeds of synthetic markets: the first is the seed itself, the others have their own luck."""
    return [
        seed if at == 0 else sub_seed(seed, f"market:{symbol}") for at, symbol in enumerate(symbols)
    ]


def only_symbol(data: str) -> str | None:
    """The symbol of a catalog that holds one; otherwise the configuration decides."""
    symbols = {info.symbol for info in read_info(data)}
    return symbols.pop() if len(symbols) == 1 else None


def _synthetic(choice: MarketChoice, symbol: str, seed: int, *, is_first: bool) -> SymbolMarket:
    grid = synthetic_grid(symbol)
    generator = core.MarketGenerator(
        seed,
        choice.regime,
        grid.start_price,
        grid.tick_size,
        grid.lot_size,
        SYNTHETIC_START_NS,
    )

    def chunks() -> Iterator[core.EventChunk]:
        while True:
            yield generator.next_chunk(_CHUNK_ROWS)

    instrument = core.Instrument(symbol, grid.tick_size, grid.lot_size)
    venue = f"synthetic-{choice.regime}-{choice.seed}{'' if is_first else '-more'}"
    series = Series(
        venue=venue,
        symbol=symbol,
        tick_size=grid.tick_size,
        lot_size=grid.lot_size,
        cfg_hash="",
        market="linear",
        synthetic=True,
        extra={"recording": venue, "seed": str(seed), "regime": choice.regime},
    )
    return SymbolMarket(instrument, chunks(), "synthetic market", lambda: generator.state, series)


def _recorded(data: str, symbol: str, venue: str | None) -> SymbolMarket:
    info = find_symbol(data, symbol=symbol, venue=venue)
    _refuse_inverse(info)
    instrument = core.Instrument(symbol, info.tick_size, info.lot_size)
    chunks = read_events(data, symbol=symbol, venue=info.venue)
    series = Series(
        venue=info.venue,
        symbol=symbol,
        tick_size=info.tick_size,
        lot_size=info.lot_size,
        cfg_hash="",
        market=info.market,
        contract_size=info.contract_size,
        synthetic=info.synthetic,
    )
    return SymbolMarket(instrument, chunks, f"{info.venue} recording", lambda: "", series)


def _refuse_inverse(info: SymbolInfo) -> None:
    if info.market in {"inverse", "coinm"}:
        raise MarketDataError(
            "E_BT_SOURCE",
            f"symbol={info.symbol}",
            "is an inverse contract: its amounts in USD would be wrong",
        )
