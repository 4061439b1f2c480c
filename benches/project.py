"""The project's side of every comparison: the only module here that knows the project's API.

The market maker is the one that every backtester of the comparison runs (README of the peer
scripts): a decision every 100 ms of local time, quantity 0.01, limit 0.2, order entry and response
5 ms each, maker -0.5 bps, taker 4 bps, queue position by the power model. Times leave out what the
peers leave out: import, and turning the file into the engine's columns.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mmbot import core
from mmbot.market import read_events

TICK_SIZE, LOT_SIZE = "0.1", "0.001"
VENUE, SYMBOL = "bench", "SYNTHUSDT"
FRAME_SYMBOL = "BTCUSDT"

# 64 Ki rows of 30 bytes are 2 MB: a chunk stays in the second-level cache between its two passes.
CHUNK_ROWS = 1 << 16

_LATENCY_MS = 5.0
SIM: Mapping[str, Any] = {
    "mode": "queue_aware",
    "queue_model": "power",
    "queue_power_n": 2.0,
    # The peer's exchange fills a reached order whole (its partial-fill exchange aborts this run);
    # with partial fills the same run has 6% fewer fills of the same orders.
    "partial_fills": False,
    "latency_ms_mean": _LATENCY_MS,
    "latency_ms_std": 0.0,
    "amend_latency_ms": _LATENCY_MS,
    "cancel_latency_ms": _LATENCY_MS,
    "response_latency_ms": _LATENCY_MS,
}

# Flags of an engine row, see `core.EventChunk`.
_TRADE, _RESET, _SELL, _LAST = 1, 2, 4, 8
# The feed starts with its snapshot but does not say so: one reset row ahead of it does.
_RESET_ROWS = 1


def reference_lane(*, half_ticks: float, skew_ticks: float) -> dict[str, Any]:
    """Parameters of the reference market maker; the rest are its defaults."""
    return {
        "strategy.kind": "reference",
        "reference.interval_ms": 100,
        "reference.half_ticks": half_ticks,
        "reference.skew_ticks": skew_ticks,
        "reference.qty_lots": 10,
        "reference.max_lots": 200,
        "trading.maker_fee_bps": -0.5,
        "trading.taker_fee_bps": 4.0,
    }


def run_reference_mm(
    feed_path: Path,
    lanes: Sequence[Mapping[str, Any]],
    threads: int,
    session: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Run `lanes` over the feed held in memory, each in a session of these parameters if given.

    Returns:
        events, `wall_s` of the run from construction to the closed books, `load_s`, `events_per_s`
        (feed rows a second) and `lane_events_per_s` (times the lanes), sums over the lanes of
        `orders`, `cancels` and `fills`, and `state_hash` of the first lane.
    """
    start = time.perf_counter()
    chunks = list(read_chunks(feed_path))
    loaded = time.perf_counter()
    backtest = _backtest(lanes, threads, session)
    for chunk in chunks:
        backtest.feed(chunk)
    backtest.finish()
    wall_s = time.perf_counter() - loaded
    return _row(backtest, wall_s) | {"load_s": round(loaded - start, 4), "threads": threads}


def stream_reference_mm(catalog: Path, lanes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Run `lanes` on one thread while the catalog is read, so that memory does not grow with it.

    Returns:
        What `run_reference_mm` does; `wall_s` includes the reading.
    """
    start = time.perf_counter()
    backtest = _backtest(lanes, threads=1)
    for chunk in read_events(catalog, venue=VENUE, symbol=SYMBOL):
        backtest.feed(chunk)
    backtest.finish()
    return _row(backtest, time.perf_counter() - start)


def read_catalog(catalog: Path) -> dict[str, Any]:
    """Read the catalog into engine chunks on one thread and do nothing with them.

    Returns:
        events, `wall_s` and `events_per_s`.
    """
    start = time.perf_counter()
    chunks = read_events(catalog, venue=VENUE, symbol=SYMBOL, prefetch=False)
    events = sum(len(chunk) for chunk in chunks) - _RESET_ROWS
    wall_s = time.perf_counter() - start
    return {"events": events, "wall_s": round(wall_s, 4), "events_per_s": round(events / wall_s)}


def decode_frames(frames: Sequence[bytes], passes: int) -> dict[str, Any]:
    """Apply raw Bybit frames to a book and read the best prices after each one, from Python.

    Returns:
        `us_per_frame` as the median over `passes` after one pass to warm up, `best_reads` and
        `touch_sum_per_read`, which has to equal what the peers read.
    """
    book = core.FrameBook(FRAME_SYMBOL, TICK_SIZE, LOT_SIZE)
    apply = book.apply
    touch_sum, reads = 0.0, 0
    walls_s = []
    for _ in range(passes + 1):
        start = time.perf_counter()
        for frame in frames:
            top = apply(frame)
            if top is not None:
                touch_sum += top[0] + top[2]
                reads += 1
        walls_s.append(time.perf_counter() - start)
    wall_s = float(np.median(walls_s[1:]))
    return {
        "frames": len(frames),
        "us_per_frame": round(wall_s / len(frames) * 1e6, 4),
        "best_reads": reads,
        "touch_sum_per_read": round(touch_sum / reads, 4) if reads else None,
    }


def read_chunks(feed_path: Path) -> Iterator[core.EventChunk]:
    """Stream the feed's Parquet file as engine chunks that end with a whole packet."""
    file = pq.ParquetFile(feed_path, pre_buffer=False)
    held = file.schema_arrow.empty_table()
    opened = False
    for batch in file.iter_batches(batch_size=CHUNK_ROWS, use_threads=False):
        rows = pa.concat_tables([held, pa.Table.from_batches([batch])])
        if not opened:
            yield _reset(rows)
            opened = True
        ts_exch = rows["ts_exch"].to_numpy()
        # A packet whose end is not read yet waits for the next batch.
        cut = int(np.searchsorted(ts_exch, ts_exch[-1], side="left"))
        if cut > 0:
            yield _chunk(rows.slice(0, cut))
        held = rows.slice(cut)
    if held.num_rows > 0:
        yield _chunk(held)


def _reset(rows: pa.Table) -> core.EventChunk:
    """A chunk of the one row that opens the book at the time of the first of `rows`."""
    return core.EventChunk.from_arrays(
        np.array([_RESET], np.uint8),
        np.zeros(1, np.int32),
        np.zeros(1, np.int64),
        rows["ts_exch"].to_numpy()[:1],
        rows["ts_local"].to_numpy()[:1],
    )


def _chunk(rows: pa.Table) -> core.EventChunk:
    ts_exch = rows["ts_exch"].to_numpy()
    last = np.append(ts_exch[1:] != ts_exch[:-1], True)
    flags = rows["kind"].to_numpy() * np.uint8(_TRADE)
    flags |= (rows["side"].to_numpy() < 0) * np.uint8(_SELL)
    flags |= last * np.uint8(_LAST)
    return core.EventChunk.from_arrays(
        flags,
        np.rint(rows["price"].to_numpy() / float(TICK_SIZE)).astype(np.int32),
        np.rint(rows["qty"].to_numpy() / float(LOT_SIZE)).astype(np.int64),
        ts_exch,
        rows["ts_local"].to_numpy(),
    )


def _backtest(
    lanes: Sequence[Mapping[str, Any]], threads: int, session: Mapping[str, Any] | None = None
) -> core.Backtest:
    instrument = core.Instrument(SYMBOL, TICK_SIZE, LOT_SIZE)
    return core.Backtest(instrument, lanes, sim=SIM, threads=threads, session=session)


def _row(backtest: core.Backtest, wall_s: float) -> dict[str, Any]:
    lanes = backtest.lane_count
    results = [backtest.result(lane) for lane in range(lanes)]
    events = int(results[0]["rows"]) - _RESET_ROWS
    return {
        "events": events,
        "lanes": lanes,
        "wall_s": round(wall_s, 4),
        "events_per_s": round(events / wall_s),
        "lane_events_per_s": round(events * lanes / wall_s),
        "orders": sum(int(result["orders"]) for result in results),
        "cancels": sum(int(result["cancels"]) for result in results),
        "fills": sum(int(result["fills_total"]) for result in results),
        "state_hash": str(results[0]["state_hash"]),
    }
