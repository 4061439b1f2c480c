"""Trading windows as instants: the core knows no time zones, it takes open intervals of UTC.

A window is open while the clock on the wall of its time zone shows a time in it: start included,
end excluded. That says what happens when clocks are changed. Times that do not exist on a day are
not traded; an hour that comes twice is traded twice. A window whose end is not after its start
crosses midnight and belongs to the day on which it starts; equal times are a whole day.

Within a stretch of constant offset from UTC the clock on the wall runs like UTC, so windows are
cut from such stretches and joined where they touch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from mmbot.config.scheduling import SchedulerConfig, TradingWindow, time_zone
from mmbot.units import NS_PER_DAY, NS_PER_SEC

__all__ = ["OpenWindow", "open_windows"]

_SEC_PER_DAY: Final = NS_PER_DAY // NS_PER_SEC
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# No zone of the database changes its offset twice within an hour.
_PROBE_SEC: Final = 3_600
# 1970-01-01 was a Thursday, ISO day 4.
_EPOCH_WEEKDAY: Final = 3


class OpenWindow(NamedTuple):
    """Trading is open from `from_ns` (included) to `to_ns` (excluded), nanoseconds since 1970.

    A pair, as `mmbot.config.session_params` takes them (`open_ns`).
    """

    from_ns: int
    to_ns: int


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Seconds of UTC [start, end) with one offset of local time."""

    start: int
    end: int
    offset: int


def open_windows(
    config: SchedulerConfig, *, start_ns: int, end_ns: int
) -> tuple[OpenWindow, ...] | None:
    """Open intervals within [start, end), ascending, disjoint, not touching; None: always open.

    The last interval ends with the span even if the window goes on, so a span must be replaced
    before it ends.

    Raises:
        ConfigError: ``E_CFG_TYPE`` for an unknown time zone.
    """
    if not config.windows:
        return None
    zone = time_zone(config.tz)
    first, last = start_ns // NS_PER_SEC, -(-end_ns // NS_PER_SEC)
    cut = [
        piece
        for stretch in _stretches(zone, first, last)
        for piece in _in_stretch(config.windows, stretch)
    ]
    clipped = (
        OpenWindow(max(start * NS_PER_SEC, start_ns), min(end * NS_PER_SEC, end_ns))
        for start, end in sorted(cut)
    )
    return tuple(_joined(window for window in clipped if window.from_ns < window.to_ns))


def _in_stretch(windows: tuple[TradingWindow, ...], stretch: _Stretch) -> Iterator[tuple[int, int]]:
    """Open seconds of UTC within a stretch."""
    low, high = stretch.start + stretch.offset, stretch.end + stretch.offset
    # A window that crosses midnight may have begun the day before.
    for day in range(low // _SEC_PER_DAY - 1, high // _SEC_PER_DAY + 1):
        weekday = (day + _EPOCH_WEEKDAY) % 7 + 1
        for window in windows:
            if weekday not in window.days:
                continue
            begin, end = _second_of_day(window.start), _second_of_day(window.end)
            length = end - begin if end > begin else end - begin + _SEC_PER_DAY
            opens = max(low, day * _SEC_PER_DAY + begin)
            closes = min(high, day * _SEC_PER_DAY + begin + length)
            if opens < closes:
                yield opens - stretch.offset, closes - stretch.offset


def _stretches(zone: ZoneInfo, start: int, end: int) -> Iterator[_Stretch]:
    """[start, end) in stretches of constant offset."""
    begin, offset = start, _offset(zone, start)
    at = start
    while at < end:
        ahead = min(at + _PROBE_SEC, end)
        after = _offset(zone, ahead)
        if after != offset:
            change = _first_with(zone, after, at, ahead)
            yield _Stretch(begin, change, offset)
            begin, offset = change, after
        at = ahead
    if begin < end:
        yield _Stretch(begin, end, offset)


def _first_with(zone: ZoneInfo, offset: int, low: int, high: int) -> int:
    """The first second in (low, high] with the offset that `high` has."""
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle) == offset:
            high = middle
        else:
            low = middle
    return high


def _offset(zone: ZoneInfo, second: int) -> int:
    local = (_EPOCH + timedelta(seconds=second)).astimezone(zone)
    offset = local.utcoffset()
    assert offset is not None
    return offset // timedelta(seconds=1)


def _second_of_day(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 3_600 + int(minute) * 60


def _joined(windows: Iterator[OpenWindow]) -> Iterator[OpenWindow]:
    """Windows sorted by start, those that touch or overlap made one."""
    current: OpenWindow | None = None
    for window in windows:
        if current is None:
            current = window
        elif window.from_ns <= current.to_ns:
            current = OpenWindow(current.from_ns, max(current.to_ns, window.to_ns))
        else:
            yield current
            current = window
    if current is not None:
        yield current
