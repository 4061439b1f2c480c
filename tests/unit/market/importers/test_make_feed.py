import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.market.importers.captures import quarantined, refused, rows_of


def feed_table(**columns):
    rows = {
        "ts_exch": [10, 10, 20, 20, 30],
        "ts_local": [15, 15, 25, 25, 35],
        "kind": [0, 0, 1, 0, 0],
        "side": [1, -1, 1, -1, 1],
        "price": [1.0, 1.2, 1.2, 1.2, 0.9],
        "qty": [0.5, 0.5, 0.1, 0.4, 0.2],
    } | columns
    types = [pa.int64(), pa.int64(), pa.uint8(), pa.int8(), pa.float64(), pa.float64()]
    arrays = [pa.array(column, type=t) for column, t in zip(rows.values(), types, strict=True)]
    return pa.Table.from_arrays(arrays, names=list(rows))


def feed_file(tmp_path, **columns):
    pq.write_table(feed_table(**columns), tmp_path / "feed.parquet")
    return tmp_path / "feed.parquet"


def test_a_benchmark_feed(run, tmp_path):
    report = run(feed_file(tmp_path), symbols=("MINE",), venue="lab")
    (series,) = report.series
    assert (series.venue, series.symbol) == ("lab", "MINE")
    assert (series.tick_size, series.lot_size) == ("0.1", "0.1")
    assert rows_of(tmp_path, symbol="MINE") == [
        (2, 0, 0, 10, 15),
        (0, 10, 5, 10, 15),
        (12, 12, 5, 10, 15),
        (1, 12, 1, 20, 25),
        (12, 12, 4, 20, 25),
        (8, 9, 2, 30, 35),
    ]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"price": [1.0, 1.2, float("nan"), 1.2, 0.9]}, "price is not a positive multiple"),
        ({"qty": [0.5, 0.5, -0.1, 0.4, 0.2]}, "quantity is not a multiple"),
        ({"qty": [0.5, 0.5, 0.0, 0.4, 0.2]}, "a trade has no size"),
        ({"kind": [0, 0, 7, 0, 0]}, "kind is neither"),
        ({"side": [1, -1, 0, -1, 1]}, "side is neither"),
    ],
)
def test_bad_rows_of_a_benchmark_feed_are_put_aside(run, tmp_path, columns, reason):
    report = run(feed_file(tmp_path, **columns))
    (entry,) = quarantined(tmp_path, "feed.parquet")
    assert entry["line"] == 2
    assert reason in entry["reason"]
    assert report.totals["rows"] == 4


def test_unsorted_times_of_a_benchmark_feed_are_refused(run, tmp_path):
    path = feed_file(tmp_path, ts_exch=[10, 10, 20, 19, 30])
    assert "row=3 exchange time goes back" in refused(run, path, code="E_MD_CLOCK")


def test_half_a_parquet_file_is_refused(run, tmp_path):
    path = feed_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-50])
    assert "line=0 is not a complete Parquet file" in refused(run, path)


def test_a_parquet_file_without_a_column_is_refused(run, tmp_path):
    path = tmp_path / "feed.parquet"
    pq.write_table(feed_table().drop_columns(["qty"]), path)
    assert "has no column qty" in refused(run, path)
