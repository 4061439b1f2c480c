from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.trading.live.states import session_state

from mmbot.trading.live.state_file import StageMark
from mmbot.trading.watchdog.pulse import (
    STALL_NS,
    Pulse,
    Watched,
    first_pulse,
    next_pulse,
    stopped_sessions,
)
from mmbot.units import NS_PER_SEC

TIMEOUT = 5 * NS_PER_SEC


def test_a_heartbeat_that_changes_is_alive_however_wrong_the_wall_clock_is():
    pulse = first_pulse(10**18, mono_ns=0, wall_ns=10**18 - 3600 * NS_PER_SEC)
    assert pulse.age_ns(0) == 0
    for second in range(1, 30):
        mono_ns = second * NS_PER_SEC
        pulse = next_pulse(pulse, 10**18 - second * NS_PER_SEC, mono_ns=mono_ns)
        assert pulse.age_ns(mono_ns) == 0


def test_of_a_session_that_was_never_seen_the_wall_clock_tells_the_age():
    pulse = first_pulse(100 * NS_PER_SEC, mono_ns=7, wall_ns=160 * NS_PER_SEC)
    assert pulse.age_ns(7) == 60 * NS_PER_SEC


def test_a_file_that_is_gone_or_broken_is_no_sign_of_life():
    pulse = Pulse(1, 0, 0)
    for look in range(1, 10):
        pulse = next_pulse(pulse, None, mono_ns=look * STALL_NS)
    assert pulse.age_ns(9 * STALL_NS) == 9 * STALL_NS


def test_a_pause_of_the_watchdog_itself_does_not_count():
    pulse = next_pulse(Pulse(1, 0, 0), 1, mono_ns=STALL_NS)
    pulse = next_pulse(pulse, 1, mono_ns=STALL_NS + 100 * NS_PER_SEC)
    assert pulse.age_ns(STALL_NS + 100 * NS_PER_SEC) == STALL_NS


@given(st.lists(st.tuples(st.integers(0, 2 * STALL_NS), st.booleans()), max_size=60))
def test_the_age_is_the_time_looked_at_since_the_last_change(looks):
    pulse, mono_ns, beat, age = Pulse(0, 0, 0), 0, 0, 0
    for gap, changes in looks:
        mono_ns += gap
        beat += changes
        age = 0 if changes else age + (gap if gap <= STALL_NS else 0)
        pulse = next_pulse(pulse, beat, mono_ns=mono_ns)
        assert pulse.age_ns(mono_ns) == age


def watched(**sessions) -> dict[str, Watched]:
    rows = {}
    for number, (name, (age_sec, changes)) in enumerate(sessions.items()):
        state = replace(session_state(), session=name, started_ns=number, **changes)
        rows[name] = Watched(state, Pulse(1, -int(age_sec * NS_PER_SEC), 0))
    return rows


def stopped(**sessions) -> set[str]:
    return set(stopped_sessions(watched(**sessions), mono_ns=0, timeout_ns=TIMEOUT))


ENDED = {"stages": (StageMark("ended", 1),)}


@pytest.mark.spec("09-1")
@pytest.mark.parametrize(
    ("age_sec", "changes", "is_stopped"),
    [
        (0, {}, False),
        (5, {}, False),
        (5.001, {}, True),
        (3600, {}, True),
        (3600, ENDED, False),
        (0, {**ENDED, "unconfirmed_orders": 1}, True),
        (6, {"stages": (StageMark("gate_closed", 1),)}, True),
    ],
)
def test_a_session_is_stopped_when_its_heartbeat_is_older_than_the_timeout(
    age_sec, changes, is_stopped
):
    assert stopped(one=(age_sec, changes)) == ({"one"} if is_stopped else set())


def test_a_session_whose_bot_trades_on_is_left_to_its_successor():
    assert stopped(old=(60, {}), new=(0, {})) == set()
    assert stopped(old=(60, {}), new=(60, {})) == {"old", "new"}
    assert stopped(old=(60, {}), new=(0, ENDED)) == {"old"}
    assert stopped(old=(0, {}), new=(60, {})) == {"new"}
    assert stopped(old=(60, {}), new=(0, {"bot_prefix": "mmzzzz"})) == {"old"}
