"""What to change after an iteration: one pure function of what is known.

Panic goes before fallback, fallback before the regular rules, and three failing triggers replace
the regular pass. Every step passes the change rails, the net changes pass the set rails
(`mmbot.soak.rails`). Nothing here reads a clock or a file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mmbot.soak.models import Change, ChangeSet, Decision, Draft, Mode, TunerInput
from mmbot.soak.parameters import TUNABLES
from mmbot.soak.rails import (
    CHANGE_RAILS,
    ELIGIBILITY,
    FALLBACK,
    MULTI_FAIL,
    PANIC,
    SET_RAILS,
    after_values,
    signature_of,
)
from mmbot.soak.rules import (
    FALLBACK_STEPS,
    MULTI_FAIL_STEPS,
    RULES,
    ZONES,
    Step,
    panic_values,
    target,
    zone_of,
)

__all__ = [
    "Proposal",
    "Refinement",
    "choose_mode",
    "conclude",
    "decide",
    "nothing",
    "propose",
    "take",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the rules want before the set rails: the draft, and why."""

    mode: Mode
    draft: Draft
    zone: str | None = None
    fail_count: int = 0
    fired: tuple[str, ...] = ()
    panic_profile: str | None = None


Refinement = Callable[[TunerInput, Proposal], Proposal]
"""Replaces the rules' regular proposal by another one."""


def decide(given: TunerInput, refine: Refinement | None = None) -> Decision:
    """Decide what changes after an iteration.

    Equal input gives an equal decision. `given.state` must already count the iteration and have
    freeze and cooldown ended where `mmbot.soak.settle.relaxed` ends them. `refine` may replace the
    regular proposal of the rules by its own; panic, multi-fail and all rails stay, and
    fallback where the window failed the gate.
    """
    refusal = ELIGIBILITY.refuses(given)
    if refusal is not None:
        return nothing(given, refusal)
    return conclude(given, propose(given, refine))


def choose_mode(given: TunerInput, *, modelled: bool = False) -> Mode:
    """Panic, fallback or regular; none when there is nothing to tune on.

    `modelled`: a refinement proposes instead of the rules. It knows that an edge below zero may be
    the best there is, so that the package of the rules is left for windows that fail the gate.
    """
    if ELIGIBILITY.refuses(given) is not None:
        return Mode.NONE
    if PANIC.demands(given, 0):
        return PANIC.mode
    packaged = not modelled or given.verdict == "FAIL"
    return FALLBACK.mode if packaged and FALLBACK.demands(given, 0) else Mode.REGULAR


def propose(given: TunerInput, refine: Refinement | None = None) -> Proposal:
    """The steps of exactly one mode, each judged by the change rails."""
    mode = choose_mode(given, modelled=refine is not None)
    blank = Draft(start=given.values, running=given.values)
    if mode is Mode.PANIC:
        return _panic(given, blank)
    if mode is Mode.FALLBACK:
        draft = take(given, blank, "FALLBACK_CONSERVATIVE", FALLBACK_STEPS, mode)
        return Proposal(mode=mode, draft=draft, zone=zone_of(given.figures))
    regular = _regular(given, blank)
    if not MULTI_FAIL.demands(given, regular.fail_count):
        return regular if refine is None else refine(given, regular)
    draft = take(given, blank, "MULTI_FAIL", MULTI_FAIL_STEPS, Mode.MULTI_FAIL)
    return replace(regular, mode=Mode.MULTI_FAIL, draft=draft)


def conclude(given: TunerInput, proposal: Proposal) -> Decision:
    """Pass a proposal through the set rails."""
    proposed = proposal.draft.deltas()
    made = ChangeSet(mode=proposal.mode, deltas=proposed, draft=proposal.draft)
    for rail in SET_RAILS:
        if made.blocked is None and made.mode in rail.modes:
            made = rail.filter(given, made)
    applied = {} if made.blocked is not None else dict(made.deltas)
    return Decision(
        mode=proposal.mode,
        zone=proposal.zone,
        fail_count=proposal.fail_count,
        changes=proposal.draft.changes,
        deltas=proposed,
        applied_deltas=applied,
        skipped_reason=made.blocked,
        removed=made.removed,
        rationale=_rationale(proposal),
        signature=signature_of(applied, given.iteration, given.run_id) if applied else None,
        after=after_values(given.values, applied),
        panic_profile=proposal.panic_profile,
    )


def nothing(given: TunerInput, reason: str) -> Decision:
    """No proposal at all, for `reason`."""
    return Decision(
        mode=Mode.NONE,
        zone=zone_of(given.figures),
        fail_count=0,
        changes=(),
        deltas={},
        applied_deltas={},
        skipped_reason=reason,
        removed={},
        rationale=reason,
        signature=None,
        after=dict(given.values),
    )


def _regular(given: TunerInput, blank: Draft) -> Proposal:
    """Zone, drivers, triggers and age relief, each on what the ones before it left."""
    zone = zone_of(given.figures)
    draft = blank
    if zone is not None:
        draft = take(given, draft, f"ZONE:{zone}", ZONES[zone], Mode.REGULAR)
    fired: tuple[str, ...] = ()
    fail_count = 0
    for rule in RULES:
        if rule.condition(given.figures, frozenset(fired), fail_count):
            fired = (*fired, rule.id)
            fail_count += rule.fails
            draft = take(given, draft, rule.name, rule.steps, Mode.REGULAR)
    return Proposal(mode=Mode.REGULAR, draft=draft, zone=zone, fail_count=fail_count, fired=fired)


def _panic(given: TunerInput, blank: Draft) -> Proposal:
    """The calmer of the first profile that calms anything and the values in force."""
    profiles = {"steady_safe": given.settings.steady_safe, "ultra_safe": given.settings.ultra_safe}
    goals = {name: panic_values(given.values, profile) for name, profile in profiles.items()}
    acting = [name for name, goal in goals.items() if goal != dict(given.values)]
    chosen = acting[0] if acting else "ultra_safe"
    goal = goals[chosen]
    changes = tuple(
        Change(rule="PANIC", field=field, before=given.values[field], after=goal[field])
        for field in TUNABLES
        if goal[field] != given.values[field]
    )
    draft = Draft(start=blank.start, running=goal, changes=changes)
    return Proposal(mode=Mode.PANIC, draft=draft, zone=zone_of(given.figures), panic_profile=chosen)


def take(given: TunerInput, draft: Draft, rule: str, steps: Sequence[Step], mode: Mode) -> Draft:
    """The draft after all steps of one rule."""
    for step in steps:
        draft = _attempt(given, draft, rule, step, mode)
    return draft


def _attempt(given: TunerInput, draft: Draft, rule: str, step: Step, mode: Mode) -> Draft:
    """The draft after one step: taken, or recorded as refused.

    A calming step starts from the original value where a loosening step came before, which is
    undone if the calming one is taken.
    """
    loosened = [c for c in draft.accepted(step.field) if not c.calming]
    base = draft
    if loosened and _is_calming(step):
        base = _undo(draft, step.field)
    value = base.running[step.field]
    reached = target(step, value, given.start_values[step.field])
    if reached is None:
        return draft
    change = Change(rule=rule, field=step.field, before=value, after=reached)
    for rail in CHANGE_RAILS:
        if change.accepted and mode in rail.modes:
            change = rail.judge(given, base, change)
    if not change.accepted:
        return replace(draft, changes=(*draft.changes, change))
    running = {**base.running, step.field: change.after}
    return replace(base, running=running, changes=(*base.changes, change))


def _is_calming(step: Step) -> bool:
    return step.by * TUNABLES[step.field].calm.value > 0


def _undo(draft: Draft, field: str) -> Draft:
    """The draft without the loosening steps of a field, which are kept as refused."""
    changes = tuple(
        replace(c, accepted=False, reason="calming_wins")
        if c.field == field and c.accepted and not c.calming
        else c
        for c in draft.changes
    )
    running = {**draft.running, field: draft.start[field]}
    return replace(draft, running=running, changes=changes)


def _rationale(proposal: Proposal) -> str:
    """Rules in the order in which they took effect, for people."""
    rules = dict.fromkeys(change.rule for change in proposal.draft.changes if change.accepted)
    parts = [f"mode={proposal.mode.value}", f"zone={proposal.zone or 'unknown'}"]
    if proposal.panic_profile is not None:
        parts.append(f"profile={proposal.panic_profile}")
    parts.append(f"rules={','.join(rules) or 'none'}")
    return " ".join(parts)
