"""Companions along a live core: an engine of one lane, stepped by a watch."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from tests.unit.trading.live.live_sessions import START_NS, Clock, Trading, opened
from tests.unit.trading.live.made_orders import MS, SYMBOL

from mmbot.core import Instrument
from mmbot.errors import StoreError
from mmbot.trading.live.companions import CompanionWatch, LiveEngine
from mmbot.trading.session import Taken
from mmbot.units import NS_PER_MIN, NS_PER_SEC

INSTRUMENTS = [Instrument(SYMBOL, "0.1", "0.001")]


class Note:
    """Writes down what it is told."""

    def __init__(self, fails=False, fills_before=0):
        self.fills_before = fills_before
        self.begun: list[int] = []
        self.steps: list[tuple[int, tuple[Taken, ...]]] = []
        self.closed = 0
        self.fails = fails

    def begin(self, engine, market_ns):
        assert engine.snapshot(0, 0)["fills_total"] == self.fills_before
        assert engine.result(0, 0)["fills_total"] == self.fills_before
        self.begun.append(market_ns)

    def on_chunk(self, symbol, chunk):
        raise AssertionError("the market comes by another way")

    def step(self, engine, market_ns, taken):
        assert "risk" in engine.session(0).state()
        self.steps.append((market_ns, tuple(taken)))

    def close(self, engine, market_ns, taken):
        self.steps.append((market_ns, tuple(taken)))
        self.closed += 1
        if self.fails:
            raise StoreError("E_REC_WRITE", "rows=3", "could not be written at the end")


@pytest.fixture
def traded(tmp_path):
    one = opened(tmp_path)
    trading = Trading(one, Clock())
    yield trading
    one.writer.close()


def play(trading, watch, steps=60):
    for _ in range(steps):
        trading.step()
        asyncio.run(watch.look(trading, trading.clock.now_ns))


def test_everything_is_told_once_and_what_waited_at_the_end(traded):
    lines: list[str] = []
    notes = [Note(), Note(fails=True), Note()]
    core = traded.one.core
    watch = CompanionWatch(core, INSTRUMENTS, since_ns=START_NS, log=lines.append)
    watch.begin(notes, START_NS)
    play(traded, watch)
    end_ns = traded.clock.now_ns + MS
    core.end(end_ns, "duration")
    asyncio.run(watch.close(end_ns))
    assert [note.closed for note in notes] == [1, 1, 1]
    assert lines == ["E_REC_WRITE: rows=3 could not be written at the end"]
    fills = [row for _, (one,) in notes[0].steps for row in one.fills["ts_ns"]]
    assert len(fills) == traded.venue.fills > 0
    kinds = [kind for _, (one,) in notes[0].steps for kind in one.order_events["event"]]
    assert kinds.count("intent_place") == sum(one.kind == "place" for one in traded.sent)
    assert all(symbol == SYMBOL for _, (one,) in notes[0].steps for symbol in [one.symbol])


def test_the_end_has_the_ledgers_result_a_course_and_bars(traded):
    core = traded.one.core
    watch = CompanionWatch(core, INSTRUMENTS, since_ns=START_NS, log=lambda _line: None)
    watch.begin([], START_NS)
    play(traded, watch, steps=80)
    end_ns = traded.clock.now_ns
    core.end(end_ns, "duration")
    asyncio.run(watch.close(end_ns))
    (end,) = watch.ends()
    result = end.result
    edge = dict(result["edge"])
    assert edge.pop("net_usd") == pytest.approx(result["net_pnl_usd"])
    gross = edge.pop("gross_usd")
    assert gross - sum(edge.values()) == pytest.approx(result["net_pnl_usd"], abs=1e-9)
    assert result["fills_total"] == len(end.fills["ts_ns"]) == traded.venue.fills
    assert result["final_position"] == pytest.approx(core.position_lots(SYMBOL) / 1000)
    assert result["first_ts_ns"] == START_NS
    assert result["state_hash"] == core.state_hash()
    seconds = np.diff(end.curve["ts_ns"])
    assert len(seconds) > 2
    assert (seconds >= NS_PER_SEC).all()
    assert end.curve.keys() >= {"mid", "spread_bps", "position", "own_bid", "own_ask"}
    bars = result["bars"]["ts_ns"]
    assert bars[-1] == end.curve["ts_ns"][-1]
    assert (np.diff(bars // NS_PER_MIN) >= 1).all()


def test_a_session_without_a_second_has_an_empty_course(traded):
    core = traded.one.core
    watch = CompanionWatch(core, INSTRUMENTS, since_ns=START_NS, log=lambda _line: None)
    (end,) = watch.ends()
    assert len(end.result["bars"]["ts_ns"]) == 0
    assert end.curve == {}
    engine = LiveEngine(core, START_NS)
    assert engine.session(0) is engine.session(0)


def test_what_is_taken_over_is_told_with_its_price(traded):
    note = Note()
    core = traded.one.core
    watch = CompanionWatch(core, INSTRUMENTS, since_ns=START_NS, log=lambda _line: None)
    watch.begin([note], START_NS)
    traded.step()
    before = core.position_lots(SYMBOL)
    mid = core.snapshot(SYMBOL)["mid"]
    traded.desk.adopt(SYMBOL, before + 40, None)
    traded.desk.adopt(SYMBOL, before + 10, 5_000_010_000)
    asyncio.run(watch.look(traded, traded.clock.now_ns))
    asyncio.run(watch.look(traded, traded.clock.now_ns))
    first, second = note.steps[0][1][0].adopted
    assert [first.qty, second.qty] == pytest.approx([0.04, -0.03])
    assert [first.price, second.price] == pytest.approx([mid, 500_001 * 0.1])
    assert note.steps[1][1][0].adopted == ()


def test_companions_that_come_later_are_told_what_was_before(traded):
    core = traded.one.core
    watch = CompanionWatch(core, INSTRUMENTS, since_ns=START_NS, log=lambda _line: None)
    play(traded, watch)
    traded.desk.adopt(SYMBOL, core.position_lots(SYMBOL) + 10, None)
    mid = core.snapshot(SYMBOL)["mid"]
    asyncio.run(watch.look(traded, traded.clock.now_ns))
    note = Note(fills_before=traded.venue.fills)
    watch.begin([note], traded.clock.now_ns)
    play(traded, watch)
    fills = [row for _, (one,) in note.steps for row in one.fills["ts_ns"]]
    assert len(fills) == traded.venue.fills > 0
    kinds = [kind for _, (one,) in note.steps for kind in one.order_events["event"]]
    assert kinds.count("intent_place") == sum(one.kind == "place" for one in traded.sent)
    (adopted,) = note.steps[0][1][0].adopted
    assert (adopted.qty, adopted.price) == pytest.approx((0.01, mid))
