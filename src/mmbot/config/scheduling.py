"""When the bot trades: windows of the day, their suggestion, and shadow trading."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from mmbot.config.base import Items, Section, key, refuse
from mmbot.errors import ConfigError

__all__ = [
    "SchedulerConfig",
    "SchedulerSuggestConfig",
    "ShadowConfig",
    "TradingWindow",
    "time_zone",
]

_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


def time_zone(name: str) -> ZoneInfo:
    """The rules of a time zone of the tz database.

    Raises:
        ConfigError: ``E_CFG_TYPE`` if the database has no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        # A directory of the database, such as "Europe", is an OSError.
        raise ConfigError(
            "E_CFG_TYPE", "scheduler.tz", f"is no time zone of the tz database: {name!r}"
        ) from exc


def _known_zone(name: str) -> str:
    try:
        time_zone(name)
    except ConfigError as exc:
        raise refuse(exc.code, exc.message) from exc
    return name


class TradingWindow(Section):
    """One window; an end before the start crosses midnight and belongs to the start day."""

    HOT: ClassVar[bool] = True

    name: str = key("window", "name of the window", min_length=1, max_length=64)
    days: Items[Annotated[int, Field(ge=1, le=7)]] = key(
        (1, 2, 3, 4, 5, 6, 7), "ISO week days", min_length=1
    )
    start: str = key("00:00", "first minute, HH:MM", pattern=_TIME)
    end: str = key("00:00", "minute after the last, HH:MM", pattern=_TIME)


class SchedulerConfig(Section):
    """Section `scheduler`; no windows: always open."""

    HOT: ClassVar[bool] = True

    tz: Annotated[str, AfterValidator(_known_zone)] = key(
        "UTC", "time zone of the windows", pattern=r"^[A-Za-z0-9_+/-]+$"
    )
    windows: Items[TradingWindow] = key((), "when to trade")


class SchedulerSuggestConfig(Section):
    """Section `scheduler_suggest`."""

    HOT: ClassVar[bool] = True

    enabled: bool = key(default=False, doc="apply suggestions periodically")
    top_k: int = key(6, "windows in a suggestion", ge=1, le=12)
    min_sample: int = key(200, "minutes of data a slot needs", ge=1)
    mode: Literal["conservative", "neutral", "aggressive"] = key("neutral", "weights of the score")


class ShadowConfig(Section):
    """Section `shadow`: virtual orders beside the real market."""

    HOT: ClassVar[bool] = True

    enabled: bool = key(default=False, doc="place virtual orders", hot=False)
    max_price_diff_bps: float = key(5.0, "mean distance from the best price", ge=0, le=1000)
    max_size_diff_pct: float = key(10.0, "mean distance from the best size, percent", ge=0)
    min_count: int = key(50, "samples before a verdict", ge=1)
