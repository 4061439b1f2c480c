"""At most five refusals a minute for one reason, by symbol or, if it is the account's, in all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.trading.live.holds import HoldReason, Holds
from mmbot.trading.live.rejects import ATTEMPTS_MAX, WINDOW_NS, RejectBrake, refused_for
from mmbot.units import NS_PER_SEC
from mmbot.venues.bybit.codes import BYBIT_CODES
from mmbot.venues.failures import Failure, FailureKind, Operation, classify

A, B = "BTCUSDT", "ETHUSDT"
BOTH = (A, B)


def failure(operation=Operation.CREATE, **changes):
    fields = {"operation": operation, "is_sent": True, "kind": FailureKind.CODE, "code": 110007}
    return Failure(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "110007"),
        ({"code": 10016}, "10016"),
        ({"code": 10006}, None),
        ({"code": 110072}, None),
        ({"code": 10003}, None),
        ({"code": None, "kind": FailureKind.TIMEOUT}, None),
        ({"code": None, "kind": FailureKind.BUDGET, "is_sent": False}, None),
    ],
)
def test_only_a_refusal_by_code_counts(changes, reason):
    one = failure(**changes)
    assert refused_for(classify(one, BYBIT_CODES), one) == reason


def storm(brake, holds, symbol, reason, times):
    lines = []
    for now_ns in times:
        brake.refused(reason, symbol, now_ns)
        lines += brake.hold(holds, now_ns)
    return lines


def test_the_fifth_refusal_parks_its_symbol_alone_until_the_oldest_is_a_minute_old():
    brake, holds = RejectBrake(BOTH), Holds(BOTH)
    times = [at * NS_PER_SEC for at in range(ATTEMPTS_MAX)]
    assert storm(brake, holds, A, "110007", times[:-1]) == []
    assert holds.held == frozenset()
    (line,) = storm(brake, holds, A, "110007", times[-1:])
    assert line.startswith("| rejects | ALERT | E_EXEC_REJECTS: reason=110007 refused=5")
    assert holds.held == {A}
    assert brake.trips == 1
    assert brake.hold(holds, times[-1] + 1) == []
    assert brake.hold(holds, times[0] + WINDOW_NS - 1) == []
    assert brake.hold(holds, times[0] + WINDOW_NS) == [
        f"| rejects | OK | symbol={A} is tried again |"
    ]
    assert holds.held == frozenset()
    assert brake.spare(A, times[0] + WINDOW_NS) == 1
    storm(brake, holds, A, "110007", [times[0] + WINDOW_NS])
    assert holds.has(HoldReason.REJECTS, A)
    assert not holds.has(HoldReason.REJECTS, B)
    assert brake.refusals == {"110007": ATTEMPTS_MAX + 1}


def test_reasons_are_counted_apart_and_one_of_several_symbols_is_the_accounts():
    brake, holds = RejectBrake(BOTH), Holds(BOTH)
    storm(brake, holds, A, "110003", range(3))
    storm(brake, holds, A, "110007", range(3))
    assert holds.held == frozenset()
    storm(brake, holds, B, "110007", range(3, 4))
    assert (brake.spare(A, 4), brake.spare(B, 4)) == (1, 1)
    storm(brake, holds, B, "110007", range(4, 5))
    assert holds.held == {A, B}


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.sampled_from(BOTH), st.sampled_from(["1", "2"])),
        max_size=80,
    )
)
def test_against_a_list_of_refusals_no_minute_of_a_symbol_has_more_than_five(steps):
    """A naive venue refuses everything that is let through, one at a time."""
    brake, holds = RejectBrake(BOTH), Holds(BOTH)
    now_ns, sent = 0, []
    for wait_s, symbol, reason in steps:
        now_ns += wait_s * NS_PER_SEC
        brake.hold(holds, now_ns)
        if symbol in holds.held or brake.spare(symbol, now_ns) == 0:
            continue
        brake.refused(reason, symbol, now_ns)
        brake.hold(holds, now_ns)
        sent.append((now_ns, symbol, reason))
    for begin_ns, symbol, reason in sent:
        within = [
            one
            for one in sent
            if one[1:] == (symbol, reason) and begin_ns <= one[0] < begin_ns + WINDOW_NS
        ]
        assert len(within) <= ATTEMPTS_MAX
