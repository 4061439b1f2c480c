"""The estimate of the venue's clock against a true one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.clock_offset import (
    STEP_NS,
    ClockSample,
    ClockState,
    OffsetEstimator,
    judge,
)

MS = NS_PER_MS
EPOCH_NS = 1_700_000_000 * NS_PER_SEC


def sample(at_ns: int, offset_ns: int, *, there_ms: float = 10, back_ms: float = 10):
    """An answer of a venue that prints whole milliseconds."""
    read_ns = at_ns + int(there_ms * MS)
    venue_ns = (read_ns + offset_ns) // MS * MS
    return ClockSample(
        sent_ns=at_ns, recv_ns=read_ns + int(back_ms * MS), venue_ns=venue_ns, grain_ns=MS
    )


def test_nothing_is_known_before_the_first_answer():
    estimator = OffsetEstimator()
    assert estimator.venue_ns(5) is None
    assert estimator.error_ns(5) is None
    verdict = judge(estimator, local_ns=5, wall_ns=5)
    assert (verdict.state, verdict.may_quote) == (ClockState.UNKNOWN, False)


delays = st.floats(0.1, 300, allow_nan=False)
samples = st.lists(st.tuples(st.integers(1, 60_000), delays, delays), min_size=1, max_size=60)


@given(offset_ms=st.integers(-10_000, 10_000), answers=samples, drift=st.integers(-100, 100))
def test_the_true_offset_is_always_within_the_error(offset_ms, answers, drift):
    estimator, now_ns = OffsetEstimator(), 0
    for gap_ms, there_ms, back_ms in answers:
        now_ns += gap_ms * MS
        offset_ns = EPOCH_NS + offset_ms * MS + now_ns * drift // 1_000_000
        one = sample(now_ns, offset_ns, there_ms=there_ms, back_ms=back_ms)
        assert not estimator.observe(one)
        true_ns = one.recv_ns + EPOCH_NS + offset_ms * MS + one.recv_ns * drift // 1_000_000
        venue_ns, error_ns = estimator.venue_ns(one.recv_ns), estimator.error_ns(one.recv_ns)
        assert venue_ns is not None
        assert error_ns is not None
        assert abs(venue_ns - true_ns) <= error_ns + MS
        now_ns = one.recv_ns
    assert estimator.steps == 0


@given(answers=st.lists(st.tuples(delays, delays), min_size=1, max_size=50))
def test_one_quick_answer_is_enough_for_20_ms(answers):
    estimator, now_ns = OffsetEstimator(), 0
    for there_ms, back_ms in [*answers, (15.0, 15.0), *answers]:
        now_ns += 200 * MS
        estimator.observe(sample(now_ns, EPOCH_NS, there_ms=there_ms, back_ms=back_ms))
    now_ns += 10 * NS_PER_SEC
    venue_ns = estimator.venue_ns(now_ns)
    assert venue_ns is not None
    assert abs(venue_ns - (now_ns + EPOCH_NS)) <= 20 * MS


@pytest.mark.parametrize("step_ms", [-10_000, -2_000, -500, -60, 60, 500, 2_000, 10_000])
def test_a_step_is_seen_by_the_first_answer_after_it(step_ms):
    estimator, now_ns = OffsetEstimator(), 0
    for _ in range(20):
        now_ns += 100 * MS
        assert not estimator.observe(sample(now_ns, EPOCH_NS))
    now_ns += 100 * MS
    assert estimator.observe(sample(now_ns, EPOCH_NS + step_ms * MS))
    assert estimator.steps == 1
    venue_ns = estimator.venue_ns(now_ns)
    assert venue_ns is not None
    assert abs(venue_ns - (now_ns + EPOCH_NS + step_ms * MS)) <= 20 * MS


def test_hosts_that_differ_by_less_than_a_step_are_no_step():
    estimator, now_ns = OffsetEstimator(), 0
    for n in range(100):
        now_ns += 50 * MS
        wobble_ns = STEP_NS // 2 if n % 2 else 0
        estimator.observe(sample(now_ns, EPOCH_NS + wobble_ns, there_ms=0.2, back_ms=0.2))
    assert estimator.steps == 0


def test_an_answer_that_ends_before_it_began_is_ignored():
    estimator = OffsetEstimator()
    assert not estimator.observe(ClockSample(sent_ns=5, recv_ns=4, venue_ns=9, grain_ns=1))
    assert estimator.samples == 0


@pytest.mark.parametrize(
    ("off_ms", "state", "may_quote"),
    [
        (0, ClockState.GOOD, True),
        (-499, ClockState.GOOD, True),
        (520, ClockState.OFF, True),
        (-980, ClockState.OFF, True),
        (1_020, ClockState.STOP, False),
        (-2_000, ClockState.STOP, False),
        (10_000, ClockState.STOP, False),
    ],
)
@pytest.mark.spec("02-12")
def test_a_machine_clock_more_than_a_second_off_stops_quoting(off_ms, state, may_quote):
    estimator = OffsetEstimator()
    estimator.observe(sample(0, EPOCH_NS, there_ms=1, back_ms=1))
    wall_ns = EPOCH_NS + 2 * MS - off_ms * MS
    verdict = judge(estimator, local_ns=2 * MS, wall_ns=wall_ns)
    assert (verdict.state, verdict.may_quote) == (state, may_quote)
    assert verdict.offset_ns is not None
    assert abs(verdict.offset_ns - off_ms * MS) <= 3 * MS
    assert ("ms" in verdict.reason) is (state is not ClockState.GOOD)


def test_a_venue_that_says_nothing_for_long_stops_quoting():
    estimator = OffsetEstimator()
    estimator.observe(sample(0, EPOCH_NS))
    now_ns = 200 * NS_PER_SEC
    verdict = judge(estimator, local_ns=now_ns, wall_ns=now_ns + EPOCH_NS)
    assert verdict.state is ClockState.UNKNOWN
