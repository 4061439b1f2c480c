"""Synthetic markets in the catalog: the core's order-by-order generator, written like recordings.

The files say that they are synthetic, with seed and regime. The same options give the same rows,
and running the same command again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmbot import __version__, core
from mmbot.errors import MarketDataError
from mmbot.market.catalog import SymbolInfo, find_symbol, footers_of
from mmbot.market.imports import commit, read_manifest, recover, remove_leftovers
from mmbot.market.parts import Root
from mmbot.market.row_flags import GAP, KIND_MASK, LAST_SHIFT, RESET, SIDE_SHIFT, TRADE
from mmbot.market.schema import BOOK_SCHEMA, STREAMS, TRADES_SCHEMA, BookKind
from mmbot.market.writer import Monotonic, Series, StreamWriter, config_hash

__all__ = ["ChunkSplitter", "GenerateOptions", "generate_market"]

_ROWS_PER_CHUNK: Final = 1 << 17
_TAG_DIGITS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateOptions:
    """What to generate. Prices in quote currency, times in nanoseconds, steps as decimal texts."""

    symbol: str
    regime: str
    duration_ns: int
    seed: int
    start_price: float
    tick_size: str
    lot_size: str
    start_ts_ns: int
    levels: int
    venue: str = "synthetic"


def generate_market(
    out: str | Path,
    options: GenerateOptions,
    on_ns: Callable[[int], None] = lambda _: None,
) -> SymbolInfo:
    """Writes the market below `out`; `on_ns` is told the generated time as it grows.

    Raises:
        MarketDataError: ``E_REC_IMPORT`` when the catalog has other rows of the period.
        CoreError: for a regime or grid that the generator does not know.
    """
    root = Root(out)
    recover(root)
    cfg_hash = config_hash(asdict(options))
    key = (options.venue, options.symbol)
    if read_manifest(root, cfg_hash) is None:
        _check_free(root, key, options)
        _write(root, options, cfg_hash, on_ns)
    on_ns(options.duration_ns)
    return find_symbol(out, symbol=options.symbol, venue=options.venue)


def _check_free(root: Root, key: tuple[str, str], options: GenerateOptions) -> None:
    end_ns = options.start_ts_ns + options.duration_ns
    for stream in STREAMS:
        for footer in footers_of(root, *key, stream):
            if footer.first_ts_ns < end_ns and footer.last_ts_ns > options.start_ts_ns:
                raise MarketDataError(
                    "E_REC_IMPORT",
                    f"file={footer.part.path} line=0",
                    f"holds other rows of {'/'.join(key)} in this period: choose another --out, "
                    "--symbol or --start",
                )


def _write(
    root: Root, options: GenerateOptions, cfg_hash: str, on_ns: Callable[[int], None]
) -> None:
    tag = cfg_hash[:_TAG_DIGITS]
    series = Series(
        venue=options.venue,
        symbol=options.symbol,
        tick_size=options.tick_size,
        lot_size=options.lot_size,
        cfg_hash=cfg_hash,
        market="linear",
        synthetic=True,
        extra={
            "recording": tag,
            "seed": str(options.seed),
            "regime": options.regime,
            "generator": __version__,
        },
    )
    remove_leftovers(root, tag, [(options.venue, options.symbol)])
    writers = {stream: StreamWriter(root, series, stream, tag=tag) for stream in STREAMS}
    clocks = {stream: Monotonic() for stream in STREAMS}
    try:
        _fill(writers, clocks, options, on_ns)
        parts = {stream: writer.finish() for stream, writer in writers.items()}
    except BaseException:
        for writer in writers.values():
            writer.abort()
        raise
    commit(
        root,
        [part for made in parts.values() for part in made],
        source={"name": "generator", "sha256": cfg_hash, "size_bytes": 0, "format": "synthetic"},
        series={
            f"{options.venue}/{options.symbol}": {
                "rows": {stream: sum(p.rows for p in made) for stream, made in parts.items()},
                "clock_offset_ns": 0,
            }
        },
    )


def _fill(
    writers: dict[Any, StreamWriter],
    clocks: dict[Any, Monotonic],
    options: GenerateOptions,
    on_ns: Callable[[int], None],
) -> None:
    market = core.MarketGenerator(
        options.seed,
        options.regime,
        options.start_price,
        options.tick_size,
        options.lot_size,
        options.start_ts_ns,
        options.levels,
    )
    end_ns = options.start_ts_ns + options.duration_ns
    split = ChunkSplitter()
    while True:
        chunk = market.next_chunk(_ROWS_PER_CHUNK, end_ns)
        if not len(chunk):
            return
        for stream, columns in zip(STREAMS, split(chunk.to_arrays()), strict=True):
            columns["ts_ns"], columns["recv_ns"] = clocks[stream].apply(
                columns["ts_ns"], columns["recv_ns"]
            )
            schema = BOOK_SCHEMA if stream == "book" else TRADES_SCHEMA
            arrays = [pa.array(columns[f.name]).cast(f.type) for f in schema]
            writers[stream].write(pa.Table.from_arrays(arrays, schema=schema))
        if chunk.last_ts_ns >= end_ns:
            return
        on_ns(chunk.last_ts_ns - options.start_ts_ns)


class ChunkSplitter:
    """Rows of chunks back into catalog columns; packets and trades are numbered from 1."""

    def __init__(self) -> None:
        self._packet = 1
        self._trade = 0
        self._in_reset = False

    def __call__(
        self, rows: dict[str, NDArray[Any]]
    ) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Columns of stream `book` and of stream `trades`."""
        flags = rows["flags"]
        kind = flags & KIND_MASK
        last = (flags >> LAST_SHIFT & 1).astype(np.int64)
        packet = self._packet + np.cumsum(last) - last
        in_snapshot = self._snapshots(kind, packet, last)
        common = {
            "ts_ns": rows["ts_exch"],
            "recv_ns": rows["ts_local"],
            "side": flags >> SIDE_SHIFT & 1,
            "px": rows["px"].astype(np.int64),
            "qty": rows["qty"],
        }
        book_kind = np.where(
            kind == GAP, BookKind.GAP, np.where(in_snapshot, BookKind.SNAPSHOT, BookKind.DELTA)
        ).astype(np.uint8)
        book = {**common, "update_id": packet, "seq": packet, "kind": book_kind}
        is_trade, is_book = kind == TRADE, (kind != TRADE) & (kind != RESET)
        count = int(is_trade.sum())
        trades: dict[str, Any] = {name: column[is_trade] for name, column in common.items()}
        numbers = np.arange(self._trade + 1, self._trade + 1 + count)
        trades["trade_id"] = pa.array(numbers).cast(pa.string())
        self._trade += count
        self._packet = int(packet[-1] + last[-1])
        return {name: column[is_book] for name, column in book.items()}, trades

    @property
    def packet(self) -> int:
        """Number of the next packet."""
        return self._packet

    @property
    def trades(self) -> int:
        """Trades so far."""
        return self._trade

    def skip(self, packets: int) -> None:
        """Count packets whose rows are left out."""
        self._packet += packets
        self._in_reset = False

    def _snapshots(
        self, kind: NDArray[Any], packet: NDArray[np.int64], last: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Rows of packets that begin with a reset, also in the chunk before."""
        resets = packet[kind == RESET]
        if self._in_reset:
            resets = np.append(resets, packet[0])
        found: NDArray[np.bool_] = np.isin(packet, resets)
        self._in_reset = bool(found[-1]) and not last[-1]
        return found
