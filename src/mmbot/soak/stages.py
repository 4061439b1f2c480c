"""The durable stages of an iteration, and what a restart makes of whatever it finds.

A change is safe because of the order of writes: the state says what is about to happen (INTENDED),
the overrides follow (WRITTEN), the engine acknowledges (ACKNOWLEDGED), the state says that it
happened (COMMITTED), and only then the reports (SUMMARISED, REPORTED, MIRRORED). Whatever is on
disk after a kill belongs to exactly one row of the table in `recover`; the committed state holds
the whole summary of its iteration, so reports that are behind it are written again from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from mmbot.soak.iteration import finish
from mmbot.soak.parameters import DEFAULTS, TUNABLES, Values, effective, unusable
from mmbot.soak.settle import COOLDOWN_ITERATIONS, withdrawn
from mmbot.soak.state import Moved, TuningState
from mmbot.units import NS_PER_SEC, parse_utc_ns

__all__ = ["Found", "Recovery", "Stage", "recover"]


class Stage(Enum):
    """What is durable, in order; without a change to apply the first four are skipped."""

    MEASURED = 1
    INTENDED = 2
    WRITTEN = 3
    ACKNOWLEDGED = 4
    COMMITTED = 5
    SUMMARISED = 6
    REPORTED = 7
    MIRRORED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a restart finds: None is missing or unreadable.

    `overrides` are requested values; `summaries` the ITER_SUMMARY documents by iteration.
    """

    run_id: str
    state: TuningState | None
    overrides: Mapping[str, Any] | None
    overrides_hash: str | None
    summaries: Mapping[int, Mapping[str, Any]]
    reported: frozenset[int]
    start_values: Values = field(default_factory=lambda: DEFAULTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What to do before the run goes on: all of it is written, then trading continues.

    `overrides` None: the file stays as it is. `gaps` are iterations whose summary is lost.
    """

    state: TuningState
    actions: tuple[str, ...] = ()
    overrides: Values | None = None
    summaries: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    rewrite_report: bool = False
    gaps: tuple[int, ...] = ()


def recover(found: Found) -> Recovery:
    """Decide from what is on disk; the same find gives the same recovery."""
    plan = _state_of(found)
    plan = _pending(found, plan)
    plan = _overrides(found, plan)
    return _reports(found, plan)


def _state_of(found: Found) -> Recovery:
    """The state, or one rebuilt from the summaries."""
    newest = max(found.summaries, default=0)
    if found.state is not None and newest <= found.state.last_iter:
        return Recovery(state=found.state)
    rebuilt = _rebuilt(found, newest)
    action = "state_rebuilt" if newest else "state_defaults"
    return Recovery(state=rebuilt, actions=(action,))


def _rebuilt(found: Found, newest: int) -> TuningState:
    """Streaks, limits in time and histories as the summaries tell them."""
    fresh = TuningState(
        run_id=found.run_id, state_hash=found.overrides_hash, last_good=_good(found)
    )
    if not newest:
        return replace(fresh, cooldown_until_iter=COOLDOWN_ITERATIONS)
    documents = [found.summaries[i] for i in sorted(found.summaries)]
    last = documents[-1]
    guards = last["tuning"]["guards"]
    moves = tuple(move for document in documents for move in _moves(document))
    applied = [d for d in documents if d["tuning"]["applied"]]
    fallbacks = [d for d in applied if d["tuning"]["mode"] == "fallback"]
    return replace(
        fresh,
        last_iter=newest,
        last_outcome=last,
        last_applied_iter=applied[-1]["iteration"] if applied else None,
        last_applied_signature=applied[-1]["tuning"]["signature"] if applied else None,
        last_applied_fields=_fields(applied[-1]["tuning"]["applied_deltas"]) if applied else (),
        frozen_until_iter=guards["frozen_until_iter"],
        cooldown_until_iter=guards["cooldown_until_iter"],
        neg_streak=guards["neg_streak"],
        kpi_fail_streak=guards["kpi_fail_streak"],
        fallback_applied_at_iter=fallbacks[-1]["iteration"] if fallbacks else None,
        panic_count=sum(d["tuning"]["mode"] == "panic" for d in documents),
        delta_history=moves,
    )


def _pending(found: Found, plan: Recovery) -> Recovery:
    """Finish or drop a change that was under way."""
    pending = plan.state.pending
    if pending is None:
        return plan
    outcome, now_sec = pending["outcome"], float(pending["now_sec"])
    if found.overrides_hash == pending["after_hash"]:
        state = finish(plan.state, outcome, now_sec=now_sec, state_hash=str(pending["after_hash"]))
        state = replace(state, last_good=dict(pending["after"]))
        return replace(plan, state=state, actions=(*plan.actions, "finish_commit"))
    failed = withdrawn(outcome, hash_before=pending["before_hash"])
    state = finish(plan.state, failed, now_sec=now_sec, state_hash=pending["before_hash"])
    return replace(plan, state=state, actions=(*plan.actions, "drop_pending"))


def _overrides(found: Found, plan: Recovery) -> Recovery:
    """Accept an operator's edit, or restore the last good values."""
    state = plan.state
    if found.overrides is None:
        values = effective(state.last_good or found.start_values)
        return replace(plan, overrides=values, actions=(*plan.actions, "restore_last_good"))
    if found.overrides_hash == state.state_hash:
        return plan
    if unusable(found.overrides):
        values = effective(state.last_good or found.start_values)
        return replace(plan, overrides=values, actions=(*plan.actions, "restore_last_good"))
    edited = replace(
        state,
        state_hash=found.overrides_hash,
        delta_history=(),
        value_history={},
        cooldown_until_iter=state.last_iter + COOLDOWN_ITERATIONS,
        cooldown_loosened=False,
    )
    return replace(plan, state=edited, actions=(*plan.actions, "accept_edit"))


def _reports(found: Found, plan: Recovery) -> Recovery:
    """Write again what is behind the state; what cannot be written is a gap."""
    last = plan.state.last_iter
    outcome = plan.state.last_outcome
    known = {} if outcome is None else {int(outcome["iteration"]): outcome}
    missing = [i for i in range(1, last + 1) if i not in found.summaries]
    written = {i: known[i] for i in missing if i in known}
    # Rotation removes old summaries and leaves their entries in the report: no loss.
    gaps = tuple(i for i in missing if i not in known and i not in found.reported)
    behind = bool((set(found.summaries) | set(written)) - found.reported)
    actions = plan.actions
    if written:
        actions = (*actions, "rebuild_summary")
    if behind:
        actions = (*actions, "rebuild_report")
    return replace(plan, summaries=written, rewrite_report=behind, gaps=gaps, actions=actions)


def _good(found: Found) -> Values:
    values = found.overrides
    if values is not None and not unusable(values):
        return effective({name: values[name] for name in TUNABLES if name in values})
    return effective(found.start_values)


def _moves(document: Mapping[str, Any]) -> list[Moved]:
    tuning = document["tuning"]
    ended = dict(document.get("window") or {}).get("to")
    if ended is None:
        return []
    t_sec = parse_utc_ns(ended) / NS_PER_SEC
    deltas = tuning["applied_deltas"] if tuning["applied"] else {}
    return [
        Moved(t_sec=t_sec, iteration=document["iteration"], field=name, delta=deltas[name])
        for name in TUNABLES
        if name in deltas
    ]


def _fields(deltas: Values) -> tuple[str, ...]:
    return tuple(name for name in TUNABLES if name in deltas)
