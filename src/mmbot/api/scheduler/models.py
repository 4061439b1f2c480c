"""Bodies of ``/admin/scheduler/{suggest,apply}``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mmbot.api.bodies import Answer, Request

__all__ = ["AppliedWindows", "ApplyRequest", "SuggestedWindow", "SuggestedWindows", "WindowTimes"]

_TIME = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class SuggestedWindow(Answer):
    """A window of UTC with its score, six decimals."""

    end: str
    score: float
    start: str


class SuggestedWindows(Answer):
    """The best windows; empty without data."""

    windows: tuple[SuggestedWindow, ...]


class WindowTimes(Request):
    """A window of every day; `score` may stay in, so that a suggestion can be sent back."""

    start: _TIME
    end: _TIME
    score: float | None = None


class ApplyRequest(Request):
    """The windows that replace the present ones; an empty list is always open."""

    windows: list[WindowTimes]


class AppliedWindows(Answer):
    """How many windows are in force."""

    applied: int
    status: Literal["ok"] = "ok"
