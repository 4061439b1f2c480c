"""Venue frames through the seam: types, floats, errors, block sizes. Values are proven in Rust."""

import numpy as np
import pytest

from mmbot import core

SNAPSHOT = (
    b'{"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1687940967466,"data":{"s":"BTCUSDT",'
    b'"b":[["30247.20","30.028"]],"a":[["30247.30","0.001"]],"u":7,"seq":70},"cts":1687940967464}'
)
DELTA = SNAPSHOT.replace(b"snapshot", b"delta").replace(b'"u":7', b'"u":8')
TRADE = (
    b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":'
    b'1672304486865,"s":"BTCUSDT","S":"Sell","v":"0.002","p":"16578.50","i":"a-1"}]}'
)


def book() -> core.FrameBook:
    return core.FrameBook("btcusdt", "0.10", "0.001")


def test_a_frame_gives_the_floats_of_its_texts():
    frames = book()
    assert frames.state == "EMPTY"
    assert frames.apply(DELTA) is None
    assert frames.apply(SNAPSHOT) == (30247.2, 30.028, 30247.3, 0.001)
    assert frames.apply(DELTA.replace(b'["30247.30","0.001"]', b'["30247.30","0"]')) is None
    assert frames.apply(TRADE) is None
    assert (frames.state, frames.symbol) == ("SYNCED", "BTCUSDT")
    assert (frames.snapshots, frames.gaps, frames.duplicates) == (1, 0, 0)
    assert (frames.crossed, frames.rejected) == (0, 0)


def test_a_malformed_frame_raises_with_its_offset():
    frames = book()
    frames.apply(SNAPSHOT)
    with pytest.raises(core.FrameError) as raised:
        frames.apply(DELTA[:40])
    error = raised.value
    assert isinstance(error, core.CoreError)
    assert isinstance(error, ValueError)
    assert (error.code, error.key, error.offset) == ("E_MD_FRAME", "BTCUSDT", 40)
    assert str(error).startswith("E_MD_FRAME: stream=BTCUSDT offset=40")
    assert frames.rejected == 1


@pytest.mark.parametrize(
    ("tick", "lot"), [("0", "1"), ("-1", "1"), ("x", "1"), ("1", ""), ("nan", "1")]
)
def test_a_bad_grid_is_refused(tick: str, lot: str):
    with pytest.raises(core.CoreError) as raised:
        core.FrameBook("BTCUSDT", tick, lot)
    assert raised.value.code == "E_CFG_RANGE"


@pytest.mark.parametrize("block", [1, 7, 100_000])
def test_a_capture_gives_typed_columns_whatever_the_block(block: int):
    data = b"\n".join([SNAPSHOT, b"garbage", DELTA, TRADE])
    decoder = core.CaptureDecoder("bybit-bare", "BTCUSDT", "0.10", "0.001", market=None)
    for start in range(0, len(data), block):
        decoder.feed(data[start : start + block])
    decoder.finish()
    rows = decoder.take()
    types = {name: column.dtype.name for name, column in rows.items()}
    assert {types[name] for name in ("kind", "side")} == {"uint8"}
    others = {"ts_ns", "recv_ns", "update_id", "seq", "px", "qty"}
    assert {types[name] for name in others} == {"int64"}
    assert rows["kind"].tolist() == [0, 0, 1, 1]
    assert rows["side"].tolist() == [0, 1, 0, 1]
    assert rows["px"].tolist() == [302472, 302473] * 2
    assert rows["qty"].tolist() == [30028, 1] * 2
    assert rows["ts_ns"].tolist() == [1687940967464000000] * 4
    trades = decoder.take_trades()
    assert trades["trade_id"] == ["a-1"]
    assert (trades["side"].tolist(), trades["qty"].tolist()) == ([1], [2])
    assert decoder.take_rejects() == [(2, 0, "E_MD_FRAME", "unexpected byte", b"garbage")]
    stats = decoder.stats()
    assert (stats["lines"], stats["frames"], stats["rejected"]) == (4, 2, 1)
    assert stats["bytes"] == len(data)
    assert decoder.state == "SYNCED"
    # what was taken is gone
    assert len(decoder.take()["px"]) == 0
    assert isinstance(rows["px"], np.ndarray)


def test_formats_are_named_and_detected():
    names = core.capture_formats()
    assert len(names) == len(set(names)) == 15
    assert core.detect_format(SNAPSHOT + b"\n") == "bybit-bare"
    assert core.detect_format(b"\x00") is None
    with pytest.raises(core.CoreError) as raised:
        core.CaptureDecoder("nothing", "BTCUSDT", "1", "1")
    assert raised.value.code == "E_REC_IMPORT"


def test_symbols_are_listed_with_the_grid_of_their_rows():
    (info,) = core.scan_symbols("bybit-bare", SNAPSHOT + b"\n" + TRADE)
    assert (info.symbol, info.market, info.stated) == ("BTCUSDT", "", False)
    assert (info.tick_size, info.lot_size) == ("0.1", "0.001")
    assert (info.book_frames, info.trades) == (1, 1)
