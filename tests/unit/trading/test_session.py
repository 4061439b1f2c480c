"""The session shell against an engine that only remembers what it was told."""

import numpy as np
import pytest

from mmbot.errors import MarketDataError
from mmbot.trading.session import Session, SessionPlan
from mmbot.trading.stopping import StopRequest

S = 1_000_000_000
START = 100 * S


class Chunk:
    """Rows of one second of market time from `first_sec`."""

    def __init__(self, first_sec, rows=10):
        self.ts = START + first_sec * S + np.arange(rows, dtype=np.int64) * (S // 10)

    def __len__(self):
        return len(self.ts)

    def to_arrays(self):
        return {"ts_local": self.ts}


class Engine:
    """Takes chunks, has one order until `cancel_takes_ns` after the stop."""

    def __init__(self, cancel_takes_ns=S // 10):
        self.calls = []
        self.has_until = 0
        self.now = 0
        self.stopped_at = None
        self.cancel_takes_ns = cancel_takes_ns

    def advance(self, chunk, until_ns):
        if chunk is not None and len(chunk):
            self.has_until = int(chunk.ts[-1])
        self.now = min(until_ns, self.has_until)
        self.calls.append(("advance", until_ns))
        return until_ns > self.has_until

    def stop(self):
        self.calls.append(("stop", self.now))
        self.stopped_at = self.now

    def finish(self):
        self.calls.append(("finish", self.now))

    def snapshot(self, _lane):
        resting = self.stopped_at is None or self.now < self.stopped_at + self.cancel_takes_ns
        order = {"side": "buy", "px": 1.0, "qty": 1.0, "state": "Live", "age_ms": 1.0}
        return {
            "ts_local_ns": self.now,
            "synced": True,
            "mid": 1.0,
            "spread_bps": 1.0,
            "bids": [],
            "asks": [],
            "orders": [{**order, "queue_ahead": None}] if resting else [],
            "position": 0.0,
            "position_usd": 0.0,
            "net_pnl_usd": 0.0,
            "fees_usd": 0.0,
            "turnover_usd": 0.0,
            "fills_total": 0,
            "maker_fills": 0,
            "edge": {},
            "block_counts": {},
            "blocked_by": {},
            "total_iterations": 0,
            "latency_ms": {},
            "ws_lag_ms": {},
            "order_age_p95_ms": 0.0,
            "vola_1m_bps": None,
            "imbalance": 0.0,
            "last_fills": [],
            "risk_state": "normal",
        }

    def take_curve(self, _lane):
        return {"ts_ns": np.array([self.now]), "mid": np.ones(1), "net_pnl_usd": np.zeros(1)}

    def take_fills(self, _lane):
        return {}

    def result(self, _lane):
        return {"state_hash": "0"}


class Screen:
    def __init__(self, on_show=lambda: None):
        self.shown = []
        self.on_show = on_show

    def show(self, readout):
        self.shown.append(readout)
        self.on_show()


def play(engine, chunks, *, duration_ns=None, speed=None, stop=None, screen=None):
    plan = SessionPlan(speed=speed, duration_ns=duration_ns)
    session = Session(engine, iter(chunks), plan, screen or Screen(), stop or StopRequest())
    return session.run()


def endless():
    second = 0
    while True:
        yield Chunk(second)
        second += 1


def test_a_duration_ends_exactly_and_orders_are_cancelled_before_the_books_close():
    engine = Engine()
    end = play(engine, endless(), duration_ns=20 * S)
    assert end.reason == "duration"
    assert end.market_ns == 20 * S
    assert end.unconfirmed_orders == 0
    verbs = [verb for verb, _ in engine.calls]
    stop = verbs.index("stop")
    assert engine.calls[stop - 1] == ("advance", START + 20 * S)
    # The cancel took a tenth of a second, in steps of half of that.
    assert verbs[stop:] == ["stop", *["advance"] * (len(verbs) - stop - 2), "finish"]
    assert engine.calls[-2][1] <= START + 20 * S + S // 5


def test_data_that_end_are_not_waited_for():
    engine = Engine(cancel_takes_ns=3600 * S)
    end = play(engine, [Chunk(0), Chunk(1)])
    assert end.reason == "data_end"
    assert end.market_ns == 19 * S // 10
    assert end.unconfirmed_orders == 0


def test_an_order_that_never_goes_is_reported_and_not_waited_for_without_end():
    engine = Engine(cancel_takes_ns=3600 * S)
    end = play(engine, endless(), duration_ns=S)
    assert end.unconfirmed_orders == 1
    assert engine.calls[-1][0] == "finish"
    assert engine.calls[-2][1] <= START + 7 * S


def test_a_request_to_stop_ends_the_session_in_order():
    stop = StopRequest()

    def ask():
        stop.requested = True

    engine = Engine()
    end = play(engine, endless(), stop=stop, screen=Screen(ask))
    assert end.reason == "interrupted"
    assert [verb for verb, _ in engine.calls if verb != "advance"] == ["stop", "finish"]
    assert end.last.orders


def test_market_time_follows_the_clock():
    engine = Engine()
    end = play(engine, endless(), speed=10, duration_ns=2 * S)
    assert end.reason == "duration"
    # Two seconds of market time at ten times the clock.
    assert end.wall_ns >= S // 6


def test_empty_chunks_are_skipped_and_no_data_is_an_error():
    engine = Engine()
    end = play(engine, [Chunk(0, rows=0), Chunk(0), Chunk(1)])
    assert end.start_ns == START
    for nothing in ([], [Chunk(0, rows=0)]):
        with pytest.raises(MarketDataError, match="E_BT_NO_DATA"):
            play(Engine(), nothing)
