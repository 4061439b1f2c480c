import math

import numpy as np
import pytest
from tests.unit.market.summaries.made_summaries import HOUR_NS

from mmbot.core import Backtest, Instrument, MarketGenerator
from mmbot.errors import MarketDataError
from mmbot.market.summaries import (
    HourAccumulator,
    SummaryOptions,
    SummaryOrigin,
    SummaryRecorder,
    SummaryWriter,
    WriteStatus,
    build_summary,
    hours_from_columns,
    validate_summary_payload,
)
from mmbot.market.summaries.accumulator import BinCount, bin_of, nearest_rank
from mmbot.market.summaries.events import Filled, OrderDone, OrderLive, Quoted
from mmbot.market.summaries.locks import LockTiming, lock_path
from mmbot.units import NS_PER_HOUR, NS_PER_MS, NS_PER_SEC

ORIGIN = SummaryOrigin(git_sha="g", cfg_hash="c", segment="s")
BAD_ORIGIN = SummaryOrigin(git_sha="", cfg_hash="c")


@pytest.mark.spec("01-10.1", "01-D15")
@pytest.mark.parametrize(
    ("px", "mid", "number"),
    [
        (100.0, 100.0, 0),
        (100.0099, 100.0, 0),
        (100.01, 100.0, 1),
        (99.99, 100.0, 1),
        (100.1, 100.0, 10),
        (100.5, 100.0, 50),
        (200.0, 100.0, 50),
        (math.nan, 100.0, None),
        (100.0, math.inf, None),
        (100.0, 0.0, None),
    ],
)
def test_bins_are_floors(px, mid, number):
    assert bin_of(px, mid, bins_max_bps=50) == number


@pytest.mark.spec("01-10.1")
def test_nearest_rank():
    assert nearest_rank([], [0.5]) == []
    values = [float(v) for v in range(1, 101)]
    points = nearest_rank(values, [0.07, 0.5, 0.999])
    assert [point["v"] for point in points] == [7.0, 50.0, 100.0]
    assert nearest_rank([1.006], [0.5]) == [{"p": 0.5, "v": 1.01}]


def quoted(cid, second, px=100.05, *, is_new=True):
    return Quoted(ts_ns=HOUR_NS + second * NS_PER_SEC, cid=cid, px=px, mid=100.0, is_new=is_new)


def filled(cid, second, **more):
    return Filled(ts_ns=HOUR_NS + second * NS_PER_SEC, cid=cid, **more)


def collected(*events):
    hours = HourAccumulator(bins_max_bps=50)
    for event in events:
        hours.add(event)
    return hours


@pytest.mark.spec("01-10.1")
def test_first_fill_counts_in_the_bin_of_its_quote():
    (hour,) = collected(
        quoted("a", 0),
        OrderLive(ts_ns=HOUR_NS + NS_PER_SEC, cid="a"),
        quoted("b", 1),
        quoted("b", 2, px=100.2, is_new=False),
        filled("a", 3, maker=True),
        filled("a", 4, maker=False),
        filled("b", 5, maker=True, queue_wait_ms=12.5),
        OrderDone(ts_ns=HOUR_NS + 6 * NS_PER_SEC, cid="a"),
    ).take_all()
    assert (hour.orders, hour.quotes, hour.fills, hour.maker_fills) == (2, 3, 3, 2)
    assert dict(hour.bins) == {5: BinCount(2, 1), 20: BinCount(1, 1)}
    assert hour.waits_ms == (12.5, 2000.0)


@pytest.mark.spec("01-10.1", "01-D26")
def test_maker_fills_are_left_out_unless_known_for_every_execution():
    (hour,) = collected(filled("a", 1, maker=True), filled("a", 2)).take_all()
    assert hour.maker_fills is None
    options = SummaryOptions()
    summary = build_summary("x", hour, origin=ORIGIN, options=options, generated_at_ns=HOUR_NS)
    assert "maker_fills" not in summary["counts"]
    assert validate_summary_payload(summary) == (True, [])


def test_fill_of_a_quote_of_the_hour_before_does_not_enter_a_bin():
    hours = collected(quoted("a", 3599), filled("a", 3601, maker=True, queue_wait_ms=2.0))
    first, second = hours.take_all()
    assert dict(first.bins) == {5: BinCount(1, 0)}
    assert (second.fills, dict(second.bins), second.waits_ms) == (1, {}, (2.0,))


def test_an_hour_closes_sixty_seconds_after_its_end_and_stays_closed():
    hours = collected(quoted("a", 1))
    end_ns = HOUR_NS + NS_PER_HOUR
    assert hours.take_closed(end_ns + 60 * NS_PER_SEC - 1) == []
    assert len(hours.take_closed(end_ns + 60 * NS_PER_SEC)) == 1
    hours.add(quoted("b", 2))
    assert hours.late == 1
    assert hours.take_all() == []


def recorder(directory, origin=ORIGIN):
    options = SummaryOptions()
    timing = LockTiming(wait_ns=0, pause_ns=0)
    writer = SummaryWriter(directory, options, now_ns=lambda: HOUR_NS, timing=timing)
    return SummaryRecorder(writer, options, origin, generated_ns=lambda: HOUR_NS)


def test_locked_hour_is_kept_until_it_can_be_written(tmp_path):
    session = recorder(tmp_path)
    session.add("btcusdt", quoted("a", 1))
    path = tmp_path / "BTCUSDT" / "BTCUSDT_2024-08-09_12.json"
    path.parent.mkdir()
    lock_path(path).write_text("pid=1\n")
    now_ns = HOUR_NS + 2 * NS_PER_HOUR
    for tries in (1, 2, 3):
        assert [o.status for o in session.write_closed(now_ns)] == [WriteStatus.LOCKED]
        counters = session.counters()["BTCUSDT"]
        assert (counters.errors, counters.pending, counters.written) == (tries, 1, 0)
    lock_path(path).unlink()
    assert [o.status for o in session.close()] == [WriteStatus.WRITTEN]
    counters = session.counters()["BTCUSDT"]
    assert (counters.pending, counters.written) == (0, 1)


@pytest.mark.spec("01-10.3")
def test_invalid_hour_gets_one_retry(tmp_path):
    session = recorder(tmp_path, BAD_ORIGIN)
    session.add("BTCUSDT", quoted("a", 1))
    assert [o.status for o in session.close()] == [WriteStatus.INVALID]
    assert session.counters()["BTCUSDT"].pending == 1
    assert [o.status for o in session.close()] == [WriteStatus.INVALID]
    counters = session.counters()["BTCUSDT"]
    assert (counters.pending, counters.dropped, counters.errors) == (0, 1, 2)
    assert session.close() == []
    assert list((tmp_path / "BTCUSDT").iterdir()) == []


def test_columns_of_a_real_run():
    market = MarketGenerator(7, start_ts_ns=HOUR_NS - 120 * NS_PER_SEC)
    run = Backtest(Instrument("SIMUSDT", "0.1", "0.001"), [{}], record=True)
    run.feed(market.next_chunk(10_000_000, HOUR_NS + 300 * NS_PER_SEC))
    run.finish()
    fills = run.take_fills()
    assert len(fills["cid"]) > 0
    placed_ns = fills["ts_ns"] - (fills["order_age_ms"] * NS_PER_MS).astype(np.int64)
    _, first = np.unique(fills["cid"], return_index=True)
    orders = {
        "ts_ns": placed_ns[first],
        "cid": fills["cid"][first],
        "event": ["ack"] * len(first),
        "px": fills["px"][first],
        "mid": fills["mid_decision"][first],
    }
    hours = hours_from_columns(orders=orders, fills=fills, bins_max_bps=50)
    assert sum(hour.fills for hour in hours) == len(fills["cid"])
    assert sum(hour.quotes for hour in hours) == len(first)
    waits = sorted(float(v) for v in fills["queue_wait_ms"][np.sort(first)])
    assert sorted(v for hour in hours for v in hour.waits_ms) == waits
    for hour in hours:
        summary = build_summary(
            "SIMUSDT",
            hour,
            origin=ORIGIN,
            options=SummaryOptions(),
            generated_at_ns=hour.hour_ns,
        )
        assert validate_summary_payload(summary) == (True, [])


def test_missing_column_is_named():
    with pytest.raises(MarketDataError, match="columns=px,mid"):
        hours_from_columns(orders={"ts_ns": [], "cid": [], "event": []}, fills={}, bins_max_bps=50)
