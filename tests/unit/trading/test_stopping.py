"""Signals that ask for an end: one wish, its echo, and a wish that is repeated on purpose."""

import os
import signal

import pytest

from mmbot.trading.stopping import ECHO_NS, StopRequest, StopSignals


@pytest.mark.parametrize(
    ("heard_ns", "second"),
    [
        ([0], [False]),
        ([5, 5, 6], [False, False, False]),
        ([7, ECHO_NS + 6], [False, False]),
        ([7, ECHO_NS + 7], [False, True]),
        ([7, ECHO_NS, ECHO_NS + 7], [False, False, True]),
    ],
)
def test_what_comes_within_half_a_second_is_the_same_signal(heard_ns, second):
    times = iter(heard_ns)
    signals = StopSignals(lambda: next(times))
    assert [signals.is_second() for _ in heard_ns] == second


def test_both_signals_at_once_ask_a_session_to_end_and_leave_it_alive():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    heard = []
    with StopRequest() as stop:
        heard.append(stop.requested)
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        heard.append(stop.requested)
    assert heard == [False, True]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
