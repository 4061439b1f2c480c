"""Recording without an engine: feeds, a pace, and a recorder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mmbot import clock, core
from mmbot.errors import MarketDataError
from mmbot.market.recorder import MarketRecorder
from mmbot.trading.pacing import Pacer
from mmbot.trading.session import EndReason, Feed
from mmbot.trading.stopping import StopRequest

__all__ = ["FeedRecording", "RecordedFeed"]


@dataclass(frozen=True, slots=True)
class RecordedFeed:
    """A feed, and the venue time of the last row that is there already (None: none is)."""

    feed: Feed
    last_ts_ns: int | None


class FeedRecording:
    """Passes the chunks of several feeds to a recorder; `run` is called once.

    Args:
        recorder: not started.
        feeds: in the recorder's order.
        speed: market time per wall time, None is as fast as possible.
        duration_ns: venue time to record from the first row on, None is without end.
    """

    def __init__(
        self,
        recorder: MarketRecorder,
        feeds: Sequence[RecordedFeed],
        *,
        speed: int | None,
        duration_ns: int | None,
    ) -> None:
        self._recorder = recorder
        self._feeds = tuple(feeds)
        self._speed = speed
        self._duration_ns = duration_ns

    def run(self, stop: StopRequest) -> EndReason:
        """Record until the end, then write what waits.

        Raises:
            MarketDataError: ``E_BT_NO_DATA`` for a feed without a row, ``E_REC_IMPORT`` for one
            whose period is in the catalog already.
            StoreError: ``E_REC_WRITE`` when rows are lost.
        """
        firsts = [_first(feed) for feed in self._feeds]
        start_ns = min(chunk.first_ts_ns for chunk in firsts)
        self._recorder.start()
        try:
            return self._record(firsts, start_ns, stop)
        finally:
            self._recorder.close()

    def _record(
        self, firsts: Sequence[core.EventChunk], start_ns: int, stop: StopRequest
    ) -> EndReason:
        end_ns = None if self._duration_ns is None else start_ns + self._duration_ns
        streams = [
            _until(_chained(first, each.feed.chunks), end_ns)
            for first, each in zip(firsts, self._feeds, strict=True)
        ]
        reached_ns: list[int | None] = [start_ns] * len(streams)
        pacer = Pacer(self._speed, start_ns, clock.monotonic_ns())
        while not stop.requested:
            target_ns = pacer.target_ns(clock.monotonic_ns())
            for at, stream in enumerate(streams):
                while (at_ns := reached_ns[at]) is not None and at_ns < target_ns:
                    chunk = next(stream, None)
                    reached_ns[at] = None if chunk is None else chunk.last_ts_ns
                    if chunk is not None:
                        self._recorder.market(at, chunk)
            if all(at_ns is None for at_ns in reached_ns):
                return "data_end" if end_ns is None else "duration"
            clock.sleep_ns(pacer.rest_ns(clock.monotonic_ns()))
        return "interrupted"


def _first(recorded: RecordedFeed) -> core.EventChunk:
    symbol = recorded.feed.symbol
    for chunk in recorded.feed.chunks:
        if not len(chunk):
            continue
        last_ns = recorded.last_ts_ns
        if last_ns is not None and chunk.first_ts_ns <= last_ns:
            raise MarketDataError(
                "E_REC_IMPORT",
                f"symbol={symbol}",
                "is in recorder.data_dir for this period already",
            )
        return chunk
    raise MarketDataError("E_BT_NO_DATA", f"symbol={symbol}", "has no row")


def _chained(
    first: core.EventChunk, others: Iterator[core.EventChunk]
) -> Iterator[core.EventChunk]:
    yield first
    yield from others


def _until(chunks: Iterator[core.EventChunk], end_ns: int | None) -> Iterator[core.EventChunk]:
    """The rows before venue time `end_ns`; rows of a packet have one time, so none is cut."""
    for chunk in chunks:
        if end_ns is None or chunk.last_ts_ns < end_ns:
            if len(chunk):
                yield chunk
            continue
        rows = chunk.to_arrays()
        count = int(np.searchsorted(rows["ts_exch"], end_ns))
        if count:
            yield core.EventChunk.from_arrays(**{name: rows[name][:count] for name in rows})
        return
