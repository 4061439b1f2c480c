"""Which markets a comparison of stylised facts reads, and what it reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbot import core
from mmbot.errors import MarketDataError
from mmbot.market.catalog import SymbolInfo, read_events, read_info
from mmbot.research.charts import Figure, Panel, Series
from mmbot.research.stylised_facts import Instrument, MarketFacts, measure, read_tape
from mmbot.units import NS_PER_SEC

__all__ = ["SyntheticOptions", "figure", "generated_market", "recorded_markets", "report"]

_CHUNK_ROWS = 200_000
# Markets whose lots are contracts of a fixed value in quote units.
_INVERSE = frozenset({"inverse", "coinm"})


@dataclass(frozen=True, slots=True)
class SyntheticOptions:
    """A generated market to compare with."""

    regime: str
    seed: int = 42
    duration_sec: int = 1_800
    start_price: float = 50_000.0
    tick_size: str = "0.1"
    lot_size: str = "0.001"


def recorded_markets(root: Path | str, *, symbol: str | None) -> Iterator[MarketFacts]:
    """Facts of every symbol of a catalog, or of the one named.

    Raises:
        MarketDataError: ``E_BT_NO_DATA`` when the catalog has no such symbol, or too little data.
    """
    infos = [info for info in read_info(root) if symbol in {None, info.symbol}]
    if not infos:
        wanted = "no symbol" if symbol is None else f"no {symbol}"
        raise MarketDataError("E_BT_NO_DATA", f"data={root}", f"holds {wanted}")
    for info in infos:
        chunks = read_events(root, venue=info.venue, symbol=info.symbol)
        yield measure(
            read_tape(chunks),
            _instrument(info),
            name=f"{info.venue}/{info.symbol}",
            synthetic=info.synthetic,
        )


def generated_market(options: SyntheticOptions) -> MarketFacts:
    """Facts of a generated market."""
    market = core.MarketGenerator(
        options.seed,
        options.regime,
        options.start_price,
        options.tick_size,
        options.lot_size,
    )
    until_ns = options.duration_sec * NS_PER_SEC

    def chunks() -> Iterator[core.EventChunk]:
        while len(chunk := market.next_chunk(_CHUNK_ROWS, until_ns)):
            yield chunk

    return measure(
        read_tape(chunks()),
        Instrument(tick=float(options.tick_size), lot=float(options.lot_size)),
        name=f"generated {options.regime}",
        synthetic=True,
    )


def report(markets: Sequence[MarketFacts]) -> dict[str, Any]:
    """The artifact without its `runtime` block."""
    return {"markets": [market.as_json() for market in markets]}


def figure(markets: Sequence[MarketFacts]) -> Figure:
    """One panel a curve, one line a market."""

    def panel(key: str, title: str, x_label: str, *, log_x: bool, log_y: bool = False) -> Panel:
        series = tuple(Series(market.name, *market.curves[key]) for market in markets)
        return Panel(title, x_label, series, log_x=log_x, log_y=log_y)

    return Figure(
        title="Stylised facts of recorded and generated markets",
        panels=(
            panel("sign_acf", "Autocorrelation of order signs", "lag, orders", log_x=True),
            panel("abs_return_acf", "Autocorrelation of |1 s returns|", "lag, s", log_x=False),
            panel("response_bps", "Price response to a market order, bps", "s", log_x=True),
            panel("depth_usd", "Depth by distance, USD per tick", "ticks", log_x=False, log_y=True),
            panel("order_gap_sec", "Gaps between orders: P(gap > x)", "x, s", log_x=True),
            panel("order_usd", "Order size: P(size > x)", "x, USD", log_x=True, log_y=True),
        ),
    )


def _instrument(info: SymbolInfo) -> Instrument:
    lot = float(info.lot_size)
    inverse = info.market in _INVERSE
    if inverse and info.contract_size is None:
        raise MarketDataError(
            "E_BT_SOURCE", f"symbol={info.symbol}", "has contracts of unknown value"
        )
    return Instrument(
        tick=float(info.tick_size),
        lot=lot,
        usd_per_lot=lot * float(info.contract_size or 1) if inverse else None,
    )
