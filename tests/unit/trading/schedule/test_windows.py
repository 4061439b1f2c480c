import pytest

from mmbot.config.scheduling import SchedulerConfig, TradingWindow, time_zone
from mmbot.errors import ConfigError
from mmbot.trading.schedule import open_windows
from mmbot.units import INT64_MAX, NS_PER_DAY, format_utc, parse_utc_ns


def spans(tz: str, *rows, start: str, end: str) -> list[str]:
    config = SchedulerConfig(
        tz=tz, windows=tuple(TradingWindow(start=a, end=b, days=days) for a, b, days in rows)
    )
    found = open_windows(config, start_ns=parse_utc_ns(start), end_ns=parse_utc_ns(end))
    assert found is not None
    return [f"{_short(w.from_ns)} {_short(w.to_ns)}" for w in found]


def _short(ts_ns: int) -> str:
    return format_utc(ts_ns)[5:16].replace("T", " ")


ALL = (1, 2, 3, 4, 5, 6, 7)
FRIDAY = (5,)


@pytest.mark.spec("02-4")
def test_an_empty_list_is_always_open():
    assert open_windows(SchedulerConfig(), start_ns=0, end_ns=NS_PER_DAY) is None


@pytest.mark.spec("02-4")
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("09:00", "17:30", ALL)], ["03-01 09:00 03-01 17:30", "03-02 09:00 03-02 17:30"]),
        # 2024-03-01 is a Friday.
        ([("09:00", "17:30", FRIDAY)], ["03-01 09:00 03-01 17:30"]),
        ([("22:00", "02:00", FRIDAY)], ["03-01 22:00 03-02 02:00"]),
        ([("22:00", "02:00", (4,))], ["03-01 00:00 03-01 02:00"]),
        ([("00:00", "00:00", FRIDAY)], ["03-01 00:00 03-02 00:00"]),
        ([("10:00", "10:00", FRIDAY)], ["03-01 10:00 03-02 10:00"]),
        ([("00:00", "00:00", ALL)], ["03-01 00:00 03-03 00:00"]),
        ([("09:00", "10:00", FRIDAY), ("10:00", "11:00", FRIDAY)], ["03-01 09:00 03-01 11:00"]),
        ([("09:00", "12:00", FRIDAY), ("10:00", "11:00", FRIDAY)], ["03-01 09:00 03-01 12:00"]),
        ([("09:00", "10:00", (7,))], []),
    ],
)
def test_windows_of_week_days_cross_midnight_join_and_stay_disjoint(rows, expected):
    assert spans("UTC", *rows, start="2024-03-01", end="2024-03-03") == expected


@pytest.mark.spec("02-4")
@pytest.mark.parametrize(
    ("row", "start", "expected"),
    [
        # Clocks go forward at 01:00 UTC: 02:00..03:00 does not exist.
        (("02:15", "02:45", ALL), "2024-03-31", []),
        (("01:30", "02:30", ALL), "2024-03-31", ["03-31 00:30 03-31 01:00"]),
        (("02:30", "04:00", ALL), "2024-03-31", ["03-31 01:00 03-31 02:00"]),
        # Clocks go back at 01:00 UTC: 02:00..03:00 comes twice.
        (
            ("02:15", "02:45", ALL),
            "2024-10-27",
            ["10-27 00:15 10-27 00:45", "10-27 01:15 10-27 01:45"],
        ),
        (("01:30", "03:30", ALL), "2024-10-27", ["10-26 23:30 10-27 02:30"]),
        (
            ("09:00", "17:00", ALL),
            "2024-10-27",
            ["10-26 12:00 10-26 15:00", "10-27 08:00 10-27 16:00"],
        ),
    ],
)
def test_changes_of_the_clocks_in_berlin(row, start, expected):
    # From noon to noon, so that the whole local day is in it and no other night.
    before = f"{start[:8]}{int(start[8:]) - 1}T12:00Z"
    assert spans("Europe/Berlin", row, start=before, end=f"{start}T17:00Z") == expected


def test_intervals_are_clipped_to_the_span_to_the_nanosecond():
    config = SchedulerConfig(windows=(TradingWindow(start="00:00", end="00:01"),))
    found = open_windows(config, start_ns=1, end_ns=60 * 10**9 - 1)
    assert found is not None
    assert [(w.from_ns, w.to_ns) for w in found] == [(1, 60 * 10**9 - 1)]
    assert open_windows(config, start_ns=60 * 10**9, end_ns=61 * 10**9) == ()
    assert open_windows(config, start_ns=5, end_ns=5) == ()


def test_the_last_instants_of_64_bits_have_windows():
    config = SchedulerConfig(windows=(TradingWindow(),))
    found = open_windows(config, start_ns=INT64_MAX - NS_PER_DAY, end_ns=INT64_MAX)
    assert found is not None
    assert [(w.from_ns, w.to_ns) for w in found] == [(INT64_MAX - NS_PER_DAY, INT64_MAX)]


@pytest.mark.parametrize("name", ["Mars/Base", "Europe", "/etc/passwd", "Europe/Berlin/", "UTC/"])
def test_an_unknown_zone_is_refused_when_the_configuration_is_read(name):
    with pytest.raises(ConfigError, match="E_CFG_TYPE"):
        time_zone(name)
    with pytest.raises(ValueError, match="time zone"):
        SchedulerConfig(tz=name)
