"""What a journal costs: `python -m benches.journal CATALOG [DIRECTORY]`.

Bytes a market row, by how rows are batched, for every symbol of a catalog of recorded data; time of
an append; speed of checking and reading. `DIRECTORY` is where the journals are written, because
syncs depend on the disk; a temporary directory if it is left out.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbot import core
from mmbot.clock import monotonic_ns
from mmbot.market.catalog import read_events, read_info
from mmbot.store.journal import JournalReader, JournalWriter
from mmbot.units import NS_PER_MS, NS_PER_SEC, NS_PER_US

APPENDS = 20_000
SYNCED_APPENDS = 500
ROWS_MAX = 2_000_000

Arrays = dict[str, NDArray[Any]]


def main(catalog: str, directory: Path) -> None:
    """Measure and print."""
    print("| market | rows | a packet each | 100 ms each | largest |")
    print("|---|---|---|---|---|")
    for info in read_info(catalog):
        chunks = [chunk.to_arrays() for chunk in _chunks(catalog, info.venue, info.symbol)]
        rows = sum(len(chunk["flags"]) for chunk in chunks)
        sizes = (
            sum(len(_framed(batch)) for batch in batches) / rows
            for batches in (_packets(chunks), _spans(chunks, 100 * NS_PER_MS), iter(chunks))
        )
        cells = " | ".join(f"{size:.1f}" for size in sizes)
        print(f"| {info.venue} {info.symbol} | {rows:,} | {cells} |")
    _appends(directory)
    _reading(directory, catalog)


def _chunks(catalog: str, venue: str, symbol: str) -> Iterator[core.EventChunk]:
    rows = 0
    for chunk in read_events(catalog, symbol=symbol, venue=venue):
        yield chunk
        rows += len(chunk)
        if rows > ROWS_MAX:
            return


def _framed(arrays: Arrays) -> bytes:
    framer = core.JournalFramer()
    framer.push_rows(0, core.EventChunk.from_arrays(**arrays))
    return framer.take()


def _packets(chunks: list[Arrays]) -> Iterator[Arrays]:
    for chunk in chunks:
        ends = np.flatnonzero(chunk["flags"] & 8) + 1
        yield from _cut(chunk, ends)


def _spans(chunks: list[Arrays], span_ns: int) -> Iterator[Arrays]:
    for chunk in chunks:
        yield from _cut(chunk, np.flatnonzero(np.diff(chunk["ts_local"] // span_ns)) + 1)


def _cut(chunk: Arrays, ends: NDArray[Any]) -> Iterator[Arrays]:
    bounds = np.unique(np.concatenate(([0], ends, [len(chunk["flags"])])))
    for start, end in itertools.pairwise(bounds):
        yield {name: column[start:end] for name, column in chunk.items()}


def _appends(directory: Path) -> None:
    intent = {
        "kind": "intent",
        "ts_ns": 1_754_000_000_000_000_000,
        "instrument": 1,
        "action": "place",
        "cid": 1,
        "side": "buy",
        "px": 641_230,
        "qty": 100,
        "tif": "post_only",
        "cause": "quote",
        "full_cid": 10_000,
    }
    for fsync_ms, count in ((5, APPENDS), (0, SYNCED_APPENDS)):
        framer = core.JournalFramer()
        with JournalWriter(directory, f"appends-{fsync_ms}", fsync_ms=fsync_ms) as writer:
            took = []
            for _ in range(count):
                framer.push(intent)
                frames = framer.take()
                start = monotonic_ns()
                writer.append(frames)
                took.append(monotonic_ns() - start)
            syncs = writer.metrics.fsync_ms
        p50, p99, worst = (np.percentile(took, q) / NS_PER_US for q in (50, 99, 100))
        print(
            f"append of an intent ({len(frames)} bytes), fsync_ms {fsync_ms}: "
            f"p50 {p50:.1f} us, p99 {p99:.1f} us, max {worst:.0f} us; {syncs.count} syncs, "
            f"mean {syncs.sum_ms / syncs.count:.2f} ms"
        )


def _reading(directory: Path, catalog: str) -> None:
    info = read_info(catalog)[0]
    framer = core.JournalFramer()
    with JournalWriter(directory, "rows", fsync_ms=1000) as writer:
        for chunk in _chunks(catalog, info.venue, info.symbol):
            for batch in _packets([chunk.to_arrays()]):
                framer.push_rows(0, core.EventChunk.from_arrays(**batch))
            writer.append(framer.take())
        size, path = writer.metrics.bytes_total, writer.path
    start = monotonic_ns()
    JournalReader(path).scan()
    checked = monotonic_ns()
    records = sum(1 for _ in JournalReader(path).records())
    read = monotonic_ns()
    scan_sec, read_sec = (checked - start) / NS_PER_SEC, (read - checked) / NS_PER_SEC
    size_mb = size / 1e6
    print(
        f"{size_mb:.1f} MB in {records:,} records: checked at {size_mb / scan_sec:,.0f} MB/s, "
        f"read as dictionaries at {records / read_sec:,.0f} records/s"
    )


if __name__ == "__main__":
    if len(sys.argv) > 2:
        main(sys.argv[1], Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(sys.argv[1], Path(temporary))
