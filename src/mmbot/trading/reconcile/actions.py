"""What a cycle decides: typed actions under the names that are counted, and the state it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from mmbot.trading.reconcile.invariants import Violation
from mmbot.trading.reconcile.models import Execution, ForeignOrder, LocalOrder, VenueOrder
from mmbot.venues.records import OrderStatus

__all__ = [
    "Action",
    "ActionName",
    "Cause",
    "Close",
    "MarkCanceled",
    "MarkFilled",
    "PauseQuoting",
    "Pending",
    "Plan",
    "PositionMismatch",
    "ReattachFill",
    "ReconcileState",
    "ResumeQuoting",
    "UpdateState",
]


class ActionName(StrEnum):
    """Label ``action`` of ``reconcile_actions_total``."""

    UPDATE_STATE = "update_state"
    REATTACH_FILL = "reattach_fill"
    MARK_FILLED = "mark_filled"
    MARK_CANCELED = "mark_canceled"
    CLOSE = "close"
    POSITION_MISMATCH = "position_mismatch"
    PAUSE_QUOTING = "pause_quoting"
    RESUME_QUOTING = "resume_quoting"


class Cause(StrEnum):
    """Why an action is taken."""

    DIFFERS = "differs"
    """Open on both sides, with another state, price or quantity."""
    EXECUTION_MISSING = "execution_missing"
    """The venue has an execution that was not booked."""
    VENUE_DONE = "venue_done"
    """Open here, ended at the venue."""
    FILLS_COMPLETE = "fills_complete"
    """The booked executions fill the whole order."""
    FILLS_ABSENT = "fills_absent"
    """Ended at the venue with fills whose executions did not come; alert."""
    UNKNOWN_TO_VENUE = "unknown_to_venue"
    """Open here, neither open nor ended at the venue in consecutive cycles; alert."""
    UNKNOWN_HERE = "unknown_here"
    """Open at the venue under our prefix, unknown here."""
    DONE_HERE = "done_here"
    """Open at the venue, ended here."""
    POSITION_DIFFERS = "position_differs"
    """The venue's position is not the sum of fills; alert."""
    HARD_DESYNC = "hard_desync"
    """Too many open orders differ in consecutive cycles; alert."""
    FAILED_CYCLES = "failed_cycles"
    """The venue could not be asked in consecutive cycles; alert."""
    CLEAN_CYCLE = "clean_cycle"
    """Everything was fetched and nothing differs."""
    MISMATCH_EXPLAINED = "mismatch_explained"
    """The executions arrived that explain the position of a symbol paused for it."""

    @property
    def is_alert(self) -> bool:
        """Whether an operator is told."""
        return self in _ALERTS


_ALERTS = frozenset(
    {
        Cause.FILLS_ABSENT,
        Cause.UNKNOWN_TO_VENUE,
        Cause.POSITION_DIFFERS,
        Cause.HARD_DESYNC,
        Cause.FAILED_CYCLES,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateState:
    """Adopt the venue's price and quantity; the order is `Live`. Fills come by executions only."""

    name: ClassVar = ActionName.UPDATE_STATE
    cause: Cause
    local: LocalOrder
    venue: VenueOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class ReattachFill:
    """Book an execution; `local` is None when its order is unknown here (another session)."""

    name: ClassVar = ActionName.REATTACH_FILL
    cause: Cause
    execution: Execution
    local: LocalOrder | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkFilled:
    """End an order as filled; `venue` is the order there, None if only its executions say so."""

    name: ClassVar = ActionName.MARK_FILLED
    cause: Cause
    local: LocalOrder
    venue: VenueOrder | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkCanceled:
    """End an order that is not filled; `venue` is None if the venue does not know it."""

    name: ClassVar = ActionName.MARK_CANCELED
    cause: Cause
    local: LocalOrder
    venue: VenueOrder | None

    @property
    def status(self) -> OrderStatus:
        """How it ended at the venue."""
        return OrderStatus.CANCELLED if self.venue is None else self.venue.status


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Cancel an order at the venue; `local` is None if it is unknown here."""

    name: ClassVar = ActionName.CLOSE
    cause: Cause
    venue: VenueOrder
    local: LocalOrder | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionMismatch:
    """Pause the symbol and adopt the venue's position for risk."""

    name: ClassVar = ActionName.POSITION_MISMATCH
    cause: Cause
    symbol: str
    venue_lots: int
    fills_lots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseQuoting:
    """Stop quoting all symbols; `ratio` of the open orders differ, `cycles` in a row."""

    name: ClassVar = ActionName.PAUSE_QUOTING
    cause: Cause
    cycles: int
    ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeQuoting:
    """Quote again: all symbols, or the one that was paused for its position."""

    name: ClassVar = ActionName.RESUME_QUOTING
    cause: Cause
    symbol: str | None = None


Action = (
    UpdateState
    | ReattachFill
    | MarkFilled
    | MarkCanceled
    | Close
    | PositionMismatch
    | PauseQuoting
    | ResumeQuoting
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A difference that was seen and is not believed yet, `cycles` in a row."""

    cause: Cause
    local: LocalOrder
    venue: VenueOrder | None
    cycles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileState:
    """What one cycle remembers for the next.

    Attributes:
        judged_ns: start of the last view that was judged; evidence counts once, so a view that is
            not newer advances no counter.
        missing: cycles in a row by client id of orders that the venue does not know.
        unfilled: the same of orders that ended with executions missing.
        closing: orders that the last cycle asked the venue to cancel.
        reported: venue ids of open foreign orders that were reported.
        desync_streak: cycles in a row with a hard desync.
        failed_streak: cycles in a row in which something could not be fetched.
        paused: why quoting is paused, None if it is not.
    """

    judged_ns: int | None = None
    missing: Mapping[str, int] = field(default_factory=dict)
    unfilled: Mapping[str, int] = field(default_factory=dict)
    closing: frozenset[str] = frozenset()
    reported: frozenset[str] = frozenset()
    desync_streak: int = 0
    failed_streak: int = 0
    paused: Cause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The result of a cycle: actions in their order, what waits, what to report, next state."""

    actions: tuple[Action, ...]
    pending: tuple[Pending, ...]
    foreign: tuple[ForeignOrder, ...]
    violations: tuple[Violation, ...]
    state: ReconcileState

    @property
    def counts(self) -> Mapping[ActionName, int]:
        """Increments of ``reconcile_actions_total`` by action, zeros included."""
        counts = dict.fromkeys(ActionName, 0)
        for action in self.actions:
            counts[action.name] += 1
        return counts

    @property
    def alerts(self) -> tuple[Action, ...]:
        """The actions that an operator is told about."""
        return tuple(action for action in self.actions if action.cause.is_alert)
