"""A session against the simulated exchange leaves a state file."""

import pytest
from tests.unit.trading.written_sessions import identity_of, write_session

from mmbot.trading.live.companion import StateCompanion, first_state
from mmbot.trading.live.heartbeat import Heartbeat
from mmbot.trading.live.state_file import Liveness, is_running, liveness, read_state, state_path

SYMBOLS = ("BTCUSDT", "ETHUSDT")


def last_state(directory):
    return read_state(state_path("s-1", directory))


def trade(directory, companion):
    def on_second(engine, second):
        if second == 1:
            companion.begin(engine, 0)
        elif second == 2:
            companion.step(engine, 0, ())
        elif second == 3:
            companion.close(engine, 0, ())

    write_session(directory, symbols=SYMBOLS, seconds=3, on_second=on_second)


def test_it_beats_while_it_trades_and_says_how_it_ended(tmp_path):
    first = first_state(identity_of("s-1", SYMBOLS), mode="paper", venue="synthetic market")
    with (
        Heartbeat(tmp_path) as heartbeat,
        StateCompanion(heartbeat, first, SYMBOLS) as companion,
    ):
        trade(tmp_path, companion)
        companion.finish(unconfirmed=0, exit_code=0)
    state = last_state(tmp_path)
    assert [mark.stage for mark in state.stages] == [
        "starting",
        "trading",
        "gate_closed",
        "verified",
        "ended",
    ]
    assert [one.symbol for one in state.symbols] == list(SYMBOLS)
    assert all(one.mid is not None for one in state.symbols)
    assert state.guards["risk"] == "NORMAL"
    assert state.exit_code == 0
    assert is_running(state)
    assert liveness(state, now_ns=state.heartbeat_ns, running=True) is Liveness.ENDED


def test_a_session_that_fails_ends_with_code_1(tmp_path):
    first = first_state(identity_of("s-1"), mode="paper", venue="synthetic market")
    with (
        Heartbeat(tmp_path) as heartbeat,
        pytest.raises(RuntimeError),
        StateCompanion(heartbeat, first, ("BTCUSDT",)),
    ):
        raise RuntimeError
    state = last_state(tmp_path)
    assert state.stage == "ended"
    assert state.exit_code == 1


def test_orders_that_were_not_confirmed_gone_are_never_called_verified(tmp_path):
    first = first_state(identity_of("s-1"), mode="paper", venue="synthetic market")
    with (
        Heartbeat(tmp_path) as heartbeat,
        StateCompanion(heartbeat, first, ("BTCUSDT",)) as companion,
    ):
        companion.finish(unconfirmed=2, exit_code=1)
    state = last_state(tmp_path)
    assert [mark.stage for mark in state.stages] == ["starting", "ended"]
    assert state.unconfirmed_orders == 2
