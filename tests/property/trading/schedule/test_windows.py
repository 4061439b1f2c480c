"""Windows against a naive clock on the wall, minute by minute, across changes of the clocks."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbot.config.scheduling import SchedulerConfig, TradingWindow
from mmbot.trading.schedule import open_windows
from mmbot.units import NS_PER_MIN, NS_PER_SEC

# Zones with a change of the clocks, or with something odd, near the instant.
CHANGES = [
    ("UTC", "2024-03-31T01:00"),
    ("Europe/Berlin", "2024-03-31T01:00"),
    ("Europe/Berlin", "2024-10-27T01:00"),
    ("America/New_York", "2024-03-10T07:00"),
    ("America/New_York", "2024-11-03T06:00"),
    ("America/St_Johns", "2024-11-03T04:30"),
    ("Australia/Lord_Howe", "2024-04-06T15:00"),
    ("Australia/Lord_Howe", "2024-10-05T15:30"),
    ("America/Havana", "2024-03-10T05:00"),
    ("Africa/Casablanca", "2024-03-10T02:00"),
    ("Asia/Kathmandu", "2024-06-01T00:00"),
    ("Pacific/Apia", "2011-12-30T10:00"),
]

times = st.builds(
    "{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 45, 59])
)
windows = st.builds(
    TradingWindow,
    name=st.just("w"),
    days=st.lists(st.integers(1, 7), min_size=1, max_size=7, unique=True).map(tuple),
    start=times,
    end=times,
)


def naive_is_open(config: SchedulerConfig, instant: datetime) -> bool:
    local = instant.astimezone(ZoneInfo(config.tz))
    clock = f"{local.hour:02d}:{local.minute:02d}"
    today = local.isoweekday()
    yesterday = 7 if today == 1 else today - 1
    for window in config.windows:
        if window.start < window.end:
            if today in window.days and window.start <= clock < window.end:
                return True
        elif (today in window.days and clock >= window.start) or (
            yesterday in window.days and clock < window.end
        ):
            return True
    return False


@pytest.mark.spec("02-4")
@settings(max_examples=150)
@given(
    change=st.sampled_from(CHANGES),
    chosen=st.lists(windows, min_size=1, max_size=4).map(tuple),
    before_min=st.integers(0, 1500),
    after_min=st.integers(1, 2000),
)
def test_open_minutes_are_those_that_the_clock_on_the_wall_shows(
    change, chosen, before_min, after_min
):
    zone, text = change
    config = SchedulerConfig(tz=zone, windows=chosen)
    instant = datetime.fromisoformat(text).replace(tzinfo=UTC)
    start = instant - timedelta(minutes=before_min)
    count = before_min + after_min
    start_ns = int(start.timestamp()) * NS_PER_SEC
    found = open_windows(config, start_ns=start_ns, end_ns=start_ns + count * NS_PER_MIN)
    assert found is not None
    assert all(window.from_ns < window.to_ns for window in found)
    assert all(one.to_ns < other.from_ns for one, other in pairwise(found))
    opened: set[int] = set()
    for window in found:
        first, rest = divmod(window.from_ns - start_ns, NS_PER_MIN)
        last, other_rest = divmod(window.to_ns - start_ns, NS_PER_MIN)
        assert (rest, other_rest) == (0, 0)
        opened.update(range(first, last))
    naive = {n for n in range(count) if naive_is_open(config, start + timedelta(minutes=n))}
    assert opened == naive
