"""Every real capture imports and verifies, with the figures that its publisher's page states."""

import gzip
import json

import numpy as np
import pytest

from mmbot import core
from mmbot.market.catalog import find_symbol, footers_of, read_events, read_info
from mmbot.market.importers.job import ImportOptions, import_files
from mmbot.market.importers.sources import blocks
from mmbot.market.parts import Root
from mmbot.market.reader import row_columns
from mmbot.market.replay import BookReplay
from mmbot.market.stats import symbol_stats
from mmbot.market.verify import verify_catalog

# One worker imports once for all of them.
pytestmark = [pytest.mark.real_data, pytest.mark.xdist_group("real_import")]

BYBIT = "bybit/bybit_v5_20260809_linear-BTCUSDT-SOLUSDT_spot-BTCUSDT.jsonl.zst"
DUMP = "bybit/2024-12-01_XRPUSDT_ob500_first50.data.zip"
TEXT = "bybit/bybit_v5_20250613_linear_orderbook1.txt.zst"
BOOTSTRAP = "binance/binance_futures_20210722_bootstrap.jsonl.zst"
OKX = "other_venues/okx_20220513.jsonl.zst"
USDM = ("binance/usdm_btcusdt_20240808.gz", "binance/usdm_ethusdt_20240808.gz")
SPOT = ("binance/spot_btcusdt_20240808.gz", "binance/spot_btcusdt_20240809.gz")
COINM = ("binance/coinm_btcusd_perp_20240808.gz", "binance/coinm_btcusd_perp_20240809.gz")


@pytest.fixture(scope="module")
def imported(real_data, tmp_path_factory):
    """All captures in one catalog, each call as a user would make it."""
    out = tmp_path_factory.mktemp("real") / "catalog"
    reports = {}
    for files in ((BYBIT,), (DUMP,), (TEXT,), (BOOTSTRAP,), (OKX,), (*USDM, *SPOT, *COINM)):
        report = import_files([real_data / name for name in files], ImportOptions(out=out))
        assert report.totals["quarantined"] == 0
        for series in report.series:
            reports[series.venue, series.symbol, files[0]] = series
    assert len(reports) == 19
    return out, reports


def series(imported, venue, symbol):
    _, reports = imported
    (found,) = (s for (v, name, _), s in reports.items() if (v, name) == (venue, symbol))
    return found


@pytest.mark.parametrize(
    ("key", "frames", "rows", "trades"),
    [
        # Frames of the book and of trades; level changes of the book.
        ("bybit-linear/BTCUSDT", 414 + 16, 7_180, 56),
        ("bybit-linear/SOLUSDT", 383 + 57, 3_142, 165),
        ("bybit-spot/BTCUSDT", 300 + 11, 1_747, 11),
        # Depth, one REST snapshot, trades. Updates before the snapshot have no rows.
        ("binance-usdm/BTCUSDT", 6_551 + 1 + 21_313, None, 21_313),
        ("binance-usdm/ETHUSDT", 6_586 + 1 + 14_076, None, 14_076),
        ("binance-spot/BTCUSDT", 6_495 + 1 + 19_904, None, 19_904),
        ("binance-coinm/BTCUSD_PERP", 44_795 + 1 + 5_235, None, 5_235),
    ],
)
def test_counts_are_those_of_the_publisher(imported, key, frames, rows, trades):
    found = series(imported, *key.split("/"))
    assert (found.frames, found.rows_trades) == (frames, trades)
    if rows is not None:
        assert found.rows_book == rows
    assert (found.gaps, found.crossed, found.ignored, found.out_of_order) == (0, 0, 0, 0)
    assert (found.duplicates, found.rounded, found.reconnects) == (0, 0, 0)


def frames_of(paths):
    """The frames of collector files."""
    for path in paths:
        with gzip.open(path) as file:
            for line in file:
                frame = json.loads(line.split(b" ", 1)[1])
                yield frame.get("data", frame)


@pytest.mark.parametrize(
    ("key", "names", "changes"),
    [
        ("binance-usdm/BTCUSDT", USDM[:1], 443_521),
        ("binance-usdm/ETHUSDT", USDM[1:], 428_662),
        ("binance-spot/BTCUSDT", SPOT, 298_111),
        ("binance-coinm/BTCUSD_PERP", COINM, 659_671),
    ],
)
def test_all_level_changes_are_there_but_those_before_the_snapshot(
    imported, real_data, key, names, changes
):
    frames = list(frames_of(real_data / name for name in names))
    (snapshot,) = (f for f in frames if "lastUpdateId" in f)
    depth = [f for f in frames if f.get("e") == "depthUpdate"]
    assert sum(len(f["b"]) + len(f["a"]) for f in depth) == changes
    # The venue's own rule says which updates are older than the snapshot.
    last_id = snapshot["lastUpdateId"]
    kept = [f for f in depth if (f["u"] >= last_id if "pu" in f else f["u"] > last_id)]
    levels = len(snapshot["bids"]) + len(snapshot["asks"])
    expected = levels + sum(len(f["b"]) + len(f["a"]) for f in kept)
    assert series(imported, *key.split("/")).rows_book == expected
    assert levels == 2_000


def test_the_dump_has_every_level_of_its_lines(imported, real_data):
    lines = b"".join(blocks(str(real_data / DUMP))).splitlines()
    frames = [json.loads(line)["data"] for line in lines]
    found = series(imported, "bybit", "XRPUSDT")
    assert found.frames == len(frames) == 50
    assert found.rows_book == sum(len(f["b"]) + len(f["a"]) for f in frames)
    assert (found.tick_size, found.lot_size) == ("0.0001", "1")
    assert found.last_ts_ns - found.first_ts_ns == pytest.approx(4.8e9, rel=0.05)


def test_the_old_text_capture(imported):
    _, reports = imported
    found = [s for (_, _, name), s in reports.items() if name == TEXT]
    assert sum(s.frames for s in found) == 198
    # The recorder's clock was about 0.9 s behind.
    assert {round(s.clock_offset_ms, -2) for s in found} == {900}


def test_the_bootstrap_capture_joins_diffs_and_snapshots(imported):
    _, reports = imported
    found = [s for (_, _, name), s in reports.items() if name == BOOTSTRAP]
    assert [s.symbol for s in found] == ["AKROUSDT", "CTKUSDT", "KEEPUSDT", "SUSHIUSDT"]
    assert sum(s.frames for s in found) == 764 + 4 + 91
    assert sum(s.rows_trades for s in found) == 91
    assert sum(s.gaps for s in found) == 0


def test_the_second_venue(imported):
    _, reports = imported
    found = [s for (_, _, name), s in reports.items() if name == OKX]
    assert [s.symbol for s in found] == ["BTC-USD-220527", "BTC-USDT", "UNI-USD-SWAP"]
    assert sum(s.rows_trades for s in found) == 74
    assert sum(s.frames for s in found) == 3 + 287 + 74
    assert {s.grid_source for s in found} == {"stated in the capture"}


def test_everything_verifies(imported):
    out, reports = imported
    report = verify_catalog(out)
    assert report.findings == []
    assert report.gaps == 0
    assert report.rows == sum(s.rows for s in reports.values()) > 1_900_000
    assert len(read_info(out)) == len(reports)


def columns(out, venue, symbol, stream, names):
    root = Root(out)
    batches = row_columns(root, footers_of(root, venue, symbol, stream), ("ts_ns", *names))
    parts = [[rows[name] for name in ("ts_ns", *names)] for rows in batches]
    arrays = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return dict(zip(("ts_ns", *names), arrays, strict=True))


@pytest.mark.parametrize(
    ("key", "names", "agreed", "last"),
    [
        ("binance-usdm/BTCUSDT", USDM[:1], 629, (61659.70, 1.486, 61659.80, 0.981)),
        ("binance-usdm/ETHUSDT", USDM[1:], 551, (2681.38, 8.486, 2681.39, 22.624)),
        ("binance-spot/BTCUSDT", SPOT, 1_072, (61602.01, 1.67177, 61602.02, 2.66795)),
        ("binance-coinm/BTCUSD_PERP", COINM, 1_885, (61600.0, 27, 61600.1, 1647)),
    ],
)
def test_the_rebuilt_touch_is_the_venues_own(imported, real_data, key, names, *, agreed, last):
    """`bookTicker` is another stream of the venue: where ids meet, prices and sizes must."""
    venue, symbol = key.split("/")
    info = find_symbol(imported[0], symbol=symbol, venue=venue)
    steps = (float(info.tick_size), float(info.lot_size)) * 2
    touch, end = touches(imported[0], venue, symbol)
    checked = 0
    for frame in frames_of(real_data / name for name in names):
        found = touch.get(frame.get("u"))
        if "B" not in frame or found is None:
            continue
        quote = [float(frame[name]) for name in ("b", "B", "a", "A")]
        assert tuple(round(q / step) for q, step in zip(quote, steps, strict=True)) == found
        checked += 1
    # A few ids of the page lie before the snapshot, where there is no book yet.
    assert agreed - 5 <= checked <= agreed
    assert [n * step for n, step in zip(end, steps, strict=True)] == pytest.approx(last)


def touches(out, venue, symbol):
    """Best quotes by update id, and the last ones."""
    rows = columns(out, venue, symbol, "book", ("update_id", "kind", "side", "px", "qty"))
    replay = BookReplay()
    touch: dict[int, tuple[int, ...]] = {}
    for tops in (replay.apply(rows), replay.finish()):
        quotes = (tops.bid_px, tops.bid_qty, tops.ask_px, tops.ask_qty)
        ids = rows["update_id"][tops.row].tolist()
        values = list(zip(*(quote.tolist() for quote in quotes), strict=True))
        touch |= dict(zip(ids, values, strict=True))
    return touch, values[-1]


@pytest.mark.parametrize(
    ("key", "path", "fmt"),
    [
        ("binance-usdm/BTCUSDT", USDM[0], "binance-local"),
        ("bybit-linear/SOLUSDT", BYBIT, "bybit-jsonl"),
    ],
)
def test_chunks_are_the_decoders_rows(imported, real_data, key, path, fmt):
    out, _ = imported
    venue, symbol = key.split("/")
    info = find_symbol(out, symbol=symbol, venue=venue)
    market = "linear" if fmt == "bybit-jsonl" else None
    decoder = core.CaptureDecoder(fmt, symbol, info.tick_size, info.lot_size, market=market)
    for block in blocks(str(real_data / path)):
        decoder.feed(block)
    decoder.finish()
    offset_ns = int(info.metadata["clock_offset_ns"])
    arrays = [chunk.to_arrays() for chunk in read_events(out, symbol=symbol, venue=venue)]
    chunks = {name: np.concatenate([a[name] for a in arrays]) for name in arrays[0]}
    kind = chunks["flags"] & 3
    for code, decoded in ((0, decoder.take()), (1, decoder.take_trades())):
        mine = kind == code
        assert mine.sum() == len(decoded["px"]) > 0
        assert np.array_equal(chunks["px"][mine], decoded["px"])
        assert np.array_equal(chunks["qty"][mine], decoded["qty"])
        assert np.array_equal(chunks["flags"][mine] >> 2 & 1, decoded["side"])
        assert np.array_equal(chunks["ts_exch"][mine], np.maximum.accumulate(decoded["ts_ns"]))
        local = np.maximum.accumulate(decoded["recv_ns"] + offset_ns)
        assert np.array_equal(chunks["ts_local"][mine], local)
    assert (np.diff(chunks["ts_exch"]) >= 0).all()
    assert (chunks["ts_local"] >= chunks["ts_exch"]).all()


def test_statistics_of_a_real_market(imported):
    out, _ = imported
    stats = symbol_stats(out, symbol="BTCUSDT", venue="binance-usdm")
    assert stats.spread_ticks["p50"] == 1
    assert 0 <= stats.feed_latency_ms["p01"] <= stats.feed_latency_ms["p50"] < 60
    assert stats.crossed == 0
    assert stats.min_px is not None
    assert stats.max_px is not None
    assert 60_000 < stats.min_px < stats.max_px < 63_000


def test_the_receive_times_of_the_good_clock_are_kept(imported):
    out, _ = imported
    for symbol in ("BTCUSDT", "SOLUSDT"):
        assert series(imported, "bybit-linear", symbol).clock_offset_ms == 0
        stats = symbol_stats(out, symbol=symbol, venue="bybit-linear")
        # The page states 110 to 119 ms.
        assert 100 < stats.feed_latency_ms["p50"] < 130
