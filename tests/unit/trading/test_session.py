"""The session shell against an engine that only remembers what it was told."""

import numpy as np
import pytest

from mmbot.errors import MarketDataError
from mmbot.trading.session import Feed, Session, SessionPlan
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
    """Takes chunks of its symbols, has an order of each until `cancel_takes_ns` after the stop."""

    def __init__(self, cancel_takes_ns=S // 10, symbols=1):
        self.calls = []
        self.fed: list[list[Chunk]] = [[] for _ in range(symbols)]
        self.ended = set()
        self.has_until = [0] * symbols
        self.now = 0
        self.stopped_at = None
        self.cancel_takes_ns = cancel_takes_ns

    def _open(self):
        return [at for at in range(len(self.fed)) if at not in self.ended]

    def _reach(self):
        return min((self.has_until[at] for at in self._open()), default=max(self.has_until))

    def advance(self, chunk, until_ns, symbol=0):
        if chunk is not None:
            self.fed[symbol].append(chunk)
        if chunk is not None and len(chunk):
            self.has_until[symbol] = int(chunk.ts[-1])
        self.now = min(until_ns, self._reach())
        self.calls.append(("advance", until_ns))
        return until_ns > self._reach()

    def end(self, symbol):
        self.ended.add(symbol)

    def hungriest(self):
        return min(self._open(), key=lambda at: (self.has_until[at], at), default=None)

    def stop(self):
        self.calls.append(("stop", self.now))
        self.stopped_at = self.now

    def finish(self, reason="data_end"):
        self.calls.append(("finish", self.now))

    def snapshot(self, _lane, symbol=0):
        resting = self.stopped_at is None or self.now < self.stopped_at + self.cancel_takes_ns
        order = {"side": "buy", "px": 1.0, "qty": 1.0, "state": "Live", "age_ms": 1.0}
        return {
            "ts_local_ns": self.now,
            "synced": True,
            "mid": 1.0 + symbol,
            "spread_bps": 1.0,
            "bids": [],
            "asks": [],
            "orders": [{**order, "queue_ahead": None}] if resting else [],
            "position": 0.0,
            "position_usd": 0.0,
            "net_pnl_usd": 0.0,
            "fees_usd": 0.0,
            "turnover_usd": 0.0,
            "fills_total": symbol,
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
            "target_usd": 100.0,
        }

    def take_curve(self, _lane, symbol=0):
        mids = np.full(1, 1.0 + symbol)
        return {"ts_ns": np.array([self.now]), "mid": mids, "net_pnl_usd": np.zeros(1)}

    def take_fills(self, _lane, symbol=0):
        return {}

    def take_order_events(self, _lane, symbol=0):
        return {"ts_ns": np.array([self.now]), "event": ["ack"]}

    def result(self, _lane, symbol=0):
        return {"state_hash": str(symbol)}


class Companion:
    """Remembers what it was told."""

    def __init__(self):
        self.calls = []

    def begin(self, _engine, market_ns):
        self.calls.append(("begin", market_ns))

    def on_chunk(self, symbol, chunk):
        self.calls.append(("chunk", symbol, int(chunk.ts[0])))

    def step(self, engine, market_ns, taken):
        self.calls.append(("step", market_ns, engine.now, [one.symbol for one in taken]))

    def close(self, engine, market_ns, taken):
        self.calls.append(("close", engine.calls[-1][0], [one.symbol for one in taken]))


class Screen:
    def __init__(self, on_show=lambda: None):
        self.shown = []
        self.on_show = on_show

    def show(self, readout):
        self.shown.append(readout)
        self.on_show()


def play(engine, chunks, *, duration_ns=None, speed=None, stop=None, screen=None):
    return play_several(
        engine, {"A": chunks}, duration_ns=duration_ns, speed=speed, stop=stop, screen=screen
    )


def play_several(
    engine, feeds, *, duration_ns=None, speed=None, stop=None, screen=None, companions=()
):
    plan = SessionPlan(speed=speed, duration_ns=duration_ns, companions=companions)
    streams = [Feed(symbol, iter(chunks)) for symbol, chunks in feeds.items()]
    return Session(engine, streams, plan, screen or Screen(), stop or StopRequest()).run()


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


def test_several_symbols_advance_together_each_from_its_own_stream():
    engine = Engine(symbols=2)
    companion = Companion()
    screen = Screen()
    end = play_several(
        engine,
        {"A": endless(), "B": (Chunk(sec) for sec in range(0, 1000, 3))},
        duration_ns=20 * S,
        companions=[companion],
        screen=screen,
    )
    assert end.reason == "duration"
    assert [one.symbol for one in end.symbols] == ["A", "B"]
    assert [one.result["state_hash"] for one in end.symbols] == ["0", "1"]
    assert set(end.symbols[1].curve["mid"]) == {2.0}
    assert [line.symbol for line in screen.shown[-1].lines] == ["A", "B"]
    assert [line.fills for line in screen.shown[-1].lines] == [0, 1]
    # A chunk a second against one in three: whoever is behind is fed.
    a, b = (len(fed) for fed in engine.fed)
    assert a >= 20
    assert 7 <= b <= a // 2


def test_a_companion_hears_of_every_chunk_and_step_in_order():
    engine = Engine(symbols=2)
    companion = Companion()
    streams = {"A": [Chunk(0), Chunk(1)], "B": [Chunk(0), Chunk(4)]}
    play_several(engine, streams, companions=[companion])
    kinds = [call[0] for call in companion.calls]
    assert companion.calls[0] == ("begin", START)
    assert kinds.count("begin") == kinds.count("close") == 1
    assert companion.calls[-1] == ("close", "finish", ["A", "B"])
    chunks = [call[1:] for call in companion.calls if call[0] == "chunk"]
    assert sorted(chunks) == [(0, START), (0, START + S), (1, START), (1, START + 4 * S)]
    steps = [call for call in companion.calls if call[0] == "step"]
    assert all(call[3] == ["A", "B"] for call in steps)
    assert [call[1] for call in steps] == sorted(call[1] for call in steps)


def test_companions_are_closed_when_the_session_fails_and_whatever_one_of_them_does():
    class Failing(Engine):
        def advance(self, chunk, until_ns, symbol=0):
            if until_ns > START + 5 * S:
                raise RuntimeError("a strategy")
            return super().advance(chunk, until_ns, symbol)

    class Broken(Companion):
        def close(self, engine, market_ns, taken):
            super().close(engine, market_ns, taken)
            raise OSError("no disk")

    first, broken, last = Companion(), Broken(), Companion()
    with pytest.raises(RuntimeError, match="a strategy"):
        play_several(Failing(), {"A": endless()}, companions=[first, broken, last])
    for companion in (first, broken, last):
        assert [call[0] for call in companion.calls].count("close") == 1
    # Without another failure its own is told.
    with pytest.raises(OSError, match="no disk"):
        play_several(Engine(), {"A": [Chunk(0)]}, companions=[Broken(), last])
    assert [call[0] for call in last.calls].count("close") == 2


def test_the_end_of_one_stream_does_not_stop_the_others():
    engine = Engine(symbols=2)
    streams = {"A": [Chunk(0)], "B": [Chunk(0), Chunk(1), Chunk(2)]}
    end = play_several(engine, streams)
    assert end.reason == "data_end"
    assert engine.ended == {0, 1}
    assert end.market_ns == 29 * S // 10


def test_one_symbol_has_no_lines_and_a_stream_without_rows_is_named():
    screen = Screen()
    play(Engine(), [Chunk(0)], screen=screen)
    assert screen.shown[-1].lines == ()
    with pytest.raises(MarketDataError, match="E_BT_NO_DATA: symbol=B "):
        play_several(Engine(symbols=2), {"A": [Chunk(0)], "B": []})
