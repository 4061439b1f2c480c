"""A feed as a catalog of the project: `python -m benches.catalog FEED.parquet DIRECTORY`.

The streaming cases read what a user's recordings look like, two streams cut into hours. The catalog
keeps books and trades apart, so trades of a packet come before its depth rows when both are merged
again: orders and fills may differ a little from a run over the feed itself.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pyarrow as pa
from benches.project import LOT_SIZE, SYMBOL, TICK_SIZE, VENUE, read_chunks

from mmbot.market.generate import ChunkSplitter
from mmbot.market.imports import commit
from mmbot.market.parts import Root
from mmbot.market.schema import SCHEMAS, STREAMS
from mmbot.market.writer import Series, StreamWriter, config_hash


def write_catalog(feed: Path, directory: Path) -> int:
    """Write the feed below `directory`, which becomes visible when it is whole; return its rows."""
    partial = directory.with_name(f"{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    cfg_hash = config_hash({"feed": feed.name})
    series = Series(
        venue=VENUE,
        symbol=SYMBOL,
        tick_size=TICK_SIZE,
        lot_size=LOT_SIZE,
        cfg_hash=cfg_hash,
        synthetic=True,
    )
    root = Root(partial)
    writers = {stream: StreamWriter(root, series, stream, tag="bench") for stream in STREAMS}
    split = ChunkSplitter()
    for chunk in read_chunks(feed):
        for stream, columns in zip(STREAMS, split(chunk.to_arrays()), strict=True):
            schema = SCHEMAS[stream]
            arrays = [pa.array(columns[field.name]).cast(field.type) for field in schema]
            writers[stream].write(pa.Table.from_arrays(arrays, schema=schema))
    parts = [part for writer in writers.values() for part in writer.finish()]
    commit(
        root,
        parts,
        source={"name": feed.name, "sha256": cfg_hash, "size_bytes": 0, "format": "bench"},
        series={},
    )
    partial.replace(directory)
    return sum(part.rows for part in parts)


if __name__ == "__main__":
    print(write_catalog(Path(sys.argv[1]), Path(sys.argv[2])))
