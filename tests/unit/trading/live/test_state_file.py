"""What a state file says, and when it may be believed."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
from tests.unit.trading.live.states import NOW, SEC, session_state, symbol_state

from mmbot.errors import StoreError
from mmbot.trading.live.state_file import (
    STALE_NS,
    Liveness,
    StageMark,
    StopOrder,
    found_states,
    is_running,
    liveness,
    process_token,
    prune_states,
    read_state,
    read_stop_order,
    state_path,
    stop_path,
    write_state,
    write_stop_order,
)
from mmbot.units import NS_PER_DAY

ENDED = (StageMark("trading", NOW - SEC), StageMark("ended", NOW, "reason=duration"))


def test_a_state_is_read_as_it_was_written(tmp_path):
    state = session_state(
        symbols=(symbol_state(mid=None, position_usd=None, market_ns=None), symbol_state()),
        leader=False,
        holds=("clock_skew",),
        faults={"late_requests": 3, "socket_lost.public.half_open": 1},
        open_faults={"socket_lost.public.half_open": NOW},
        stages=ENDED,
        exit_code=0,
        unconfirmed_orders=2,
    )
    write_state(state, tmp_path)
    assert read_state(state_path(state.session, tmp_path)) == state


def test_a_state_of_an_earlier_version_is_read(tmp_path):
    state = session_state(faults={"late_requests": 3})
    write_state(state, tmp_path)
    path = state_path(state.session, tmp_path)
    plain = json.loads(path.read_bytes())
    del plain["open_faults"]
    path.write_text(json.dumps(plain | {"of_a_later_version": 1}), encoding="ascii")
    assert read_state(path) == state


@pytest.mark.spec("09-1")
@pytest.mark.parametrize(
    ("age_ns", "running", "expected"),
    [
        (0, True, Liveness.LIVE),
        (STALE_NS, True, Liveness.LIVE),
        (STALE_NS + 1, True, Liveness.STALE),
        (STALE_NS, None, Liveness.LIVE),
        (STALE_NS + 1, None, Liveness.STALE),
        (0, False, Liveness.DEAD),
        (STALE_NS + 1, False, Liveness.DEAD),
        (-SEC, True, Liveness.LIVE),
        (-SEC - 1, True, Liveness.STALE),
    ],
)
def test_a_stale_state_never_shows_as_live(age_ns, running, expected):
    state = session_state()
    assert liveness(state, now_ns=NOW + age_ns, running=running) is expected


@pytest.mark.parametrize("running", [True, False, None])
def test_a_session_that_says_that_it_ended_has_ended(running):
    assert liveness(session_state(stages=ENDED), now_ns=NOW, running=running) is Liveness.ENDED


def test_this_process_runs_and_one_that_was_waited_for_does_not():
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    assert is_running(session_state()) is True
    assert is_running(session_state(pid=child.pid, process="")) is False


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs /proc")  # noqa: PTH110
def test_a_pid_that_another_process_has_now_is_not_the_session():
    token = process_token(os.getpid())
    assert token
    assert token.isdecimal()
    assert is_running(session_state(process=token)) is True
    assert is_running(session_state(process=f"{token}0")) is False


def test_a_process_of_another_machine_cannot_be_known():
    assert is_running(session_state(host=f"not-{socket.gethostname()}")) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"format":1}',
        "\xff",
    ],
)
def test_what_is_no_state_is_a_problem_and_hides_no_other(tmp_path, text):
    state = session_state()
    write_state(state, tmp_path)
    bad = tmp_path / "bad.json"
    bad.write_bytes(text.encode("latin-1"))
    with pytest.raises(StoreError, match="E_STORE_TYPE"):
        read_state(bad)
    states, problems = found_states(tmp_path)
    assert states == [state]
    assert [problem.path for problem in problems] == [bad]


def test_another_format_is_refused(tmp_path):
    state = session_state(format=2)
    write_state(state, tmp_path)
    with pytest.raises(StoreError, match="has format 2"):
        read_state(state_path(state.session, tmp_path))


def test_sessions_are_listed_newest_first_and_without_a_directory_there_are_none(tmp_path):
    old, new = session_state(session="a", started_ns=1), session_state(session="b", started_ns=2)
    write_state(old, tmp_path)
    write_state(new, tmp_path)
    assert found_states(tmp_path) == ([new, old], [])
    assert found_states(tmp_path / "none") == ([], [])


def test_only_sessions_that_are_over_for_a_week_are_pruned(tmp_path):
    over = session_state(session="over", stages=ENDED)
    running = session_state(session="running")
    write_state(over, tmp_path)
    write_state(running, tmp_path)
    write_stop_order(StopOrder(session="over", at_ns=NOW, keep_orders=False), tmp_path)
    assert prune_states(tmp_path, now_ns=NOW + 7 * NS_PER_DAY) == 0
    assert prune_states(tmp_path, now_ns=NOW + 7 * NS_PER_DAY + 1) == 1
    assert found_states(tmp_path)[0] == [running]
    assert not stop_path("over", tmp_path).exists()


@pytest.mark.parametrize("keep", [True, False])
def test_a_stop_order_says_whether_orders_are_kept(tmp_path, keep):
    order = StopOrder(session="s", at_ns=NOW, keep_orders=keep)
    assert read_stop_order("s", tmp_path) is None
    write_stop_order(order, tmp_path)
    assert read_stop_order("s", tmp_path) == order
    assert found_states(tmp_path) == ([], [])


def test_the_present_stage_is_the_last_one():
    assert session_state().stage == "trading"
    assert replace(session_state(), stages=()).stage == "starting"
