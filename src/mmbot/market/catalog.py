"""The market data catalog: what is in it, and its rows as one stream of events for the engine."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmbot.errors import MarketDataError
from mmbot.market.parts import Footer, Root, damaged
from mmbot.market.reader import event_chunks, prefetched
from mmbot.market.schema import STREAMS, Stream
from mmbot.units import format_utc_ns

if TYPE_CHECKING:
    from mmbot import core

# What a part says about itself alone.
_OF_A_PART = frozenset({"rows", "sum_px", "sum_qty"})

__all__ = ["StreamInfo", "SymbolInfo", "find_symbol", "footers_of", "read_events", "read_info"]


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One stream of a symbol. Times are nanoseconds of the first and last row."""

    rows: int
    parts: int
    size_bytes: int
    days: tuple[str, ...]
    first_ts_ns: int
    last_ts_ns: int


@dataclass(frozen=True, slots=True)
class SymbolInfo:
    """A symbol of a venue as its files describe it.

    `tick_size` and `lot_size` are decimal texts. `market` is ``linear``, ``spot``, ``inverse``,
    ``usdm``, ``coinm`` or ``unknown``; quantities of inverse and coin-margined symbols are
    contracts of `contract_size` quote units (None: not known).
    """

    venue: str
    symbol: str
    tick_size: str
    lot_size: str
    market: str
    contract_size: str | None
    synthetic: bool
    streams: Mapping[Stream, StreamInfo]
    metadata: Mapping[str, str]

    @property
    def rows(self) -> int:
        """Rows of all streams."""
        return sum(stream.rows for stream in self.streams.values())

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(stream.size_bytes for stream in self.streams.values())

    @property
    def first_ts_ns(self) -> int:
        """Venue time of the first row of any stream."""
        return min(stream.first_ts_ns for stream in self.streams.values())

    @property
    def last_ts_ns(self) -> int:
        """Venue time of the last row of any stream."""
        return max(stream.last_ts_ns for stream in self.streams.values())


def read_info(root: str | Path) -> list[SymbolInfo]:
    """Everything the catalog holds, sorted by venue and symbol; empty if there is no catalog.

    Raises:
        MarketDataError: ``E_MD_FRAME`` naming a damaged file.
    """
    place = Root(root)
    keys = sorted({key for stream in STREAMS for key in place.series(stream)})
    infos = (_symbol_info(place, venue, symbol) for venue, symbol in keys)
    return [info for info in infos if info is not None]


def find_symbol(root: str | Path, *, symbol: str, venue: str | None = None) -> SymbolInfo:
    """The one entry of `symbol`; a venue is needed only when several have it.

    Raises:
        MarketDataError: ``E_BT_NO_DATA`` for an unknown symbol, ``E_BT_SOURCE`` when more than one
        venue has it.
    """
    place = Root(root)
    keys = {key for stream in STREAMS for key in place.series(stream)}
    venues = sorted(v for v, s in keys if s == symbol and venue in {None, v})
    infos = [info for v in venues if (info := _symbol_info(place, v, symbol)) is not None]
    if not infos:
        known = ", ".join(sorted({f"{v}/{s}" for v, s in keys})) or "nothing"
        wanted = symbol if venue is None else f"{venue}/{symbol}"
        raise MarketDataError(
            "E_BT_NO_DATA", f"symbol={wanted}", f"is not in the catalog {root} (it holds {known})"
        )
    if len(infos) > 1:
        raise MarketDataError(
            "E_BT_SOURCE",
            f"symbol={symbol}",
            f"is on several venues, choose one: {', '.join(i.venue for i in infos)}",
        )
    return infos[0]


def read_events(
    root: str | Path,
    *,
    venue: str | None = None,
    symbol: str,
    start_ns: int | None = None,
    end_ns: int | None = None,
    prefetch: bool = True,
) -> Iterator[core.EventChunk]:
    """The rows of a symbol with venue time in [start, end), book and trades merged.

    Memory does not grow with the length of the data.
    A range that begins inside a recording begins with the book as it stood there, as a snapshot.
    `prefetch` makes the next chunk on a background thread while the caller uses this one.

    Raises:
        MarketDataError: ``E_BT_NO_DATA``, ``E_BT_SOURCE``, ``E_BT_BAD_RANGE``; ``E_MD_FRAME``,
        ``E_MD_CLOCK`` naming file and row.
    """
    if start_ns is not None and end_ns is not None and start_ns >= end_ns:
        raise MarketDataError(
            "E_BT_BAD_RANGE",
            f"from={format_utc_ns(start_ns)} to={format_utc_ns(end_ns)}",
            "is empty or reversed",
        )
    info = find_symbol(root, symbol=symbol, venue=venue)
    place = Root(root)
    book, trades = (footers_of(place, info.venue, symbol, stream) for stream in STREAMS)
    chunks = event_chunks(place, book, trades, start_ns=start_ns, end_ns=end_ns)
    return prefetched(chunks) if prefetch else chunks


def footers_of(root: Root, venue: str, symbol: str, stream: Stream) -> list[Footer]:
    """Footers of a stream in order of time.

    Raises:
        MarketDataError: ``E_MD_CLOCK`` when the times of two parts overlap.
    """
    parts = root.parts(stream, venue=venue, symbol=symbol)
    footers = sorted(
        (root.footer(part) for part in parts), key=lambda f: (f.first_ts_ns, f.part.path)
    )
    for before, after in itertools.pairwise(footers):
        if after.first_ts_ns < before.last_ts_ns:
            raise MarketDataError(
                "E_MD_CLOCK",
                f"file={after.part.path} row=0",
                f"begins before {before.part.path} ends: the same period is there twice",
            )
        for key in ("tick_size", "lot_size"):
            if before.text(key) != after.text(key):
                raise damaged(after.part.path, 0, f"has another {key} than {before.part.path}")
    return footers


def _symbol_info(root: Root, venue: str, symbol: str) -> SymbolInfo | None:
    streams: dict[Stream, StreamInfo] = {}
    metadata: dict[str, str] = {}
    for stream in STREAMS:
        footers = footers_of(root, venue, symbol, stream)
        if not footers:
            continue
        metadata = metadata or footers[0].metadata
        for key in ("tick_size", "lot_size"):
            footers[0].text(key)
        streams[stream] = StreamInfo(
            rows=sum(f.rows for f in footers),
            parts=len(footers),
            size_bytes=sum(f.part.size_bytes for f in footers),
            days=tuple(sorted({format_utc_ns(f.part.hour_ns)[:10] for f in footers})),
            first_ts_ns=footers[0].first_ts_ns,
            last_ts_ns=footers[-1].last_ts_ns,
        )
    if not streams:
        return None
    return SymbolInfo(
        venue=venue,
        symbol=symbol,
        tick_size=metadata["tick_size"],
        lot_size=metadata["lot_size"],
        market=metadata.get("market", "unknown"),
        contract_size=metadata.get("contract_size"),
        synthetic=metadata.get("synthetic") == "1",
        streams=streams,
        metadata={key: value for key, value in metadata.items() if key not in _OF_A_PART},
    )
