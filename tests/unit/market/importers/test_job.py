"""Imports of small captures: what goes in comes out."""

import pytest
from tests.unit.market.importers.captures import (
    T0_MS,
    binance_lines,
    bybit_frame,
    bybit_lines,
    quarantined,
    refused,
    rows_of,
    tardis_book_lines,
    tardis_trade_lines,
    write_lines,
)

from mmbot.errors import ConfigError
from mmbot.market.catalog import find_symbol, read_events, read_info
from mmbot.market.importers.job import ImportOptions, import_files
from mmbot.market.verify import verify_catalog
from mmbot.units import NS_PER_MS


def test_a_dump_comes_out_as_it_went_in(run, tmp_path):
    path = write_lines(tmp_path / "dump.data", bybit_lines(3))
    report = run(path)
    (series,) = report.series
    assert (series.venue, series.symbol) == ("bybit", "ABCUSDT")
    assert (series.tick_size, series.lot_size) == ("0.1", "1")
    assert series.grid_source == "inferred from the data"
    assert (series.rows_book, series.frames, series.gaps, series.clock_offset_ms) == (9, 3, 0, 0)
    t0, step = T0_MS * NS_PER_MS, 10 * NS_PER_MS
    reset, bid, ask, last = 2, 0, 4, 8
    assert rows_of(tmp_path, symbol="ABCUSDT") == [
        (reset, 0, 0, t0, t0),
        (bid, 10, 3, t0, t0),
        (bid, 9, 2, t0, t0),
        (ask | last, 12, 4, t0, t0),
        (bid, 9, 1, t0 + step, t0 + step),
        (bid, 8, 0, t0 + step, t0 + step),
        (ask | last, 13, 1, t0 + step, t0 + step),
        (bid, 9, 2, t0 + 2 * step, t0 + 2 * step),
        (bid, 8, 0, t0 + 2 * step, t0 + 2 * step),
        (ask | last, 13, 2, t0 + 2 * step, t0 + 2 * step),
    ]
    assert verify_catalog(tmp_path / "catalog").ok


def test_book_and_trades_of_one_symbol_share_a_grid(run, tmp_path):
    book = write_lines(tmp_path / "book.csv.gz", tardis_book_lines())
    lines = [line.replace(",1.2,", ",1.25,") for line in tardis_trade_lines()]
    trades = write_lines(tmp_path / "trades.csv", lines)
    report = run(book, trades)
    (series,) = report.series
    assert (series.venue, series.tick_size, series.lot_size) == ("deribit", "0.05", "1")
    assert (series.rows_book, series.rows_trades) == (11, 5)
    assert report.totals["files"] == 2
    info = find_symbol(tmp_path / "catalog", symbol="ABC")
    assert {name: stream.rows for name, stream in info.streams.items()} == {"book": 11, "trades": 5}


def test_a_recording_goes_on_in_the_next_file_whatever_their_order(run, tmp_path):
    first = write_lines(tmp_path / "b.gz", binance_lines(100, 40, snapshot=True))
    later_ns = (T0_MS + 40) * NS_PER_MS
    second = write_lines(
        tmp_path / "a.gz", binance_lines(140, 40, snapshot=False, first_ns=later_ns)
    )
    report = run(second, first)
    (series,) = report.series
    assert (series.venue, series.gaps, series.ignored) == ("binance-spot", 0, 0)
    assert series.rows_trades == 20
    # The first two updates are older than the snapshot that followed them.
    assert series.rows_book == 2 + 2 * 78
    assert verify_catalog(tmp_path / "catalog").snapshots == 1
    # Each file is its own source: a second run has nothing to do.
    again = run(first, second)
    assert again.totals["skipped"] == 2
    assert again.totals["rows"] == 0


def test_the_second_file_alone_goes_on_from_the_first(run, tmp_path):
    first = write_lines(tmp_path / "1.gz", binance_lines(100, 40, snapshot=True))
    later_ns = (T0_MS + 40) * NS_PER_MS
    second = write_lines(
        tmp_path / "2.gz", binance_lines(140, 40, snapshot=False, first_ns=later_ns)
    )
    run(first)
    report = run(first, second)
    assert [f.skipped for f in report.files] == [True, False]
    (series,) = report.series
    assert (series.rows_book, series.ignored) == (80, 0)
    assert verify_catalog(tmp_path / "catalog").gaps == 0


def test_a_recorder_clock_that_ran_behind_is_corrected_and_said(run, tmp_path):
    lines = []
    for line in binance_lines(100, 20, snapshot=True):
        stamp, _, frame = line.partition(" ")
        lines.append(f"{int(stamp) - 1_270_000_000} {frame}")
    path = write_lines(tmp_path / "x.gz", lines)
    report = run(path)
    offset_ms = report.series[0].clock_offset_ms
    # The venue's times lie 3 ms (2 ms for trades) before the true receive times.
    assert offset_ms == pytest.approx(1270 - 3, abs=1)
    latency = [local - exch for *_, exch, local in rows_of(tmp_path, symbol="ABCUSDT")]
    assert min(latency) == 0
    kept = import_files([path], ImportOptions(out=tmp_path / "kept", keep_recv=True))
    assert kept.series[0].clock_offset_ms == 0
    chunks = read_events(tmp_path / "kept", symbol="ABCUSDT")
    latency = [lag for c in chunks for lag in _latency(c.to_arrays())]
    assert max(latency) < -1_200_000_000


def _latency(arrays):
    return (arrays["ts_local"] - arrays["ts_exch"]).tolist()


def test_times_that_go_back_are_raised_and_counted(run, tmp_path):
    lines = bybit_lines(6)
    lines[3], lines[4] = (
        lines[3].replace(str(T0_MS + 30), str(T0_MS + 41)),
        lines[4].replace(str(T0_MS + 40), str(T0_MS + 1)),
    )
    report = run(write_lines(tmp_path / "dump.data", lines))
    assert report.series[0].out_of_order >= 1
    times = [row[3] for row in rows_of(tmp_path, symbol="ABCUSDT")]
    assert times == sorted(times)
    assert verify_catalog(tmp_path / "catalog").ok


def test_a_lost_frame_is_a_marked_gap(run, tmp_path):
    lines = bybit_lines(10)
    snapshot = bybit_frame("snapshot", 90, [("1.0", 1)], [("1.1", 1)], ts_ms=T0_MS + 500)
    report = run(write_lines(tmp_path / "dump.data", [*lines[:4], *lines[5:], snapshot]))
    (series,) = report.series
    assert (series.gaps, series.ignored) == (1, 5)
    assert verify_catalog(tmp_path / "catalog").gaps == 1


def test_duplicates_are_dropped_and_counted(run, tmp_path):
    lines = bybit_lines(6)
    report = run(write_lines(tmp_path / "dump.data", [*lines[:4], *lines[2:]]))
    assert (report.series[0].duplicates, report.series[0].gaps) == (2, 0)
    assert report.series[0].rows_book == 3 + 3 * 5


def test_ticks_are_a_source_too(run, tmp_path):
    lines = [
        '{"ts_ms":1000,"bid":1.0,"ask":1.5,"symbol":"abc"}',
        '{"ts_ms":2000,"bid":1.0,"ask":1.4,"symbol":"abc"}',
        '{"ts_ms":1500,"bid":1.0,"ask":1.4,"symbol":"abc"}',
    ]
    report = run(write_lines(tmp_path / "t.jsonl", lines), venue="kraken-spot")
    (series,) = report.series
    assert (series.venue, series.symbol, series.rows_book) == ("kraken-spot", "ABC", 5)
    (entry,) = quarantined(tmp_path, "t.jsonl")
    assert (entry["line"], entry["code"]) == (3, "E_BT_LOADER:time_reversed")


# --- what the catalog holds already ------------------------------------------------------------


def test_the_same_period_from_another_file_is_refused(run, tmp_path):
    run(write_lines(tmp_path / "one.data", bybit_lines(10)))
    other = write_lines(tmp_path / "two.data", bybit_lines(12))
    assert "the catalog has rows of this period" in refused(run, other)
    assert not list(tmp_path.rglob("*.tmp"))


def test_another_grid_than_the_catalogs_is_refused(run, tmp_path):
    run(write_lines(tmp_path / "one.data", bybit_lines(10)))
    later = bybit_lines(10, first_ms=T0_MS + 10_000)
    other = write_lines(tmp_path / "two.data", [line.replace('"0.9"', '"0.95"') for line in later])
    assert "needs tick_size 0.05, the catalog has 0.1" in refused(run, other)
    assert "is in the catalog with tick 0.1" in refused(run, other, tick_size="0.01", lot_size="1")
    run(write_lines(tmp_path / "three.data", later))
    assert verify_catalog(tmp_path / "catalog").rows == 60


def test_a_second_import_of_other_symbols_of_a_file(run, tmp_path):
    lines = bybit_lines(5) + [line.replace("ABCUSDT", "XYZUSDT") for line in bybit_lines(7)]
    path = write_lines(tmp_path / "dump.data", lines)
    assert run(path, symbols=("xyzusdt",)).totals["rows"] == 21
    report = run(path)
    assert report.totals["rows"] == 15
    assert run(path).totals["skipped"] == 1
    assert {i.symbol: i.rows for i in read_info(tmp_path / "catalog")} == {
        "ABCUSDT": 15,
        "XYZUSDT": 21,
    }


@pytest.mark.parametrize("step", ["0", "-1", "abc", "nan"])
def test_a_step_that_is_no_positive_number_is_refused(run, tmp_path, step):
    path = write_lines(tmp_path / "dump.data", bybit_lines())
    with pytest.raises(ConfigError, match="E_CFG_TYPE: tick-size"):
        run(path, tick_size=step)


def test_an_unknown_format_name_is_refused(run, tmp_path):
    path = write_lines(tmp_path / "dump.data", bybit_lines())
    with pytest.raises(ConfigError, match="E_CFG_RANGE: format"):
        run(path, format="excel")


def test_the_same_input_gives_the_same_bytes(tmp_path):
    path = write_lines(tmp_path / "x.gz", binance_lines(100, 50, snapshot=True))
    contents = []
    for name in ("one", "two"):
        import_files([path], ImportOptions(out=tmp_path / name))
        files = sorted(p for p in (tmp_path / name).rglob("*") if p.is_file())
        contents.append([(p.relative_to(tmp_path / name), p.read_bytes()) for p in files])
    assert len(contents[0]) >= 3
    assert contents[0] == contents[1]
