"""The raise of min_interval_ms that blocked replaces ask for."""

import pytest

from mmbot.config.block_adjustment import WINDOW_NS, BlockCounts, BlockWindow, raised


def counts(total, blocked, **more):
    return BlockCounts(total, {"min_interval": blocked, **more})


@pytest.mark.spec("01-4.6", "01-D8", "02-D18")
@pytest.mark.parametrize(
    ("total", "blocked", "interval_ms", "expected"),
    [
        (100, 26, 60, 70),
        (100, 25, 60, None),
        (4, 1, 60, None),
        (100, 100, 115, 120),
        (100, 100, 119, 120),
        (100, 100, 120, None),
        (100, 100, 200, None),
        (100, 0, 60, None),
        (0, 0, 60, None),
        (0, 5, 60, None),
        (100, 26, 0, 10),
    ],
)
def test_more_than_a_quarter_of_ticks_blocked_raises_by_ten_up_to_the_cap(
    total, blocked, interval_ms, expected
):
    found = raised(counts(total, blocked), interval_ms)
    assert (found and found.new_ms) == expected


@pytest.mark.spec("01-4.6")
def test_other_reasons_do_not_count():
    assert raised(counts(100, 10, risk=90, throttle=90, concurrency=90), 60) is None


@pytest.mark.spec("01-4.6")
def test_the_marker_shows_the_rate_with_two_decimals():
    found = raised(counts(3, 1), 60)
    assert found is not None
    assert found.marker == "| min_interval_adjust | block_rate=33.33% | 60ms -> 70ms |"
    assert found.reason == "block_min_interval"


@pytest.mark.spec("01-4.6")
def test_each_window_is_judged_on_its_own_counts():
    window = BlockWindow()
    assert window.evaluate(counts(100, 30), 60) is not None
    # 40 of 200 in the session, 10 of 100 in the window.
    assert window.evaluate(counts(200, 40), 70) is None
    # 90 of 300 in the session, 50 of 100 in the window.
    found = window.evaluate(counts(300, 90), 70)
    assert found is not None
    assert found.block_rate == 0.5
    assert window.evaluate(counts(300, 90), 80) is None


@pytest.mark.spec("01-4.6")
def test_a_tuning_run_raises_nothing_but_counts_on():
    window = BlockWindow()
    assert window.evaluate(counts(100, 90), 60, tuning=True) is None
    assert window.evaluate(counts(200, 100), 60) is None


@pytest.mark.spec("01-4.6")
def test_a_live_window_lasts_300_s():
    assert WINDOW_NS == 300 * 10**9
    window = BlockWindow(start_ns=5)
    assert not window.is_due(WINDOW_NS + 4)
    assert window.is_due(WINDOW_NS + 5)
    window.evaluate(counts(1, 0), 60, now_ns=WINDOW_NS + 7)
    assert not window.is_due(2 * WINDOW_NS + 6)
    assert window.is_due(2 * WINDOW_NS + 7)
