import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.market.catalogs import MIDNIGHT_NS, level, write_catalog

from mmbot.errors import MarketDataError
from mmbot.market import stats as stats_module
from mmbot.market.schema import BookKind
from mmbot.market.stats import symbol_stats
from mmbot.market.verify import verify_catalog

SNAPSHOT = [
    level(MIDNIGHT_NS, MIDNIGHT_NS, 1, BookKind.SNAPSHOT, 0, 10, 5),
    level(MIDNIGHT_NS, MIDNIGHT_NS, 1, BookKind.SNAPSHOT, 1, 12, 5),
]
DELTAS = [
    level(MIDNIGHT_NS + i, MIDNIGHT_NS + i + 2, 1 + i, BookKind.DELTA, i % 2, 9 + 4 * (i % 2), 3)
    for i in range(1, 40)
]
TRADES = [(MIDNIGHT_NS + i, MIDNIGHT_NS + i, str(i), i % 2, 11, 1 + i) for i in range(10)]


@pytest.fixture
def root(tmp_path):
    write_catalog(tmp_path, [*SNAPSHOT, *DELTAS], TRADES)
    return tmp_path


def book_file(root):
    (found,) = (root / "book").rglob("*.parquet")
    return found


def rewrite(path, column, change):
    """Changes a column in place, behind the back of the file's own sums."""
    with pq.ParquetFile(path) as file:
        held = {k: v for k, v in file.metadata.metadata.items() if not k.startswith(b"ARROW")}
        table = file.read()
    at = table.schema.get_field_index(column)
    values = table.column(column).to_numpy().copy()
    change(values)
    field = table.schema.field(at)
    table = table.set_column(at, field, pa.array(values, type=field.type))
    pq.write_table(table.replace_schema_metadata(held), path)


def findings(root, **options):
    return [(f.code, f.row, f.reason, f.count) for f in verify_catalog(root, **options).findings]


def test_what_was_written_is_sound(root):
    seen: list[int] = []
    report = verify_catalog(root, on_bytes=seen.append)
    assert report.ok
    assert (report.parts, report.rows, report.packets) == (2, 51, 40)
    assert (report.snapshots, report.gaps) == (1, 0)
    assert sum(seen) == sum(path.stat().st_size for path in root.rglob("*.parquet"))


def test_marked_gaps_are_counted_and_no_damage(tmp_path):
    gap = level(MIDNIGHT_NS + 1, MIDNIGHT_NS + 1, 2, BookKind.GAP, 0, 0, 0)
    write_catalog(tmp_path, [*SNAPSHOT, gap])
    report = verify_catalog(tmp_path)
    assert (report.ok, report.gaps) == (True, 1)


@pytest.mark.parametrize(
    ("column", "row", "value", "code", "reason"),
    [
        ("qty", 7, -1, "E_MD_FRAME", "has a negative size"),
        ("px", 8, 0, "E_MD_FRAME", "has a price that is not above zero"),
        ("side", 9, 2, "E_MD_FRAME", "has an unknown side"),
        ("kind", 10, 2, "E_MD_FRAME", "has an unknown kind"),
        ("ts_ns", 11, MIDNIGHT_NS - 1, "E_MD_CLOCK", "ts_ns goes back"),
        ("recv_ns", 12, 0, "E_MD_CLOCK", "recv_ns goes back"),
    ],
)
def test_damaged_rows_are_named(root, column, row, value, *, code, reason):
    def change(values):
        values[row] = value

    rewrite(book_file(root), column, change)
    found = findings(root)
    assert (code, row, reason, 1) in found


def test_a_crossed_book_is_named_with_its_first_row(root):
    def cross(values):
        values[5] = 14

    rewrite(book_file(root), "px", cross)
    codes = {(code, row) for code, row, reason, _ in findings(root) if "crossed" in reason}
    assert codes == {("E_MD_CROSSED", 5)}


def test_changed_values_do_not_match_the_sums(root):
    def change(values):
        values[7] += 1

    rewrite(book_file(root), "qty", change)
    ((code, row, reason, _),) = findings(root)
    assert (code, row) == ("E_MD_FRAME", 0)
    assert "rows and sums" in reason


def test_a_flipped_bit_is_found_by_the_checksum(root):
    path = book_file(root)
    with pq.ParquetFile(path) as file:
        column = file.metadata.row_group(0).column(7)
        at = column.dictionary_page_offset + column.total_compressed_size - 1
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    report = verify_catalog(root)
    assert [f.code for f in report.findings] == ["E_MD_FRAME"]
    assert report.findings[0].file.endswith("part-00-0.parquet")
    assert report.parts == 2


def test_half_a_file_is_a_finding_and_the_rest_is_checked(root):
    path = book_file(root)
    path.write_bytes(path.read_bytes()[:200])
    report = verify_catalog(root)
    assert report.rows == len(TRADES)
    assert report.findings[0].line().startswith("E_MD_FRAME: file=")
    assert "part-00-0.parquet row=0 is not a complete Parquet file" in report.findings[0].line()


def test_nothing_to_check_is_an_error(tmp_path):
    with pytest.raises(MarketDataError, match="E_BT_NO_DATA"):
        verify_catalog(tmp_path)


def test_statistics_count_what_is_there(root):
    stats = symbol_stats(root, symbol="ABC")
    assert (stats.packets, stats.snapshots, stats.gaps, stats.crossed) == (40, 1, 0, 0)
    assert (stats.trades, stats.buys) == (10, 5)
    assert stats.volume_base == pytest.approx(55 * 0.001)
    assert stats.volume_quote == pytest.approx(55 * 0.001 * 1.1)
    # The touch stays at 10 and 12: the deltas change levels behind it.
    assert set(stats.spread_ticks.values()) == {2.0}
    assert stats.spread_bps["p50"] == pytest.approx(1e4 * 2 / 11)
    assert stats.feed_latency_ms["p99"] == pytest.approx(2e-6)
    assert stats.min_px == pytest.approx(1.0)
    assert stats.max_px == pytest.approx(1.2)


def test_quantiles_of_long_streams_come_from_an_even_sample(monkeypatch):
    monkeypatch.setattr(stats_module, "_SAMPLE", 100)
    sample = stats_module._Sample()
    for begin in range(0, 10_000, 37):
        sample.add(np.arange(begin, min(begin + 37, 10_000), dtype=np.float64))
    found = sample.quantiles()
    assert sample._size <= 200
    assert found["p50"] == pytest.approx(5_000, rel=0.03)
    assert found["p01"] == pytest.approx(100, abs=130)
