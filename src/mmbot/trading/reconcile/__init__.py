"""Reconciliation with the venue: a pure plan from two views.

`reconcile` compares what we believe (`LocalView`) with what the venue says (`VenueView`) and
answers with a `Plan`: typed actions in the order in which they are done, each with its cause and
its evidence, and the `ReconcileState` for the next cycle. `apply_plan` is what the actions do to
the local view; the shell does the same to the core, and asks the venue for what only it can do
(`Close`). `explain` prints a plan for people, `next_cycle_ns` says when the next one is due.
"""

from mmbot.trading.reconcile.actions import (
    Action,
    ActionName,
    Cause,
    Close,
    MarkCanceled,
    MarkFilled,
    PauseQuoting,
    Pending,
    Plan,
    PositionMismatch,
    ReattachFill,
    ReconcileState,
    ResumeQuoting,
    UpdateState,
)
from mmbot.trading.reconcile.apply import apply_plan
from mmbot.trading.reconcile.cadence import CycleInputs, next_cycle_ns
from mmbot.trading.reconcile.cycle import reconcile
from mmbot.trading.reconcile.explain import ExplainRow, explain
from mmbot.trading.reconcile.fetched import Fetched, VenueAnswers, venue_view
from mmbot.trading.reconcile.invariants import Invariant, Violation, violations
from mmbot.trading.reconcile.models import (
    Execution,
    ForeignOrder,
    LocalOrder,
    LocalPosition,
    LocalView,
    OrderState,
    OwnScope,
    ReconcileRules,
    VenueOrder,
    VenueView,
)

__all__ = [
    "Action",
    "ActionName",
    "Cause",
    "Close",
    "CycleInputs",
    "Execution",
    "ExplainRow",
    "Fetched",
    "ForeignOrder",
    "Invariant",
    "LocalOrder",
    "LocalPosition",
    "LocalView",
    "MarkCanceled",
    "MarkFilled",
    "OrderState",
    "OwnScope",
    "PauseQuoting",
    "Pending",
    "Plan",
    "PositionMismatch",
    "ReattachFill",
    "ReconcileRules",
    "ReconcileState",
    "ResumeQuoting",
    "UpdateState",
    "VenueAnswers",
    "VenueOrder",
    "VenueView",
    "Violation",
    "apply_plan",
    "explain",
    "next_cycle_ns",
    "reconcile",
    "venue_view",
    "violations",
]
