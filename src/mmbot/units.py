"""Units: basis points, durations and instants, each with one exact conversion and one textual form.

Inside the program a time is an integer of nanoseconds, either since 1970-01-01T00:00:00Z (`ts_ns`)
or as a length (`duration_ns`). Text is parsed and printed here and nowhere else; conversions are
exact integer arithmetic, because a float holds a nanosecond instant only to about 200 ns.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from mmbot.errors import ConfigError

__all__ = [
    "BPS_PER_UNIT",
    "INT64_MAX",
    "NS_PER_DAY",
    "NS_PER_HOUR",
    "NS_PER_MIN",
    "NS_PER_MS",
    "NS_PER_SEC",
    "NS_PER_US",
    "bps_to_ratio",
    "format_duration",
    "format_stamp",
    "format_utc",
    "format_utc_ns",
    "ms_to_ns",
    "ns_to_ms",
    "parse_duration_ns",
    "parse_utc_ns",
    "ratio_to_bps",
    "sec_to_ns",
]

BPS_PER_UNIT: Final = 10_000.0
NS_PER_US: Final = 1_000
NS_PER_MS: Final = 1_000_000
NS_PER_SEC: Final = 1_000_000_000
NS_PER_MIN: Final = 60 * NS_PER_SEC
NS_PER_HOUR: Final = 60 * NS_PER_MIN
NS_PER_DAY: Final = 24 * NS_PER_HOUR
# The core holds times in signed 64 bits: the last instant is in the year 2262.
INT64_MAX: Final = 2**63 - 1

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NS_PER_UNIT: Final = {
    "d": NS_PER_DAY,
    "h": NS_PER_HOUR,
    "m": NS_PER_MIN,
    "s": NS_PER_SEC,
    "ms": NS_PER_MS,
    "us": NS_PER_US,
    "ns": 1,
}
_DURATION_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|us|ns|d|h|m|s)", re.ASCII)
_UTC: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?Z)?", re.ASCII
)


def bps_to_ratio(value_bps: float) -> float:
    """Convert basis points to a fraction: 25 -> 0.0025."""
    return value_bps / BPS_PER_UNIT


def ratio_to_bps(ratio: float) -> float:
    """Convert a fraction to basis points: 0.0025 -> 25."""
    return ratio * BPS_PER_UNIT


def ms_to_ns(value_ms: int) -> int:
    """Convert whole milliseconds to nanoseconds."""
    return value_ms * NS_PER_MS


def sec_to_ns(value_sec: int) -> int:
    """Convert whole seconds to nanoseconds."""
    return value_sec * NS_PER_SEC


def ns_to_ms(value_ns: int) -> float:
    """Convert nanoseconds to milliseconds for display and statistics."""
    return value_ns / NS_PER_MS


def parse_duration_ns(text: str, *, key: str = "duration") -> int:
    """Parse ``30s``, ``5m``, ``1h30m``, ``250ms``, ``1.5h`` into nanoseconds.

    Args:
        text: number and unit (d, h, m, s, ms, us, ns), repeated at will; a bare number has no unit
            and is refused.
        key: what the value belongs to, for the error.

    Raises:
        ConfigError: ``E_CFG_TYPE`` for another form or a fraction of a nanosecond, ``E_CFG_RANGE``
        beyond 64 bits.
    """
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ConfigError(
            "E_CFG_TYPE", key, f"must be a duration such as 30s, 5m or 1h30m: {text!r}"
        )
    total = sum(Decimal(number) * _NS_PER_UNIT[unit] for number, unit in parts)
    if total != int(total):
        raise ConfigError("E_CFG_TYPE", key, f"is finer than a nanosecond: {text!r}")
    return _in_int64(int(total), key)


def format_duration(duration_ns: int) -> str:
    """Print a length so that `parse_duration_ns` reads it back: ``1h30m``, ``250ms``, ``0s``."""
    if duration_ns == 0:
        return "0s"
    rest, parts = abs(duration_ns), []
    for unit, size_ns in _NS_PER_UNIT.items():
        count, rest = divmod(rest, size_ns)
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if duration_ns < 0 else "") + "".join(parts)


def parse_utc_ns(text: str, *, key: str = "time") -> int:
    """Parse an instant of UTC into nanoseconds since 1970.

    The forms are ``2024-08-09``, ``2024-08-09T12:00Z`` and ``2024-08-09T12:00:00[.fraction]Z``.

    Raises:
        ConfigError: ``E_CFG_TYPE`` for another form or a date that does not exist, ``E_CFG_RANGE``
        before 1970 or
            after the last 64-bit instant.
    """
    match = _UTC.fullmatch(text)
    if match is None:
        raise ConfigError("E_CFG_TYPE", key, f"must be UTC such as 2024-08-09T12:00:00Z: {text!r}")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        instant = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as exc:
        raise ConfigError("E_CFG_TYPE", key, f"is not a date of the calendar: {text!r}") from exc
    fraction_ns = int((match[7] or "0").ljust(9, "0"))
    seconds = (instant - _EPOCH) // timedelta(seconds=1)
    return _in_int64(seconds * NS_PER_SEC + fraction_ns, key)


def format_utc(ts_ns: int) -> str:
    """Print an instant as ``YYYY-MM-DDTHH:MM:SSZ``, rounded down to the second."""
    return _whole_second(ts_ns).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_utc_ns(ts_ns: int) -> str:
    """Print an instant with its nine decimals, exactly."""
    return _whole_second(ts_ns).strftime("%Y-%m-%dT%H:%M:%S") + f".{ts_ns % NS_PER_SEC:09d}Z"


def format_stamp(ts_ns: int) -> str:
    """Print an instant for file names: ``YYYYMMDDTHHMMSSZ``."""
    return _whole_second(ts_ns).strftime("%Y%m%dT%H%M%SZ")


def _whole_second(ts_ns: int) -> datetime:
    return _EPOCH + timedelta(seconds=ts_ns // NS_PER_SEC)


def _in_int64(value_ns: int, key: str) -> int:
    if not 0 <= value_ns <= INT64_MAX:
        raise ConfigError("E_CFG_RANGE", key, f"must be in [0,{INT64_MAX}] ns")
    return value_ns
