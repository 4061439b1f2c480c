"""Bodies of ``/admin/autopolicy``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mmbot.api.bodies import Answer, Request, Yes

__all__ = [
    "AutopolicyAnswer",
    "AutopolicyChanged",
    "AutopolicyExcerpt",
    "AutopolicyRequest",
    "EffectiveQuoting",
]


class AutopolicyExcerpt(Answer):
    """What the level is judged by."""

    level_max: int
    trigger_backoff_ms: float
    trigger_events_total: int


class EffectiveQuoting(Answer):
    """The parameters in force at the level."""

    levels_per_side_max: int
    min_time_in_book_ms: int
    replace_threshold_bps: float


class AutopolicyAnswer(Answer):
    """State; `active` is 1 above level 0, `last_change_ts` in seconds, 0 if never."""

    active: Literal[0, 1]
    cfg_excerpt: AutopolicyExcerpt
    effective: EffectiveQuoting
    last_change_ts: float
    level: int


class AutopolicyRequest(Request):
    """Set the level, reset level and streaks, or switch the automatics on or off."""

    level: Annotated[int, Field(ge=0)] = 0
    reset: Yes = True
    enabled: bool = True


class AutopolicyChanged(Answer):
    """Whether something has changed, and the level now."""

    changed: bool
    level: int
    status: Literal["ok"] = "ok"
