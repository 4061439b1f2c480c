"""The recorder of a session: what the engine was fed with and what it did, as catalog parts.

The trading loop only queues (`market`, `own`); one thread makes rows and parts of it. A disk that
refuses is tried again with growing pauses; meanwhile rows wait, and only rows of the book are ever
given up (`mmbot.market.record_queue`). `close` writes the rest.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mmbot import core
from mmbot.errors import StoreError
from mmbot.market.parts import Root
from mmbot.market.record_market import MarketReader, RecordedBefore
from mmbot.market.record_parts import PartSeries
from mmbot.market.record_queue import MarketRows, OwnRows, RecordQueue, ThinnedRows
from mmbot.market.record_rows import OwnRowsReader
from mmbot.market.schema import OWN_STREAMS, STREAMS, Stream
from mmbot.market.writer import Series
from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["MarketRecorder", "RecordedSymbol", "RecorderCounters"]

_BACKOFF_MIN_NS: Final = 200 * NS_PER_MS
_BACKOFF_MAX_NS: Final = 5 * NS_PER_SEC
# At the end of a session: a disk that is still full then will not be emptied by waiting.
_ATTEMPTS_LAST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSymbol:
    """What is recorded of one symbol.

    Attributes:
        series: what the rows mean.
        cid_text: the venue's client order id of the core's number.
        market: whether `book` and `trades` are recorded, or only the session's own doings.
        before: how much of a market that comes the same every time is there already.
    """

    series: Series
    cid_text: Callable[[int], str] = str
    market: bool = True
    before: RecordedBefore = field(default_factory=RecordedBefore)


@dataclass(slots=True)
class RecorderCounters:
    """Totals by stream.

    Attributes:
        errors: ``recorder_errors_total``: writes that the disk refused.
        rows: rows in complete parts.
        parts: complete parts.
        dropped_book_rows: rows of the book that made room for newer ones.
        lost: rows that could not be written at the end.
        adjusted: rows whose time went back and was kept from it.
    """

    errors: dict[Stream, int] = field(default_factory=dict)
    rows: dict[Stream, int] = field(default_factory=dict)
    parts: dict[Stream, int] = field(default_factory=dict)
    lost: dict[Stream, int] = field(default_factory=dict)
    dropped_book_rows: int = 0
    adjusted: int = 0


class _Symbol:
    def __init__(self, root: Root, symbol: RecordedSymbol, *, tag: str, bins_max_bps: int) -> None:
        streams = (*STREAMS, *OWN_STREAMS) if symbol.market else OWN_STREAMS
        self.parts = {
            stream: PartSeries(root, symbol.series, stream, tag=tag) for stream in streams
        }
        self.market = MarketReader(symbol.before)
        self.own = OwnRowsReader(
            tick=float(symbol.series.tick_size),
            lot=float(symbol.series.lot_size),
            cid_text=symbol.cid_text,
            bins_max_bps=bins_max_bps,
        )

    def add(self, batch: MarketRows | ThinnedRows | OwnRows) -> None:
        if not isinstance(batch, OwnRows):
            for stream, table in zip(STREAMS, self.market.tables(batch), strict=True):
                self.parts[stream].add(table)
        elif batch.stream == "orders":
            self.parts["orders"].add(self.own.orders(batch.columns))
        else:
            self.parts["fills"].add(self.own.fills(batch.columns))


class MarketRecorder:
    """Records the symbols of one session below `root`; `start` is called once, then `close`.

    Args:
        root: ``recorder.data_dir``, a path or any URL that fsspec understands.
        symbols: in the order of the engine's instruments.
        tag: unique to the session; part of temporary names.
        queue_max: ``recorder.queue_max``.
        flush_ms: ``recorder.flush_ms``.
        bins_max_bps: ``recorder.bins_max_bps``.
        waits: whether the market may be held up until there is room, see `RecordQueue`.
    """

    def __init__(
        self,
        root: str,
        symbols: Sequence[RecordedSymbol],
        *,
        tag: str,
        queue_max: int,
        flush_ms: int,
        bins_max_bps: int,
        waits: bool,
    ) -> None:
        place = Root(root)
        self._symbols = [
            _Symbol(place, each, tag=tag, bins_max_bps=bins_max_bps) for each in symbols
        ]
        self._records_market = [each.market for each in symbols]
        self._queue = RecordQueue(queue_max, waits=waits)
        self._flush_ns = flush_ms * NS_PER_MS
        self._errors: dict[Stream, int] = dict.fromkeys((*STREAMS, *OWN_STREAMS), 0)
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="market-recorder", daemon=True)

    def start(self) -> None:
        """Start the writer's thread."""
        self._thread.start()

    def market(self, symbol: int, chunk: core.EventChunk) -> None:
        """Queue a chunk that is about to be fed."""
        if self._records_market[symbol] and len(chunk) and self._failure is None:
            self._queue.put(MarketRows(symbol, chunk))

    def own(self, symbol: int, *, orders: Mapping[str, Any], fills: Mapping[str, Any]) -> None:
        """Queue order events and fills as the engine gave them."""
        for stream, columns in zip(OWN_STREAMS, (orders, fills), strict=True):
            if len(columns.get("ts_ns", ())) and self._failure is None:
                self._queue.put(OwnRows(symbol, stream, columns))

    def close(self) -> None:
        """Write everything that waits and end the thread.

        Raises:
            StoreError: ``E_REC_WRITE`` when rows are lost because the disk refuses them.
        """
        self._queue.close()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def counters(self) -> RecorderCounters:
        """Totals so far."""
        found = RecorderCounters(
            errors=dict(self._errors), dropped_book_rows=self._queue.dropped_book_rows
        )
        for symbol in self._symbols:
            found.adjusted += symbol.market.adjusted
            for stream, parts in symbol.parts.items():
                found.rows[stream] = found.rows.get(stream, 0) + parts.rows
                found.parts[stream] = found.parts.get(stream, 0) + parts.parts
                if not self._thread.is_alive():
                    found.lost[stream] = found.lost.get(stream, 0) + parts.waiting
        return found

    def _run(self) -> None:
        try:
            self._record()
            self._finish()
        except Exception as exc:  # noqa: BLE001 -- the outermost frame of the thread
            # `close` raises it; nobody may wait for room that will not come.
            self._failure = exc
            self._queue.close()

    def _record(self) -> None:
        pause_ns = _BACKOFF_MIN_NS
        while True:
            batch = self._queue.take(self._flush_ns)
            if batch is not None:
                self._symbols[batch.symbol].add(batch)
            elif self._queue.is_closed:
                return
            while not self._write_due() and not self._queue.is_closed:
                self._queue.pause(pause_ns)
                pause_ns = min(2 * pause_ns, _BACKOFF_MAX_NS)
            pause_ns = _BACKOFF_MIN_NS

    def _finish(self) -> None:
        for _ in range(_ATTEMPTS_LAST):
            if self._write_due(all_rows=True):
                return
        waiting = sum(parts.waiting for symbol in self._symbols for parts in symbol.parts.values())
        raise StoreError("E_REC_WRITE", f"rows={waiting}", "could not be written at the end")

    def _write_due(self, *, all_rows: bool = False) -> bool:
        """Write what is due; whether the disk took all of it."""
        took_all = True
        for symbol in self._symbols:
            for stream, parts in symbol.parts.items():
                try:
                    parts.write_due(all_rows=all_rows)
                except StoreError:
                    self._errors[stream] += 1
                    took_all = False
        return took_all
