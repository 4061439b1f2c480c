"""``/admin/scheduler/{suggest,apply}``, and the same on a period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol, get_args

from mmbot.api.bodies import count_query, parse_body
from mmbot.api.errors import AdminError
from mmbot.api.scheduler.models import (
    AppliedWindows,
    ApplyRequest,
    SuggestedWindow,
    SuggestedWindows,
)
from mmbot.config.scheduling import SchedulerSuggestConfig, TradingWindow
from mmbot.trading.schedule.suggest import Suggestion, SuggestMode, SuggestRequest, windows_of

__all__ = ["SchedulerSession", "get_suggestion", "post_apply", "recompute"]

_MODES: Final[Mapping[str, SuggestMode]] = {mode: mode for mode in get_args(SuggestMode)}
_TOP_K_MAX: Final = 12


class SchedulerSession(Protocol):
    """What the session offers."""

    def suggest_config(self) -> SchedulerSuggestConfig:
        """The configuration in force."""
        ...

    def suggest(self, request: SuggestRequest) -> tuple[Suggestion, ...]:
        """Suggestions from the recorded data of the session's symbols; takes seconds."""
        ...

    def apply_windows(self, windows: tuple[TradingWindow, ...]) -> None:
        """Replace ``scheduler.windows`` at once and count the reload."""
        ...


def get_suggestion(session: SchedulerSession, query: Mapping[str, str]) -> SuggestedWindows:
    """``GET suggest``: the query overrides the configuration.

    Raises:
        AdminError: ``invalid_mode``, ``invalid_top_k``, ``invalid_min_sample``.
    """
    config = session.suggest_config()
    mode = _MODES.get(query.get("mode", config.mode))
    if mode is None:
        raise AdminError("invalid_mode")
    request = SuggestRequest(
        mode=mode,
        top_k=count_query(query, "top_k", default=config.top_k, low=1, high=_TOP_K_MAX),
        min_sample=count_query(query, "min_sample", default=config.min_sample, low=1),
    )
    return SuggestedWindows(
        windows=tuple(
            SuggestedWindow(start=found.start, end=found.end, score=found.score)
            for found in session.suggest(request)
        )
    )


def post_apply(session: SchedulerSession, body: object) -> AppliedWindows:
    """``POST apply``: all windows at once, named ``win0`` .., on all days.

    Raises:
        AdminError: ``invalid_windows``; then nothing is applied.
    """
    request = parse_body(ApplyRequest, body, whole="invalid_windows")
    windows = windows_of([(window.start, window.end) for window in request.windows])
    session.apply_windows(windows)
    return AppliedWindows(applied=len(windows))


def recompute(session: SchedulerSession) -> int | None:
    """Suggest and apply, every ``SCHEDULER_RECOMPUTE_SEC``; windows applied, None if left alone.

    An empty suggestion keeps the present windows: it would open trading at all times.
    """
    config = session.suggest_config()
    if not config.enabled:
        return None
    request = SuggestRequest(mode=config.mode, top_k=config.top_k, min_sample=config.min_sample)
    found = session.suggest(request)
    if not found:
        return None
    session.apply_windows(windows_of([(window.start, window.end) for window in found]))
    return len(found)
