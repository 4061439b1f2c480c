"""Bodies of ``/admin/guard``."""

from __future__ import annotations

from typing import Literal

from mmbot.api.bodies import Answer, Request, Yes

__all__ = ["GuardAnswer", "GuardDone", "GuardRequest"]


class GuardAnswer(Answer):
    """State of the guard; `last_reason_bits` as the gauge ``guard_last_reason``, times in s."""

    dry_run: bool
    last_change_ts: float
    last_reason_bits: int
    manual_override_pause: bool
    paused: bool
    paused_effective: bool


class GuardRequest(Request):
    """Any of the fields; `resume` clears the manual pause, the guard's pause and the kill."""

    dry_run: bool = False
    manual_override_pause: bool = False
    resume: Yes = True


class GuardDone(Answer):
    """The change is in force."""

    status: Literal["ok"] = "ok"
