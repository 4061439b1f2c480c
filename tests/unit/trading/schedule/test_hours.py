"""Windows around the time of a market."""

import pytest

from mmbot.config.scheduling import SchedulerConfig, TradingWindow
from mmbot.trading.schedule import OpenHours
from mmbot.units import NS_PER_DAY, NS_PER_HOUR, parse_utc_ns

DAILY = SchedulerConfig(windows=(TradingWindow(start="23:00", end="01:00"),))
NOW_NS = parse_utc_ns("2024-07-01T00:30Z")


def test_without_windows_a_session_is_never_asked_to_renew():
    hours = OpenHours()
    assert not hours.due(SchedulerConfig(), NOW_NS)
    assert hours.around(SchedulerConfig(), NOW_NS) is None
    assert not hours.due(SchedulerConfig(), NOW_NS + 1000 * NS_PER_DAY)


@pytest.mark.spec("02-4")
def test_windows_reach_back_over_midnight_and_are_renewed_before_they_end():
    hours = OpenHours()
    assert hours.due(DAILY, NOW_NS)
    windows = hours.around(DAILY, NOW_NS) or ()
    assert any(window.from_ns <= NOW_NS < window.to_ns for window in windows)
    ahead_ns = NOW_NS
    while not hours.due(DAILY, ahead_ns):
        assert any(window.from_ns > ahead_ns for window in windows)
        ahead_ns += NS_PER_HOUR
    assert windows[-1].to_ns > ahead_ns + 30 * NS_PER_DAY
    again = hours.around(DAILY, ahead_ns) or ()
    assert any(window.from_ns > ahead_ns + 365 * NS_PER_DAY for window in again)
    assert not hours.due(DAILY, ahead_ns)
