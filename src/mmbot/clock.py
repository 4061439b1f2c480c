"""The only place that reads a clock.

Decisions never do: their time arrives with each event. What is left is the artifact clock, which
dates reports and can be frozen so that equal runs write equal bytes, the wall clock of live
sessions, and the monotonic clock that paces a terminal view or measures a benchmark.

`MM_FREEZE_UTC_ISO=<instant>` freezes the artifact clock there, else `MM_FREEZE_UTC=1` freezes it at
1970-01-01T00:00:00Z. Neither touches the other clocks: a frozen clock must not stop a live session.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from mmbot.errors import ConfigError
from mmbot.units import NS_PER_SEC, format_stamp, format_utc, parse_utc_ns

__all__ = ["artifact_ns", "artifact_stamp", "artifact_utc", "monotonic_ns", "sleep_ns", "wall_ns"]

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


def wall_ns() -> int:
    """Nanoseconds since 1970-01-01T00:00:00Z by the machine's clock, which may jump."""
    return time.time_ns()


def monotonic_ns() -> int:
    """Nanoseconds of a clock that never goes back; only differences mean something."""
    return time.perf_counter_ns()


def sleep_ns(duration_ns: int) -> None:
    """Block the calling thread; for pacing at the rim, never inside an event loop."""
    if duration_ns > 0:
        time.sleep(duration_ns / NS_PER_SEC)


def artifact_ns(env: Mapping[str, str] | None = None) -> int:
    """The instant that artifacts carry, in whole seconds: now, unless the environment froze it.

    Raises:
        ConfigError: ``E_CFG_TYPE`` when a freezing variable is malformed.
    """
    env = os.environ if env is None else env
    frozen_iso = env.get("MM_FREEZE_UTC_ISO", "")
    if frozen_iso:
        return _whole_seconds(parse_utc_ns(frozen_iso, key="MM_FREEZE_UTC_ISO"))
    frozen = env.get("MM_FREEZE_UTC", "").lower()
    if frozen in _TRUE:
        return 0
    if frozen not in _FALSE:
        raise ConfigError("E_CFG_TYPE", "MM_FREEZE_UTC", f"must be 0 or 1: {frozen!r}")
    return _whole_seconds(wall_ns())


def artifact_utc(env: Mapping[str, str] | None = None) -> str:
    """`artifact_ns` as ``YYYY-MM-DDTHH:MM:SSZ``."""
    return format_utc(artifact_ns(env))


def artifact_stamp(env: Mapping[str, str] | None = None) -> str:
    """`artifact_ns` as ``YYYYMMDDTHHMMSSZ``, for names of files and directories."""
    return format_stamp(artifact_ns(env))


def _whole_seconds(ts_ns: int) -> int:
    return ts_ns - ts_ns % NS_PER_SEC
