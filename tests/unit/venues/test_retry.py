import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.units import NS_PER_MS
from mmbot.venues.bybit.codes import BYBIT_CODES
from mmbot.venues.failures import Failure, FailureKind, Operation
from mmbot.venues.retry import (
    CALL_POLICY,
    CANCEL_ALL_AFTER,
    SOCKET_POLICY,
    BackoffAccount,
    NextStep,
    RetryState,
    Step,
    delay_ns,
    next_step,
    reconnect_step,
)

ALMOST_ONE = math.nextafter(1.0, 0.0)


def failed(operation: Operation, kind=FailureKind.CONNECT, *, is_sent=False, **more) -> Failure:
    return Failure(operation=operation, is_sent=is_sent, kind=kind, **more)


def run(
    failure: Failure, count: int, *, is_wanted: bool = True, draw: float = 0.5
) -> list[NextStep]:
    state, steps = RetryState(), []
    for _ in range(count):
        step = next_step(state, failure, codes=BYBIT_CODES, draw=draw, is_wanted=is_wanted)
        steps.append(step)
        state = step.state
    return steps


@pytest.mark.spec("02-12")
@pytest.mark.parametrize(
    ("policy", "failures", "bound_ms"),
    [
        (CALL_POLICY, 1, 200),
        (CALL_POLICY, 2, 400),
        (CALL_POLICY, 3, 800),
        (CALL_POLICY, 4, 1600),
        (CALL_POLICY, 5, 3000),
        (CALL_POLICY, 10_000, 3000),
        (SOCKET_POLICY, 1, 1000),
        (SOCKET_POLICY, 5, 16_000),
        (SOCKET_POLICY, 6, 30_000),
        (SOCKET_POLICY, 10**6, 30_000),
    ],
)
def test_delays_double_up_to_the_cap_and_have_full_jitter(policy, failures, bound_ms):
    assert delay_ns(policy, failures, 0.0) == 0
    assert delay_ns(policy, failures, 0.5) == bound_ms * NS_PER_MS // 2
    assert (
        bound_ms * NS_PER_MS - 2
        <= delay_ns(policy, failures, ALMOST_ONE)
        <= (bound_ms * NS_PER_MS - 1)
    )


@pytest.mark.spec("02-12")
@given(
    failures=st.integers(1, 100),
    draw=st.floats(0, 1, exclude_max=True),
    asked=st.none() | st.integers(-5, 60_000),
)
def test_a_delay_is_never_below_what_the_venue_asked_for(failures, draw, asked):
    plain = delay_ns(CALL_POLICY, failures, draw)
    bound = min(3000, 200 * 2 ** (failures - 1)) * NS_PER_MS
    assert 0 <= plain < bound
    found = delay_ns(CALL_POLICY, failures, draw, at_least_ms=asked)
    assert found == max(plain, max(0, asked or 0) * NS_PER_MS)


@pytest.mark.spec("02-12")
def test_queries_get_three_attempts():
    steps = run(failed(Operation.QUERY, FailureKind.TIMEOUT, is_sent=True), 3)
    assert [step.step for step in steps] == [Step.RETRY, Step.RETRY, Step.GIVE_UP]
    assert [step.delay_ns // NS_PER_MS for step in steps] == [100, 200, 0]


@pytest.mark.spec("02-12")
@pytest.mark.parametrize("operation", [Operation.CREATE, Operation.AMEND])
def test_creates_go_again_only_unsent_and_while_wanted(operation):
    unsent = failed(operation)
    assert [s.step for s in run(unsent, 3)] == [Step.RETRY, Step.RETRY, Step.GIVE_UP]
    assert [s.step for s in run(unsent, 1, is_wanted=False)] == [Step.GIVE_UP]
    sent = failed(operation, FailureKind.TIMEOUT, is_sent=True)
    assert [s.step for s in run(sent, 1)] == [Step.QUERY_BY_CID]
    limited = failed(operation, FailureKind.CODE, is_sent=True, code=10006, retry_after_ms=4000)
    assert [s.step for s in run(limited, 1)] == [Step.RETRY]
    assert run(limited, 1)[0].delay_ns == 4000 * NS_PER_MS


@pytest.mark.spec("02-12")
def test_cancels_never_end_and_escalate_to_the_symbol_after_five_failures():
    failure = failed(Operation.CANCEL, FailureKind.TIMEOUT, is_sent=True)
    steps = run(failure, 40, is_wanted=False)
    assert CANCEL_ALL_AFTER == 5
    assert [step.step for step in steps[:4]] == [Step.RETRY] * 4
    assert {step.step for step in steps[4:]} == {Step.CANCEL_ALL}
    assert max(step.delay_ns for step in steps) == 1500 * NS_PER_MS


@pytest.mark.spec("02-12")
@pytest.mark.parametrize(
    ("code", "step"),
    [(110001, Step.RESOLVE), (10003, Step.STOP_SESSION), (10016, Step.RETRY)],
)
def test_a_cancel_ends_when_the_order_is_done_or_the_session_is_fatal(code, step):
    failure = failed(Operation.CANCEL, FailureKind.CODE, is_sent=True, code=code)
    assert run(failure, 1)[0].step is step


@pytest.mark.spec("02-12")
def test_a_fatal_session_is_no_retry_loop_and_a_filter_rejects():
    fatal = failed(Operation.QUERY, FailureKind.CODE, is_sent=True, code=10004)
    assert [(s.step, s.delay_ns) for s in run(fatal, 1)] == [(Step.STOP_SESSION, 0)]
    poor = failed(Operation.CREATE, FailureKind.CODE, is_sent=True, code=110007)
    assert [(s.step, s.delay_ns) for s in run(poor, 1)] == [(Step.REJECT, 0)]


@pytest.mark.spec("02-12")
@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=60))
def test_sockets_reconnect_for_ever_and_every_wait_is_accounted(draws):
    state, account, expected = RetryState(), BackoffAccount(), 0
    for number, draw in enumerate(draws, 1):
        step = reconnect_step(state, draw=draw)
        assert step.step is Step.RETRY
        assert step.delay_ns < min(30_000, 1000 * 2 ** (number - 1)) * NS_PER_MS
        state, account = step.state, account.after(step)
        expected += step.delay_ns
    assert state.waited_ns == account.waited_ns == expected
    assert account.seconds_sum == expected / 1e9
