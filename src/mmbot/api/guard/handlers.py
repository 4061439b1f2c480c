"""``/admin/guard``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mmbot.api.bodies import parse_body
from mmbot.api.errors import AdminError
from mmbot.api.guard.models import GuardAnswer, GuardDone, GuardRequest

__all__ = ["GuardChange", "GuardSession", "GuardState", "get_guard", "post_guard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardState:
    """What the core publishes about its guard."""

    dry_run: bool
    manual_override_pause: bool
    paused: bool
    last_reason_bits: int
    last_change_ts: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardChange:
    """A change for the core, taken between two events; None leaves a setting as it is."""

    dry_run: bool | None
    manual_override_pause: bool | None
    is_resume: bool


class GuardSession(Protocol):
    """What the session offers."""

    def guard_state(self) -> GuardState:
        """The newest published state."""
        ...

    def change_guard(self, change: GuardChange) -> None:
        """Pass the change to the core."""
        ...


def get_guard(session: GuardSession) -> GuardAnswer:
    """``GET``: paused effectively by hand, or by the guard unless it only looks on."""
    state = session.guard_state()
    return GuardAnswer(
        dry_run=state.dry_run,
        last_change_ts=state.last_change_ts,
        last_reason_bits=state.last_reason_bits,
        manual_override_pause=state.manual_override_pause,
        paused=state.paused,
        paused_effective=state.manual_override_pause or (state.paused and not state.dry_run),
    )


def post_guard(session: GuardSession, body: object) -> GuardDone:
    """``POST``: all fields of the body at once; an empty body changes nothing.

    Raises:
        AdminError: ``invalid_<field>``; ``invalid_resume`` also for resuming and pausing at once.
    """
    request = parse_body(GuardRequest, body)
    given = request.model_fields_set
    is_resume = "resume" in given
    if is_resume and "manual_override_pause" in given and request.manual_override_pause:
        raise AdminError("invalid_resume")
    if given:
        session.change_guard(
            GuardChange(
                dry_run=request.dry_run if "dry_run" in given else None,
                manual_override_pause=(
                    request.manual_override_pause if "manual_override_pause" in given else None
                ),
                is_resume=is_resume,
            )
        )
    return GuardDone()
