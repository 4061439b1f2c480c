import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.market.catalogs import (
    MIDNIGHT_NS,
    SYMBOL,
    VENUE,
    level,
    series,
    table,
    write_catalog,
)

from mmbot.market.parts import Root
from mmbot.market.schema import ROW_GROUP_ROWS, BookKind
from mmbot.market.writer import Monotonic, StreamWriter, column_sums, config_hash
from mmbot.units import NS_PER_HOUR


def rows_at(times):
    return [level(ts, ts, i, BookKind.DELTA, 0, 5, 1) for i, ts in enumerate(times)]


def test_rows_go_into_the_file_of_their_hour(tmp_path):
    times = [MIDNIGHT_NS - 1, MIDNIGHT_NS, MIDNIGHT_NS + NS_PER_HOUR, MIDNIGHT_NS + NS_PER_HOUR]
    write_catalog(tmp_path, rows_at(times), batch_rows=3)
    base = tmp_path / "book" / f"venue={VENUE}" / f"symbol={SYMBOL}"
    found = {
        path.relative_to(base).as_posix(): pq.read_table(path).column("ts_ns").to_pylist()
        for path in sorted(base.rglob("*.parquet"))
    }
    assert found == {
        "date=2024-08-08/part-23-0.parquet": times[:1],
        "date=2024-08-09/part-00-0.parquet": times[1:2],
        "date=2024-08-09/part-01-0.parquet": times[2:],
    }


def test_a_second_file_of_an_hour_gets_the_next_number(tmp_path):
    write_catalog(tmp_path, rows_at([MIDNIGHT_NS]))
    write_catalog(tmp_path, rows_at([MIDNIGHT_NS + 5]), source="b" * 64)
    names = sorted(path.name for path in tmp_path.rglob("*.parquet"))
    assert names == ["part-00-0.parquet", "part-00-1.parquet"]


def test_metadata_says_what_the_rows_are(tmp_path):
    write_catalog(tmp_path, rows_at([MIDNIGHT_NS, MIDNIGHT_NS + 1]), synthetic=True)
    root = Root(tmp_path)
    (part,) = root.parts("book", venue=VENUE, symbol=SYMBOL)
    footer = root.footer(part)
    assert (footer.rows, footer.first_ts_ns, footer.last_ts_ns) == (2, MIDNIGHT_NS, MIDNIGHT_NS + 1)
    wanted = {
        "schema": "1",
        "tick_size": "0.1",
        "lot_size": "0.001",
        "cfg_hash": "0" * 64,
        "synthetic": "1",
        "rows": "2",
        "sum_px": "10",
        "sum_qty": "2",
    }
    assert wanted.items() <= footer.metadata.items()


def test_row_groups_are_bounded_and_compressed(tmp_path):
    root = Root(tmp_path)
    writer = StreamWriter(root, series(), "book", tag="t")
    count = ROW_GROUP_ROWS + 10
    times = np.full(count, MIDNIGHT_NS)
    ones = np.ones(count, dtype=np.int64)
    rows = list(zip(*[times.tolist()] * 2, *[ones.tolist()] * 6, strict=True))
    for begin in range(0, count, 100_000):
        writer.write(table("book", rows[begin : begin + 100_000]))
    (part,) = writer.finish()
    metadata = pq.read_metadata(tmp_path / part.temp)
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [
        ROW_GROUP_ROWS,
        10,
    ]
    assert {metadata.row_group(0).column(i).compression for i in range(8)} == {"ZSTD"}


def test_unfinished_and_aborted_files_are_no_parts(tmp_path):
    root = Root(tmp_path)
    writer = StreamWriter(root, series(), "book", tag="t")
    writer.write(table("book", rows_at([MIDNIGHT_NS, MIDNIGHT_NS + NS_PER_HOUR])))
    assert len(list(tmp_path.rglob("*.tmp"))) == 2
    assert root.parts("book", venue=VENUE, symbol=SYMBOL) == []
    writer.abort()
    assert list(tmp_path.rglob("*.tmp")) == []


def test_time_that_goes_back_is_our_own_mistake(tmp_path):
    writer = StreamWriter(Root(tmp_path), series(), "book", tag="t")
    writer.write(table("book", rows_at([MIDNIGHT_NS + 1])))
    with pytest.raises(AssertionError):
        writer.write(table("book", rows_at([MIDNIGHT_NS])))
    writer.abort()


@given(
    times=st.lists(st.tuples(st.integers(-5, 50), st.integers(-5, 50)), max_size=30),
    cut=st.integers(0, 30),
)
def test_monotonic_is_a_running_maximum_over_batches(times, cut):
    clock = Monotonic()
    out = []
    for batch in (times[:cut], times[cut:]):
        ts, recv = (np.array([row[i] for row in batch], dtype=np.int64) for i in (0, 1))
        out += list(zip(*(column.tolist() for column in clock.apply(ts, recv)), strict=True))
    expected = [
        (max(t for t, _ in times[: i + 1]), max(r for _, r in times[: i + 1]))
        for i in range(len(times))
    ]
    assert out == expected
    assert clock.adjusted == sum(a != b for a, b in zip(times, expected, strict=True))


def test_sums_wrap_like_the_columns_they_check():
    big = 2**62
    rows = [level(1, 1, 1, BookKind.DELTA, 0, big, 1) for _ in range(5)]
    assert column_sums(table("book", rows)) == (5 * big % 2**64, 5)


def test_the_hash_of_options_does_not_depend_on_their_order():
    assert config_hash({"a": 1, "b": "x"}) == config_hash({"b": "x", "a": 1})
    assert config_hash({"a": 1}) != config_hash({"a": 2})
