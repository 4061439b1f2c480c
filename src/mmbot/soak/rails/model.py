"""What a rail is: a named, pure filter with a promise, in one of four places of a decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mmbot.soak.models import Change, ChangeSet, Draft, Mode, TunerInput

__all__ = ["ChangeRail", "EntryRail", "ModeRail", "Rail", "SetRail"]

EVERY_MODE = frozenset({Mode.REGULAR, Mode.MULTI_FAIL, Mode.FALLBACK, Mode.PANIC})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rail:
    """One rail.

    `promise` is a sentence that holds for any input (tests prove it, the documentation prints it).
    `reasons` are the codes that it leaves in a summary. It acts on the proposals of `modes`.
    """

    name: str
    promise: str
    reasons: tuple[str, ...] = ()
    modes: frozenset[Mode] = EVERY_MODE


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRail(Rail):
    """Decides whether there is a proposal at all: a reason means no."""

    refuses: Callable[[TunerInput], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeRail(Rail):
    """Replaces the whole proposal by a package when it demands it.

    `demands` sees the number of failing triggers, which is 0 before the regular rules ran.
    """

    mode: Mode
    demands: Callable[[TunerInput, int], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRail(Rail):
    """Judges one step: gives it back as it is, cut shorter, or refused."""

    judge: Callable[[TunerInput, Draft, Change], Change]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRail(Rail):
    """Filters the net changes: gives them back as they are, with fields removed, or blocked."""

    filter: Callable[[TunerInput, ChangeSet], ChangeSet]
