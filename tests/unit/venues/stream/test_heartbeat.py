"""The heartbeat against a clock that the test moves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.stream.heartbeat import BUSY_SOCKET, QUIET_SOCKET, Heartbeat, Pulse

TICK_NS = 25 * NS_PER_MS


def found_dead_after(policy, *, answers: bool, for_ns: int) -> int | None:
    beat = Heartbeat(policy, 0)
    for now_ns in range(0, for_ns, TICK_NS):
        pulse = beat.check(now_ns)
        if pulse is Pulse.DEAD:
            return now_ns
        if pulse is Pulse.PING and answers:
            beat.heard(now_ns + TICK_NS)
    return None


def test_a_dead_busy_socket_is_found_within_a_second():
    found_ns = found_dead_after(BUSY_SOCKET, answers=False, for_ns=5 * NS_PER_SEC)
    assert found_ns is not None
    assert found_ns <= NS_PER_SEC


def test_a_dead_quiet_socket_is_found_within_three_seconds_and_a_tick():
    found_ns = found_dead_after(QUIET_SOCKET, answers=False, for_ns=5 * NS_PER_SEC)
    assert found_ns is not None
    assert found_ns <= 3 * NS_PER_SEC + TICK_NS


def test_a_quiet_market_with_a_living_socket_is_never_dead():
    for policy in (BUSY_SOCKET, QUIET_SOCKET):
        assert found_dead_after(policy, answers=True, for_ns=60 * NS_PER_SEC) is None


def test_one_ping_at_a_time():
    beat = Heartbeat(BUSY_SOCKET, 0)
    pulses = [beat.check(now) for now in range(0, 800 * NS_PER_MS, TICK_NS)]
    assert pulses.count(Pulse.PING) == 1


def test_a_busy_socket_is_still_pinged_now_and_then():
    beat = Heartbeat(BUSY_SOCKET, 0)
    pinged = 0
    for now_ns in range(0, 60 * NS_PER_SEC, TICK_NS):
        beat.heard(now_ns)
        pinged += beat.check(now_ns) is Pulse.PING
    assert pinged == 3


def test_suspicion_asks_though_frames_come_but_not_all_the_time():
    beat, pings = Heartbeat(BUSY_SOCKET, 0), []
    for now_ns in range(0, 2 * NS_PER_SEC, TICK_NS):
        beat.heard(now_ns)
        if beat.check(now_ns, is_suspect=True) is Pulse.PING:
            pings.append(now_ns // NS_PER_MS)
    assert pings == [400, 800, 1200, 1600]


def test_our_own_standstill_is_not_the_sockets_death():
    beat = Heartbeat(BUSY_SOCKET, 0)
    assert beat.check(500 * NS_PER_MS) is Pulse.PING
    assert beat.check(5 * NS_PER_SEC) is Pulse.FINE
    later_ns = 5 * NS_PER_SEC
    while later_ns < 5 * NS_PER_SEC + BUSY_SOCKET.answer_within_ns:
        assert beat.check(later_ns) is Pulse.FINE
        later_ns += TICK_NS
    assert beat.check(later_ns) is Pulse.DEAD


@given(gaps=st.lists(st.integers(1, 390), min_size=1, max_size=200))
def test_a_socket_that_speaks_often_enough_is_never_dead(gaps):
    beat, now_ns = Heartbeat(BUSY_SOCKET, 0), 0
    for gap in gaps:
        end_ns = now_ns + gap * NS_PER_MS
        while now_ns < end_ns:
            assert beat.check(now_ns) is not Pulse.DEAD
            now_ns = min(end_ns, now_ns + TICK_NS)
        beat.heard(now_ns)
