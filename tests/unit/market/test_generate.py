from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest

from mmbot import core
from mmbot.errors import MarketDataError
from mmbot.market.catalog import find_symbol, read_events
from mmbot.market.export import export_ticks
from mmbot.market.generate import ChunkSplitter, GenerateOptions, generate_market
from mmbot.market.tick_feed import open_ticks
from mmbot.market.verify import verify_catalog
from mmbot.units import NS_PER_SEC

START_NS = 1_704_067_200 * NS_PER_SEC
OPTIONS = GenerateOptions(
    symbol="SIMUSDT",
    regime="mixed",
    duration_ns=30 * NS_PER_SEC,
    seed=7,
    start_price=100.0,
    tick_size="0.01",
    lot_size="0.1",
    start_ts_ns=START_NS,
    levels=20,
)


def generated():
    """The rows of the same market, straight from the generator."""
    market = core.MarketGenerator(7, "mixed", 100.0, "0.01", "0.1", START_NS, 20)
    end_ns = START_NS + OPTIONS.duration_ns
    found = []
    while len(chunk := market.next_chunk(5_000, end_ns)):
        found.append(chunk.to_arrays())
    return {name: np.concatenate([a[name] for a in found]) for name in found[0]}


def test_the_catalog_holds_the_generators_market(tmp_path):
    seen: list[int] = []
    info = generate_market(tmp_path, OPTIONS, seen.append)
    assert (info.synthetic, info.venue, info.tick_size) == (True, "synthetic", "0.01")
    assert info.metadata["seed"] == "7"
    assert info.metadata["regime"] == "mixed"
    assert seen[-1] == OPTIONS.duration_ns
    expected = generated()
    arrays = [c.to_arrays() for c in read_events(tmp_path, symbol="SIMUSDT")]
    found = {name: np.concatenate([a[name] for a in arrays]) for name in arrays[0]}
    assert len(found["px"]) == len(expected["px"]) > 5_000
    for kind in range(4):
        mine, theirs = (rows["flags"] & 3 == kind for rows in (found, expected))
        for name in ("px", "qty", "ts_exch", "ts_local"):
            assert np.array_equal(found[name][mine], expected[name][theirs]), (kind, name)
    depth = [rows["flags"][rows["flags"] & 3 == 0] for rows in (found, expected)]
    assert np.array_equal(*depth)
    report = verify_catalog(tmp_path)
    assert (report.ok, report.gaps) == (True, 0)


def test_the_same_options_give_the_same_bytes_and_run_once(tmp_path):
    generate_market(tmp_path / "a", OPTIONS)
    generate_market(tmp_path / "a", OPTIONS)
    generate_market(tmp_path / "b", OPTIONS)
    contents = [
        [path.read_bytes() for path in sorted((tmp_path / name).rglob("*")) if path.is_file()]
        for name in ("a", "b")
    ]
    assert len(contents[0]) == 3
    assert contents[0] == contents[1]


def test_another_market_of_the_same_period_is_refused(tmp_path):
    generate_market(tmp_path, OPTIONS)
    with pytest.raises(MarketDataError, match=r"E_REC_IMPORT: file=.*holds other rows"):
        generate_market(tmp_path, replace(OPTIONS, seed=8))
    generate_market(tmp_path, replace(OPTIONS, seed=8, symbol="OTHER"))
    later = replace(OPTIONS, start_ts_ns=START_NS + 2 * OPTIONS.duration_ns)
    assert generate_market(tmp_path, later).streams["book"].parts == 2


def test_a_failing_generator_leaves_nothing(tmp_path):
    with pytest.raises(core.CoreError):
        generate_market(tmp_path, replace(OPTIONS, regime="boring"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_splitting_does_not_depend_on_how_chunks_are_cut():
    rows = generated()
    count = len(rows["px"])
    whole = ChunkSplitter()(rows)
    split = ChunkSplitter()
    cuts = [0, 1, 2, 40, 41, 1_000, 1_003, count]
    pieces = [
        split({name: column[begin:end] for name, column in rows.items()})
        for begin, end in pairwise(cuts)
    ]
    for stream in (0, 1):
        for name in ("ts_ns", "px", "qty", "side"):
            joined = np.concatenate([piece[stream][name] for piece in pieces])
            assert np.array_equal(joined, whole[stream][name])
    for name in ("update_id", "kind"):
        joined = np.concatenate([piece[0][name] for piece in pieces])
        assert np.array_equal(joined, whole[0][name])


def test_exported_ticks_tell_the_same_story(tmp_path):
    generate_market(tmp_path / "catalog", OPTIONS)
    path = tmp_path / "ticks.jsonl"
    lines = export_ticks(tmp_path / "catalog", path, symbol="SIMUSDT")
    assert len(path.read_bytes().splitlines()) == lines > 100
    feed = open_ticks(path)
    assert (feed.symbol, feed.tick_size, feed.lot_size) == ("SIMUSDT", "0.01", "0.1")
    rows = [c.to_arrays() for c in feed.chunks()]
    flags, px, qty = (np.concatenate([r[n] for r in rows]) for n in ("flags", "px", "qty"))
    trades = pq.ParquetFile(next((tmp_path / "catalog" / "trades").rglob("*.parquet"))).read()
    prints = flags & 3 == 1
    kept = int(prints.sum())
    # Prints after the last change of the quotes have no line.
    assert len(trades) - 20 <= kept <= len(trades)
    assert px[prints].tolist() == trades.column("px").to_pylist()[:kept]
    assert qty[prints].tolist() == trades.column("qty").to_pylist()[:kept]


def test_an_exported_range_is_half_open(tmp_path):
    generate_market(tmp_path / "catalog", OPTIONS)
    path = tmp_path / "ticks.jsonl"
    start, end = START_NS + 5 * NS_PER_SEC, START_NS + 6 * NS_PER_SEC
    export_ticks(tmp_path / "catalog", path, symbol="SIMUSDT", start_ns=start, end_ns=end)
    times = [int(line.rpartition(b'"ts_ms":')[2][:-1]) for line in path.read_bytes().splitlines()]
    assert start // 10**6 <= min(times) <= max(times) < end // 10**6
    with pytest.raises(MarketDataError, match="E_BT_NO_DATA"):
        export_ticks(tmp_path / "catalog", path, symbol="SIMUSDT", start_ns=end * 2)
    assert path.read_bytes().count(b"\n") == len(times)
    assert find_symbol(tmp_path / "catalog", symbol="SIMUSDT").rows > 0
