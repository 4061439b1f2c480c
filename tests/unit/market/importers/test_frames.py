"""Captures of the wire into the catalog: as if the frames had come in any other capture."""

import pytest
from tests.unit.market.importers.captures import T0_MS, bybit_lines

from mmbot.errors import MarketDataError
from mmbot.market.catalog import find_symbol, read_events
from mmbot.market.frames import CaptureHead, writer
from mmbot.market.frames.layout import gap_frame
from mmbot.market.frames.reader import last_run
from mmbot.market.frames.writer import CaptureWriter
from mmbot.market.importers.frames import line_of
from mmbot.market.importers.job import ImportOptions, import_files
from mmbot.market.importers.live import CatalogSink

GRID = {"ABCUSDT": ("0.1", "1")}
HEAD = CaptureHead(exchange="bybit", market="linear", url="ws://127.0.0.1:1", grids=GRID)
LINES = [line.encode() for line in bybit_lines(40)]


def received(lines, first_ns=T0_MS * 1_000_000):
    return [(first_ns + n * 10_000_000, 0, line) for n, line in enumerate(lines)]


def capture(directory, frames, *, now_ns=1):
    one = CaptureWriter(directory, HEAD, now_ns=now_ns)
    for frame in frames:
        one.append([frame])
    one.close()
    return sorted(directory.glob("*.mmf"), key=lambda path: int(path.stem))


def rows_of(out):
    columns = [
        chunk.to_arrays() for chunk in read_events(str(out), venue="bybit-linear", symbol="ABCUSDT")
    ]
    names = ("flags", "px", "qty", "ts_exch", "ts_local")
    return [
        tuple(int(v) for v in row)
        for c in columns
        for row in zip(*(c[n] for n in names), strict=True)
    ]


@pytest.mark.spec("01-9.1")
def test_a_capture_imports_as_the_same_frames_in_lines(tmp_path):
    files = capture(tmp_path / "wire", received(LINES))
    report = import_files(files, ImportOptions(out=tmp_path / "a"))
    local = tmp_path / "local.txt"
    local.write_bytes(b"".join(b"%d %s\n" % (ns, data) for ns, _, data in received(LINES)))
    options = ImportOptions(out=tmp_path / "b", venue="bybit-linear", tick_size="0.1", lot_size="1")
    import_files([local], options)
    assert rows_of(tmp_path / "a") == rows_of(tmp_path / "b") != []
    (series,) = report.series
    assert (series.venue, series.gaps, series.grid_source) == (
        "bybit-linear",
        0,
        "stated in the capture",
    )
    assert find_symbol(str(tmp_path / "a"), symbol="ABCUSDT").tick_size == "0.1"


def test_segments_that_go_on_keep_the_book(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_SEGMENT_BYTES", 600)
    monkeypatch.setattr(writer, "_BLOCK_BYTES", 300)
    files = capture(tmp_path / "many", received(LINES))
    assert len(files) > 3
    monkeypatch.undo()
    whole = capture(tmp_path / "one", received(LINES))
    report = import_files(reversed(files), ImportOptions(out=tmp_path / "a"))
    import_files(whole, ImportOptions(out=tmp_path / "b"))
    assert rows_of(tmp_path / "a") == rows_of(tmp_path / "b")
    assert all(series.reconnects == 0 for series in report.series)


@pytest.mark.spec("01-9.1")
@pytest.mark.parametrize(
    ("mark", "breaks"),
    [
        (("disconnected", {"symbols": ["ABCUSDT"]}), True),
        (("book_stuck", {"symbols": ["OTHERUSDT"]}), False),
        (("overflow", {"lost": 3, "since_ns": 1}), True),
    ],
)
def test_a_gap_breaks_the_books_that_it_is_about(tmp_path, mark, breaks):
    frames = received(LINES)
    reason, about = mark
    frames.insert(20, gap_frame(frames[19][0], reason, **about))
    report = import_files(capture(tmp_path / "wire", frames), ImportOptions(out=tmp_path / "a"))
    kinds = [row[0] & 3 for row in rows_of(tmp_path / "a")]
    assert (3 in kinds) is breaks
    (series,) = report.series
    assert (series.reconnects, series.ignored) == ((1, 20) if breaks else (0, 0))


@pytest.mark.spec("01-9.1")
@pytest.mark.parametrize("end", [[], [b'{"op":"pong"}'] * 3])
def test_what_a_killed_recording_left_is_caught_up_as_an_import_has_it(tmp_path, end):
    later_ms = T0_MS + 900
    again = [line.encode() for line in bybit_lines(10, first_ms=later_ms)]
    after = received(again, later_ms * 1_000_000)
    killed = CaptureWriter(tmp_path / "wire", HEAD, now_ns=1)
    killed.append(received([*LINES, *end]))
    killed._held.close()
    files = capture(tmp_path / "wire", after, now_ns=later_ms * 1_000_000)
    sink = CatalogSink(str(tmp_path / "live"), HEAD, tag="t")
    sink.catch_up(last_run(tmp_path / "wire"))
    sink.start()
    sink.on_frames(after)
    sink.close()
    import_files(files, ImportOptions(out=tmp_path / "imported", keep_recv=True))
    rows = rows_of(tmp_path / "live")
    assert rows == rows_of(tmp_path / "imported")
    assert 3 in [row[0] & 3 for row in rows]


def test_a_segment_to_which_nothing_came_is_told_and_keeps_no_other_from_the_catalog(tmp_path):
    files = capture(tmp_path / "wire", received(LINES))
    later = capture(tmp_path / "wire", [], now_ns=2 * T0_MS * 1_000_000)
    assert len(later) == len(files) + 1
    report = import_files(later, ImportOptions(out=tmp_path / "a"))
    import_files(files, ImportOptions(out=tmp_path / "b"))
    assert rows_of(tmp_path / "a") == rows_of(tmp_path / "b") != []
    assert [file.empty for file in report.files] == [False] * len(files) + [True]
    with pytest.raises(MarketDataError, match="holds no book or trade"):
        import_files(later[-1:], ImportOptions(out=tmp_path / "c"))
    unreadable = capture(tmp_path / "bad", received([b'{"topic":"orderbook.50.ABCUSDT","data":7}']))
    with pytest.raises(MarketDataError, match="holds no book or trade"):
        import_files([*files, *unreadable], ImportOptions(out=tmp_path / "c"))


def test_frames_that_are_no_json_text_are_lines_all_the_same(tmp_path):
    odd = [LINES[0], b'bad "frame"\n\x00\xff\\', *LINES[1:]]
    report = import_files(
        capture(tmp_path / "wire", received(odd)), ImportOptions(out=tmp_path / "a")
    )
    assert report.totals["quarantined"] == 1
    assert rows_of(tmp_path / "a")


def test_lines_hold_the_frame_and_its_time():
    from mmbot.market.frames import Frame, FrameKind  # noqa: PLC0415

    frame = Frame(0, 7, FrameKind.RECEIVED, b'{"a":"\\n"}')
    assert line_of(frame) == b'{"t":"recv","conn":"wire","ts":7,"data":"{\\"a\\":\\"\\\\n\\"}"}\n'
    assert line_of(Frame(0, 7, FrameKind.SENT, b"x")) == b'{"t":"sent","ts":7}\n'
