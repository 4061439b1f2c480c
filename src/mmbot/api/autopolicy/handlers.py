"""``/admin/autopolicy``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mmbot.api.autopolicy.models import (
    AutopolicyAnswer,
    AutopolicyChanged,
    AutopolicyExcerpt,
    AutopolicyRequest,
    EffectiveQuoting,
)
from mmbot.api.bodies import parse_body
from mmbot.api.errors import AdminError
from mmbot.config.execution import AutopolicyConfig

__all__ = [
    "AutopolicyChange",
    "AutopolicySession",
    "AutopolicyState",
    "get_autopolicy",
    "post_autopolicy",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AutopolicyState:
    """What the core publishes; `is_reset` says that level and both streaks are 0."""

    level: int
    is_reset: bool
    last_change_ts: float
    levels_per_side_max: int
    min_time_in_book_ms: int
    replace_threshold_bps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AutopolicyChange:
    """A change for the core; None leaves a setting as it is.

    A level set by hand stays for ``autopolicy.cooldown_minutes``; a reset clears the streaks too.
    """

    level: int | None
    is_reset: bool
    enabled: bool | None


class AutopolicySession(Protocol):
    """What the session offers."""

    def autopolicy_config(self) -> AutopolicyConfig:
        """The configuration in force."""
        ...

    def autopolicy_state(self) -> AutopolicyState:
        """The newest published state."""
        ...

    def change_autopolicy(self, change: AutopolicyChange) -> None:
        """Pass the change to the core."""
        ...


def get_autopolicy(session: AutopolicySession) -> AutopolicyAnswer:
    """``GET``."""
    state, config = session.autopolicy_state(), session.autopolicy_config()
    return AutopolicyAnswer(
        active=1 if state.level > 0 else 0,
        cfg_excerpt=AutopolicyExcerpt(
            level_max=config.level_max,
            trigger_backoff_ms=config.trigger_backoff_ms,
            trigger_events_total=config.trigger_events_total,
        ),
        effective=EffectiveQuoting(
            levels_per_side_max=state.levels_per_side_max,
            min_time_in_book_ms=state.min_time_in_book_ms,
            replace_threshold_bps=state.replace_threshold_bps,
        ),
        last_change_ts=state.last_change_ts,
        level=state.level,
    )


def post_autopolicy(session: AutopolicySession, body: object) -> AutopolicyChanged:
    """``POST``: a level above ``level_max`` is clamped; an empty body changes nothing.

    Raises:
        AdminError: ``invalid_level``, ``invalid_reset`` (also for a reset with a level),
        ``invalid_enabled``.
    """
    request = parse_body(AutopolicyRequest, body)
    given = request.model_fields_set
    if {"level", "reset"} <= given:
        raise AdminError("invalid_reset")
    state, config = session.autopolicy_state(), session.autopolicy_config()
    is_reset = "reset" in given
    level = min(request.level, config.level_max) if "level" in given else None
    enabled = request.enabled if "enabled" in given else None
    changed = (
        (level is not None and level != state.level)
        or (is_reset and not state.is_reset)
        or (enabled is not None and enabled != config.enabled)
    )
    if given:
        # An equal level is passed on too: set by hand, it stays for the cooldown.
        session.change_autopolicy(AutopolicyChange(level=level, is_reset=is_reset, enabled=enabled))
    after = 0 if is_reset else state.level if level is None else level
    return AutopolicyChanged(changed=changed, level=after)
