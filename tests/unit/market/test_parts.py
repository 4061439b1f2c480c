import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.market.catalogs import MIDNIGHT_NS, SYMBOL, VENUE, level, table, write_catalog

from mmbot.errors import MarketDataError
from mmbot.market.catalog import find_symbol, read_info
from mmbot.market.column_pages import column_batches
from mmbot.market.parts import Root
from mmbot.market.schema import BookKind
from mmbot.units import NS_PER_HOUR

ROWS = [level(MIDNIGHT_NS + i, MIDNIGHT_NS + i, i, BookKind.DELTA, 0, 5, 1) for i in range(100)]


@pytest.fixture
def part(tmp_path):
    write_catalog(tmp_path, ROWS)
    (found,) = tmp_path.rglob("*.parquet")
    return found


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BTC-USD-SWAP", "1000PEPE/USDT", "A B%c=d"])
def test_any_name_survives_the_path(tmp_path, symbol):
    write_catalog(tmp_path, ROWS, symbol=symbol, venue="x/y z")
    assert [(i.venue, i.symbol) for i in read_info(tmp_path)] == [("x/y z", symbol)]


def test_only_the_hours_of_the_range_are_listed(tmp_path):
    times = [MIDNIGHT_NS + hour * NS_PER_HOUR for hour in range(30)]
    write_catalog(tmp_path, [level(ts, ts, 1, BookKind.DELTA, 0, 5, 1) for ts in times])
    parts = Root(tmp_path).parts(
        "book", venue=VENUE, symbol=SYMBOL, start_ns=times[22] + 1, end_ns=times[25]
    )
    assert [p.hour_ns for p in parts] == times[22:25]


def test_an_absent_catalog_is_empty(tmp_path):
    assert read_info(tmp_path / "nothing") == []


@pytest.mark.spec("01-9.1")
def test_a_catalog_may_lie_behind_a_url(tmp_path):
    write_catalog(f"file://{tmp_path.as_posix()}", ROWS)
    assert read_info(f"file://{tmp_path.as_posix()}")[0].rows == 100
    write_catalog("memory://research", ROWS)
    (info,) = read_info("memory://research")
    assert (info.rows, info.tick_size) == (100, "0.1")


@pytest.mark.spec("01-9.1")
def test_unfinished_files_and_strangers_are_not_looked_at(part, tmp_path):
    (part.parent / "part-00-9.parquet.tmp").write_bytes(b"PAR1")
    (part.parent / "notes.txt").write_text("hello")
    assert read_info(tmp_path)[0].rows == 100


def refusal(tmp_path):
    with pytest.raises(MarketDataError) as caught:
        read_info(tmp_path)
    error = caught.value
    assert error.code == "E_MD_FRAME"
    assert "part-00-0.parquet row=0" in error.key
    return error.message


@pytest.mark.parametrize("keep", [0, 3, 100, -1])
def test_half_a_parquet_file_is_refused_by_name(part, tmp_path, keep):
    data = part.read_bytes()
    part.write_bytes(data[:keep])
    assert "is not a complete Parquet file" in refusal(tmp_path)


def rewrite(part, change, metadata=None):
    with pq.ParquetFile(part) as file:
        held = {k: v for k, v in file.metadata.metadata.items() if not k.startswith(b"ARROW")}
        after = change(file.read())
    pq.write_table(after.replace_schema_metadata({**held, **(metadata or {})}), part)


def test_a_missing_column_is_refused_by_name(part, tmp_path):
    rewrite(part, lambda t: t.drop_columns(["qty"]))
    assert "has no column qty" in refusal(tmp_path)


def test_a_column_of_another_type_is_refused(part, tmp_path):
    at = 6
    rewrite(part, lambda t: t.set_column(at, "px", t.column("px").cast(pa.float64())))
    assert "has column px as double, not int64" in refusal(tmp_path)


def test_rows_without_a_value_are_refused_by_file_and_row(part, tmp_path):
    def blank(rows):
        px = pa.array([None if i == 7 else 5 for i in range(rows.num_rows)], pa.int64())
        return rows.set_column(rows.schema.get_field_index("px"), "px", px)

    rewrite(part, blank)
    (found,) = Root(tmp_path).parts("book", venue=VENUE, symbol=SYMBOL)
    with pytest.raises(
        MarketDataError, match=r"E_MD_FRAME: file=.*part-00-0\.parquet row=0 has rows"
    ):
        list(column_batches(Root(tmp_path), found, ["ts_ns", "px"]))


@pytest.mark.parametrize("loaded_before", [False, True])
def test_arrow_takes_the_memory_of_columns_from_the_system(loaded_before):
    imports = ["import mmbot.market", "import pyarrow"]
    code = "; ".join(reversed(imports) if loaded_before else imports)
    code += "; print(pyarrow.default_memory_pool().backend_name)"
    env = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("system", "")


def test_another_schema_version_is_refused(part, tmp_path):
    rewrite(part, lambda t: t, {b"schema": b"2"})
    assert "has schema 2, not 1" in refusal(tmp_path)


def test_a_file_without_rows_is_refused(part, tmp_path):
    rewrite(part, lambda t: t.slice(0, 0))
    assert "has no rows" in refusal(tmp_path)


def test_an_unknown_symbol_is_refused_with_what_there_is(part, tmp_path):
    with pytest.raises(MarketDataError, match=r"E_BT_NO_DATA: symbol=XYZ .*test/ABC"):
        find_symbol(tmp_path, symbol="XYZ")


def test_a_symbol_of_two_venues_has_to_be_chosen(part, tmp_path):
    write_catalog(tmp_path, ROWS, venue="other")
    with pytest.raises(MarketDataError, match=r"E_BT_SOURCE: symbol=ABC .*other, test"):
        find_symbol(tmp_path, symbol="ABC")
    assert find_symbol(tmp_path, symbol="ABC", venue="other").venue == "other"


def test_the_same_period_twice_is_refused(part, tmp_path):
    twin = part.with_name("part-00-1.parquet")
    twin.write_bytes(part.read_bytes())
    with pytest.raises(MarketDataError, match=r"E_MD_CLOCK: file=.*part-00-1\.parquet row=0"):
        read_info(tmp_path)


def test_parts_on_different_grids_are_refused(part, tmp_path):
    later = [level(MIDNIGHT_NS + 500, MIDNIGHT_NS + 500, 1, BookKind.DELTA, 0, 5, 1)]
    write_catalog(tmp_path, later, source="b" * 64, tick_size="0.5")
    with pytest.raises(MarketDataError, match="another tick_size"):
        read_info(tmp_path)


@pytest.mark.spec("01-9.1")
def test_tables_have_the_schema_of_their_stream():
    assert table("trades", []).schema.names[2] == "trade_id"
