import json
from decimal import Decimal

import pytest

from mmbot.errors import MarketDataError
from mmbot.market.tick_feed import open_ticks
from mmbot.market.ticks import TickError, TickPrint, parse_tick

GOOD = '{"ts_ms":1700000000000,"bid":100.0,"ask":100.1}'


def test_defaults_are_filled_in():
    tick = parse_tick(GOOD.encode(), last_ts_ns=0)
    assert (tick.ts_ns, tick.symbol) == (1_700_000_000_000_000_000, "SYM")
    assert (tick.bid, tick.ask) == (Decimal("100.0"), Decimal("100.1"))
    assert tick.bid_qty == tick.ask_qty == Decimal(1)
    assert tick.prints == ()


def test_numbers_keep_their_digits():
    line = (
        b'{"ts_ms":1,"bid":0.1,"ask":0.30000000000000001,'
        b'"trades":[{"px":0.2,"qty":1e-8,"side":"sell"}]}'
    )
    tick = parse_tick(line, last_ts_ns=0)
    assert tick.ask == Decimal("0.30000000000000001")
    assert tick.prints == (TickPrint(Decimal("0.2"), Decimal("1E-8"), 1),)


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"ts_ms": None}, "bad_ts"),
        ({"ts_ms": 1.5}, "bad_ts"),
        ({"ts_ms": True}, "bad_ts"),
        ({"ts_ms": -1}, "bad_ts"),
        ({"ts_ms": 2**63}, "bad_ts"),
        ({"bid": 0}, "bad_value"),
        ({"bid": "100"}, "bad_value"),
        ({"bid": float("nan")}, "bad_value"),
        ({"ask": float("inf")}, "bad_value"),
        ({"ask_qty": -1}, "bad_value"),
        ({"symbol": 3}, "bad_value"),
        ({"symbol": ""}, "bad_value"),
        ({"trades": -1}, "bad_value"),
        ({"trades": [1]}, "bad_value"),
        ({"trades": [{"px": 1, "qty": 0, "side": "buy"}]}, "bad_value"),
        ({"trades": [{"px": 1, "qty": 1, "side": "BUY"}]}, "bad_value"),
        ({"trades": [{"px": 1, "side": "buy"}]}, "missing_field"),
        ({"ask": 100.0}, "crossed"),
        ({"ask": 99.0}, "crossed"),
        ({"ts_ms": 4}, "time_reversed"),
    ],
)
def test_bad_lines_say_what_is_bad(change, detail):
    line = json.dumps({**json.loads(GOOD), **change}).encode()
    with pytest.raises(TickError) as caught:
        parse_tick(line, last_ts_ns=5_000_000)
    assert caught.value.detail == detail


@pytest.mark.parametrize("name", ["ts_ms", "bid", "ask"])
def test_required_fields(name):
    row = json.loads(GOOD)
    del row[name]
    with pytest.raises(TickError) as caught:
        parse_tick(json.dumps(row).encode(), last_ts_ns=0)
    assert (caught.value.detail, caught.value.reason) == ("missing_field", name)


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"1", b"\xff", b'{"a":' * 100_000])
def test_what_is_no_json_object(line):
    with pytest.raises(TickError) as caught:
        parse_tick(line, last_ts_ns=0)
    assert caught.value.detail == "bad_json"


@pytest.fixture
def tick_file(tmp_path):
    def write(*lines):
        path = tmp_path / "ticks.jsonl"
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


def rows(feed, **options):
    found = []
    for chunk in feed.chunks(**options):
        arrays = chunk.to_arrays()
        names = ("flags", "px", "qty", "ts_exch")
        columns = (arrays[name].tolist() for name in names)
        found += [(f & 3, f >> 2 & 1, px, qty, ts) for f, px, qty, ts in zip(*columns, strict=True)]
    return found


def test_a_tick_file_is_a_source_of_events(tick_file):
    path = tick_file(
        '{"ts_ms":1,"bid":1.0,"ask":1.5,"bid_qty":2,"ask_qty":0,"symbol":"abc"}',
        '{"ts_ms":2,"bid":1.0,"ask":1.3,"bid_qty":3,"ask_qty":1.5,"symbol":"abc",'
        '"trades":[{"px":1.5,"qty":0.5,"side":"buy"}]}',
    )
    feed = open_ticks(path)
    assert (feed.symbol, feed.tick_size, feed.lot_size) == ("ABC", "0.1", "0.5")
    ms = 1_000_000
    assert rows(feed) == [
        (2, 0, 0, 0, ms),
        (0, 0, 10, 4, ms),
        # A size of 0 is an unknown size.
        (0, 1, 15, 1, ms),
        (1, 0, 15, 1, 2 * ms),
        (0, 1, 15, 0, 2 * ms),
        (0, 0, 10, 6, 2 * ms),
        (0, 1, 13, 3, 2 * ms),
    ]
    # From the second line on the book begins there.
    assert rows(feed, start_ns=2 * ms)[1] == (2, 0, 0, 0, 2 * ms)
    assert feed.bad_lines == 0


def test_a_bad_line_stops_or_is_counted(tick_file):
    path = tick_file(GOOD, "{}", GOOD.replace("100.0", "NaN"), GOOD)
    with pytest.raises(MarketDataError, match=r"E_BT_LOADER:missing_field: line=2 file=") as caught:
        rows(open_ticks(path))
    assert caught.value.code == "E_BT_LOADER"
    feed = open_ticks(path, on_bad_line="skip")
    assert len(rows(feed)) == 5
    assert feed.bad_lines == 2


def test_a_symbol_is_chosen_among_several(tick_file):
    path = tick_file(GOOD, GOOD.replace("}", ',"symbol":"xyz"}'))
    with pytest.raises(MarketDataError, match=r"E_BT_SOURCE: .*SYM, XYZ"):
        open_ticks(path)
    assert open_ticks(path, symbol="xyz").symbol == "XYZ"
    with pytest.raises(MarketDataError, match="E_BT_NO_DATA"):
        open_ticks(path, symbol="NO")


def test_a_given_grid_is_kept_to(tick_file):
    path = tick_file(GOOD)
    with pytest.raises(MarketDataError, match=r"E_BT_LOADER:bad_value: line=1 .*multiple of 0\.25"):
        rows(open_ticks(path, tick_size="0.25", lot_size="1"))


def test_files_without_a_tick(tick_file, tmp_path):
    with pytest.raises(MarketDataError, match="E_BT_LOADER:io_error"):
        open_ticks(tmp_path / "absent.jsonl")
    with pytest.raises(MarketDataError, match=r"E_BT_NO_DATA: .*line 1: bad_json"):
        open_ticks(tick_file("nonsense"))
    with pytest.raises(MarketDataError, match="E_BT_NO_DATA"):
        rows(open_ticks(tick_file(GOOD)), start_ns=2 * 10**18)
