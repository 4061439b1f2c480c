"""The recorder of a session: rows in, parts out, whatever the disk says."""

import threading

import numpy as np
import pyarrow.parquet as pq
import pytest

from mmbot import core
from mmbot.errors import StoreError
from mmbot.market import record_parts
from mmbot.market.catalog import find_symbol, read_events
from mmbot.market.parts import Root
from mmbot.market.record_market import RecordedBefore
from mmbot.market.recorder import MarketRecorder, RecordedSymbol
from mmbot.market.schema import ROW_GROUP_ROWS, SCHEMAS
from mmbot.market.verify import verify_catalog
from mmbot.market.writer import Series
from mmbot.units import NS_PER_MIN, NS_PER_SEC

START_NS = 1_767_225_600_000_000_000
# Ten minutes before an hour ends, so that a recording of twenty crosses it.
WAIT_S = 30
LATE_NS = START_NS + 50 * NS_PER_MIN


def market(start_ns=START_NS, seed=3):
    return core.MarketGenerator(seed, "calm", 50_000.0, "0.1", "0.001", start_ns)


def chunks_of(duration_ns, *, start_ns=START_NS, rows=4096):
    source = market(start_ns)
    chunks: list[core.EventChunk] = []
    while not chunks or chunks[-1].last_ts_ns < start_ns + duration_ns:
        chunks.append(source.next_chunk(rows))
    return chunks


def series(**more):
    return Series(
        venue="synthetic-calm-3",
        symbol="BTCUSDT",
        tick_size="0.1",
        lot_size="0.001",
        cfg_hash="c0ffee",
        market="linear",
        synthetic=True,
        extra={"recording": "r", **more},
    )


def recorder(root, *, queue_max=100_000, waits=True, **symbol):
    found = MarketRecorder(
        str(root),
        [RecordedSymbol(series=series(), **symbol)],
        tag="t",
        queue_max=queue_max,
        flush_ms=10,
        bins_max_bps=50,
        waits=waits,
    )
    found.start()
    return found


def record(root, chunks, **options):
    one = recorder(root, **options)
    for chunk in chunks:
        one.market(0, chunk)
    one.close()
    return one.counters()


def joined(chunks):
    arrays = [chunk.to_arrays() for chunk in chunks]
    return {name: np.concatenate([one[name] for one in arrays]) for name in arrays[0]}


def order_rows(ts_ns, kinds, cids):
    count = len(ts_ns)
    return {
        "ts_ns": np.array(ts_ns),
        "cid": np.array(cids),
        "event": kinds,
        "side": np.zeros(count, dtype=np.int64),
        "px": np.full(count, 499_990),
        "qty": np.full(count, 29),
        "level": np.arange(count),
        "color": ["green"] * count,
        "reason": ["new"] * count,
        "mid": np.full(count, 50_000.0),
        "queue_ahead": np.array([np.nan, -1.0, 12.4][:count]),
    }


def fill_rows(ts_ns, cids, px):
    count = len(ts_ns)
    return {
        "ts_ns": np.array(ts_ns) - 5,
        "ts_local_ns": np.array(ts_ns),
        "cid": np.array(cids),
        "side": np.array([1, -1] * count)[:count].astype(np.int8),
        "px": np.array(px),
        "qty": np.full(count, 0.029),
        "fee_usd": np.full(count, -0.5),
        "maker": np.ones(count, dtype=bool),
        "mid_decision": np.array([50_000.0, np.nan, 50_000.0][:count]),
        "queue_wait_ms": np.full(count, 12.5),
    }


@pytest.mark.spec("01-9.1")
def test_the_catalog_gives_back_exactly_what_was_fed(tmp_path):
    chunks = chunks_of(2 * NS_PER_MIN)
    counters = record(tmp_path, chunks)
    fed, read = joined(chunks), joined(list(read_events(tmp_path, symbol="BTCUSDT")))
    for name, column in fed.items():
        assert np.array_equal(column, read[name]), name
    assert verify_catalog(tmp_path).findings == []
    assert counters.dropped_book_rows == counters.adjusted == 0
    assert counters.rows["book"] + counters.rows["trades"] + 1 == len(fed["px"])


@pytest.mark.spec("01-9.1")
def test_a_part_holds_rows_of_one_hour_and_says_what_they_mean(tmp_path):
    record(tmp_path, chunks_of(20 * NS_PER_MIN, start_ns=LATE_NS))
    parts = Root(tmp_path).parts("book", venue="synthetic-calm-3", symbol="BTCUSDT")
    assert len({part.hour_ns for part in parts}) == 2
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.parquet"))
    base = "venue=synthetic-calm-3/symbol=BTCUSDT/date=2026-01-01"
    assert f"book/{base}/part-00-0.parquet" in names
    assert f"trades/{base}/part-01-0.parquet" in names
    assert not list(tmp_path.rglob("*.tmp"))
    for part in parts:
        footer = Root(tmp_path).footer(part)
        assert footer.first_ts_ns // NS_PER_MIN // 60 == footer.last_ts_ns // NS_PER_MIN // 60
        said = footer.metadata
        assert (said["tick_size"], said["lot_size"]) == ("0.1", "0.001")
        assert (said["schema"], said["cfg_hash"]) == ("1", "c0ffee")
        file = pq.ParquetFile(part.path)
        group = file.metadata.row_group(0)
        assert group.num_rows <= ROW_GROUP_ROWS <= 1_000_000
        assert {group.column(i).compression for i in range(group.num_columns)} == {"ZSTD"}


@pytest.mark.spec("01-9.1")
def test_orders_and_fills_become_rows_of_their_streams(tmp_path):
    one = recorder(tmp_path, cid_text=lambda cid: f"mm-{cid}", market=False)
    one.market(0, chunks_of(NS_PER_SEC)[0])
    ts_ns = [START_NS + 1, START_NS + 2, START_NS + 3]
    orders = order_rows(ts_ns, ["intent_place", "ack", "canceled"], [256, 256, 512])
    fills = fill_rows(ts_ns, [256, 256, 512], [50_005.04, 49_990.0, 49_990.0])
    one.own(0, orders=orders, fills={})
    one.own(0, orders={}, fills=fills)
    one.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fills", "orders"]
    (path,) = (tmp_path / "orders").rglob("*.parquet")
    rows = pq.read_table(path)
    assert rows.schema.equals(SCHEMAS["orders"])
    assert rows.column("cid").to_pylist() == ["mm-256", "mm-256", "mm-512"]
    assert rows.column("event").to_pylist() == ["intent_place", "ack", "canceled"]
    assert rows.column("queue_ahead").to_pylist() == [-1, -1, 12]
    (path,) = (tmp_path / "fills").rglob("*.parquet")
    rows = pq.read_table(path)
    assert rows.schema.equals(SCHEMAS["fills"])
    assert rows.column("ts_ns").to_pylist() == ts_ns
    assert rows.column("exec_id").to_pylist() == ["mm-256-1", "mm-256-2", "mm-512-1"]
    assert rows.column("px").to_pylist() == [500_050, 499_900, 499_900]
    assert rows.column("qty").to_pylist() == [29, 29, 29]
    assert rows.column("side").to_pylist() == [0, 1, 0]
    assert rows.column("color").to_pylist() == ["green"] * 3
    assert rows.column("price_bin_bps").to_pylist() == [1, -1, 2]


def test_a_market_that_comes_the_same_every_time_is_gone_on_with(tmp_path):
    chunks = chunks_of(2 * NS_PER_MIN)
    record(tmp_path / "parts", chunks[: len(chunks) // 3])
    before = RecordedBefore.read(Root(tmp_path / "parts"), "synthetic-calm-3", "BTCUSDT")
    assert before.update_id > 0
    assert before.trade_id > 0
    again = record(tmp_path / "parts", chunks[: len(chunks) // 3], before=before)
    assert again.rows["book"] == again.rows["trades"] == 0
    record(tmp_path / "parts", chunks, before=before)
    record(tmp_path / "whole", chunks)
    parts, whole = (
        joined(list(read_events(tmp_path / name, symbol="BTCUSDT"))) for name in ("parts", "whole")
    )
    for name, column in whole.items():
        assert np.array_equal(column, parts[name]), name


@pytest.mark.spec("01-9.1")
def test_a_disk_that_refuses_is_tried_again_and_nothing_is_lost(tmp_path, monkeypatch):
    refusals = iter([True] * 5)
    publish = record_parts._publish

    def refuse(*args):
        if next(refusals, False):
            raise StoreError("E_REC_WRITE", "file=x", "no space left")
        publish(*args)

    monkeypatch.setattr(record_parts, "_publish", refuse)
    monkeypatch.setattr("mmbot.market.recorder._BACKOFF_MIN_NS", 1_000_000)
    # Parts that are due while the session runs: three hours' rows.
    chunks = [
        chunk
        for hour in range(3)
        for chunk in chunks_of(NS_PER_SEC, start_ns=START_NS + hour * 60 * NS_PER_MIN)
    ]
    counters = record(tmp_path, chunks)
    assert sum(counters.errors.values()) == 5
    assert sum(counters.lost.values()) == 0
    read = joined(list(read_events(tmp_path, symbol="BTCUSDT")))
    assert np.array_equal(read["qty"], joined(chunks)["qty"])


def test_a_disk_that_never_takes_anything_ends_with_an_error_and_a_count(tmp_path):
    (tmp_path / "book").write_text("in the way")
    (tmp_path / "trades").write_text("in the way")
    one = recorder(tmp_path)
    chunks = chunks_of(NS_PER_SEC)
    for chunk in chunks:
        one.market(0, chunk)
    with pytest.raises(StoreError, match="E_REC_WRITE: rows="):
        one.close()
    counters = one.counters()
    assert counters.errors["book"] > 0
    assert counters.lost["book"] + counters.lost["trades"] + 1 == len(joined(chunks)["px"])


@pytest.mark.spec("01-9.1")
def test_a_paced_market_is_never_held_up_and_a_reader_learns_of_the_gap(tmp_path, monkeypatch):
    entered, blocked = threading.Event(), threading.Event()

    def slow(*args):
        entered.set()
        assert blocked.wait(WAIT_S)
        return publish(*args)

    publish = record_parts._publish
    monkeypatch.setattr(record_parts, "_publish", slow)
    first = chunks_of(NS_PER_SEC)
    # The first row of the next hour makes the part of the first one due.
    others = chunks_of(3 * NS_PER_MIN, start_ns=START_NS + 60 * NS_PER_MIN)
    one = recorder(tmp_path, queue_max=10_000, waits=False)
    for chunk in (*first, others[0]):
        one.market(0, chunk)
    assert entered.wait(WAIT_S)
    for chunk in others[1:]:
        one.market(0, chunk)
    assert one.counters().dropped_book_rows > 0
    blocked.set()
    one.close()
    report = verify_catalog(tmp_path)
    assert report.findings == []
    # Both markets begin with a snapshot; the third is the book after the lost rows.
    assert (report.gaps, report.snapshots) == (1, 3)
    info = find_symbol(tmp_path, symbol="BTCUSDT")
    all_rows = joined([*first, *others])
    assert info.streams["trades"].rows == int((all_rows["flags"] & 3 == 1).sum())
    assert info.streams["book"].rows < len(all_rows["px"])
