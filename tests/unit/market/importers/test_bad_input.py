"""Every kind of bad input has a typed error or a place in the side file, naming file and row."""

import pytest
from tests.unit.market.importers.captures import (
    T0_MS,
    binance_lines,
    bybit_frame,
    bybit_lines,
    quarantined,
    refused,
    tardis_book_lines,
    tardis_trade_lines,
    write_lines,
)

from mmbot.errors import MarketDataError
from mmbot.market.catalog import read_info
from mmbot.market.importers.job import ImportOptions, import_files
from mmbot.market.verify import verify_catalog


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('["0.9","3"]', '["0.9","-3"]', "negative price or size"),
        ('["0.9","3"]', '["NaN","3"]', "not a number"),
        ('["0.9","3"]', '["0.9"]', "unexpected byte"),
        ('"seq":80', '"seq":80', None),
    ],
    ids=["negative quantity", "NaN price", "short level", "nothing wrong"],
)
def test_a_bad_row_is_put_aside_with_its_reason(run, tmp_path, old, new, reason):
    lines = bybit_lines(8)
    assert old in lines[3]
    lines[3] = lines[3].replace(old, new)
    report = run(write_lines(tmp_path / "dump.data", lines))
    (file,) = report.files
    if reason is None:
        assert file.quarantined == 0
        assert not (tmp_path / "catalog" / "quarantine").exists()
        return
    assert file.quarantined == 1
    assert file.first_errors[0].startswith(f"E_REC_IMPORT: file={file.path} line=4 offset=")
    assert reason in file.first_errors[0]
    (entry,) = quarantined(tmp_path, "dump.data")
    assert (entry["line"], entry["code"], entry["reason"]) == (4, "E_MD_FRAME", reason)
    assert entry["raw"] == lines[3]
    # Without the frame the book is unusable.
    assert verify_catalog(tmp_path / "catalog").gaps == 1


def test_a_crossed_snapshot_is_named_with_its_line(run, tmp_path):
    crossed = bybit_frame("snapshot", 50, [("1.3", 1)], [("1.2", 1)], ts_ms=T0_MS + 300)
    good = bybit_frame("snapshot", 60, [("1.0", 1)], [("1.2", 1)], ts_ms=T0_MS + 400)
    lines = [*bybit_lines(4), crossed, good]
    report = run(write_lines(tmp_path / "dump.data", lines))
    assert report.series[0].crossed == 1
    (entry,) = quarantined(tmp_path, "dump.data")
    assert (entry["line"], entry["code"], entry["raw"]) == (5, "E_MD_CROSSED", crossed)
    assert "line=5 offset=0 E_MD_CROSSED" in report.files[0].first_errors[0]
    report = verify_catalog(tmp_path / "catalog")
    assert (report.ok, report.gaps, report.snapshots) == (True, 1, 2)


def test_a_crossed_message_of_several_lines_is_named(run, tmp_path):
    lines = tardis_book_lines()
    at = lines[5].split(",")
    lines.insert(5, ",".join([*at[:2], str(int(at[2]) - 1), *at[3:5], "bid", "1.2", "1"]))
    run(write_lines(tmp_path / "book.csv", lines))
    (entry,) = quarantined(tmp_path, "book.csv")
    assert (entry["line"], entry["code"]) == (6, "E_MD_CROSSED")


def test_nothing_but_a_crossed_snapshot_is_refused(run, tmp_path):
    path = write_lines(
        tmp_path / "dump.data", [bybit_frame("snapshot", 50, [("1.3", 1)], [("1.2", 1)])]
    )
    assert "line=1 offset=0 E_MD_CROSSED" in refused(run, path)
    assert read_info(tmp_path / "catalog") == []


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_an_empty_file_is_refused(run, tmp_path, content):
    path = tmp_path / "dump.data"
    path.write_bytes(content)
    assert "line=0 is empty" in refused(run, path)


def test_a_file_of_no_known_format_is_refused(run, tmp_path):
    path = write_lines(tmp_path / "letter.txt", ["Dear reader,"])
    assert "line=1 is of no known format" in refused(run, path)


def test_a_wrong_column_is_refused(run, tmp_path):
    lines = tardis_book_lines()
    lines[0] = lines[0].replace("price", "prize")
    path = write_lines(tmp_path / "book.csv", lines)
    assert "line=1 holds no book or trade" in refused(run, path)
    assert "column missing" in refused(run, path)


def test_an_unknown_symbol_is_refused(run, tmp_path):
    path = write_lines(tmp_path / "dump.data", bybit_lines())
    assert "line=0 has no data of XYZ" in refused(run, path, symbols=("XYZ",))


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_cut_file_is_refused_unless_accepted(run, tmp_path, share):
    path = write_lines(tmp_path / "x.gz", binance_lines(100, 400, snapshot=True))
    whole = run(path, venue="binance").totals["rows"]
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    out = tmp_path / "cut"
    with pytest.raises(MarketDataError) as caught:
        import_files([path], ImportOptions(out=out))
    assert str(caught.value).startswith(f"E_REC_IMPORT:truncated: file={path} line=")
    assert read_info(out) == []
    report = import_files([path], ImportOptions(out=out, accept_truncated=True))
    assert report.files[0].truncated
    assert 0 < report.totals["rows"] < whole
    assert verify_catalog(out).ok


def test_a_line_cut_at_the_end_is_put_aside(run, tmp_path):
    path = tmp_path / "dump.data"
    path.write_text("\n".join(bybit_lines(5))[:-30])
    report = run(path)
    (entry,) = quarantined(tmp_path, "dump.data")
    assert (entry["line"], entry["reason"]) == (5, "frame ends early")
    # A frame of the book is missing: the last row marks the gap.
    assert report.series[0].rows_book == 3 + 3 * 3 + 1


def test_times_that_go_back_are_named_with_their_lines(run, tmp_path):
    lines = bybit_lines(9)
    for at in (3, 6):
        lines[at] = lines[at].replace(str(T0_MS + 10 * at), str(T0_MS + 1))
    report = run(write_lines(tmp_path / "dump.data", lines))
    (file,) = report.files
    assert report.series[0].out_of_order == 4
    assert [error.split(" time")[0] for error in file.first_errors] == [
        f"E_MD_CLOCK: file={file.path} line=4",
        f"E_MD_CLOCK: file={file.path} line=7",
    ]
    # The rows are kept: a venue delivers a stream in order.
    assert file.quarantined == 0
    assert report.series[0].rows_book == 3 + 3 * 8


def test_trades_that_go_back_are_counted_once_and_named(run, tmp_path):
    lines = tardis_trade_lines()
    lines[2], lines[3] = lines[3], lines[2]
    report = run(write_lines(tmp_path / "trades.csv", lines))
    (file,) = report.files
    # Venue time and receive time.
    assert report.series[0].out_of_order == 2
    assert [error.split(" time")[0] for error in file.first_errors] == [
        f"E_MD_CLOCK: file={file.path} line=4"
    ]


@pytest.mark.parametrize("second", [False, True], ids=["first file", "second file"])
def test_a_damaged_time_far_ahead_is_refused_by_line(run, tmp_path, second):
    """Raised to it, all rows after it would lie in the year 2056."""
    whole = binance_lines(100, 40, snapshot=True)
    first, rest = whole[:20], whole[20:]
    broken = rest if second else first
    broken[12] = broken[12].replace(f'"E":{T0_MS // 10**12}', '"E":2')
    assert '"E":2' in broken[12]
    files = [
        write_lines(tmp_path / "1.gz", first),
        write_lines(tmp_path / "2.gz", rest),
    ]
    with pytest.raises(MarketDataError) as caught:
        run(*files)
    assert str(caught.value).startswith(f"E_MD_CLOCK: file={files[second]} line=13 ")
    assert read_info(tmp_path / "catalog") == []
