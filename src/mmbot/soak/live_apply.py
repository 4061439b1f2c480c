"""Apply the recorded changes of one iteration, with or without a running engine.

The changes are those of the iteration's summary; the set rails judge them again, so that applying
one iteration any number of times changes the overrides exactly once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mmbot.config.research import SoakConfig
from mmbot.errors import InputError
from mmbot.soak.books import RunBooks
from mmbot.soak.iteration import finish
from mmbot.soak.measurement import figures_of
from mmbot.soak.models import Decision, Draft, Mode, Phase, TunerInput, settings_of
from mmbot.soak.overrides import file_hash, overrides_bytes, read_overrides
from mmbot.soak.parameters import TUNABLES, Values, effective
from mmbot.soak.paths import SoakPaths, read_object
from mmbot.soak.rails import after_values
from mmbot.soak.settle import withdrawn
from mmbot.soak.state import TuningState, from_document
from mmbot.soak.tuner import Proposal, conclude
from mmbot.units import NS_PER_SEC, parse_utc_ns

__all__ = ["Application", "apply_tuning_deltas"]


@dataclass(frozen=True, slots=True)
class Application:
    """Whether changes came into force, why not, and the effective values that hold now."""

    applied: bool
    skipped_reason: str | None
    values: Values


def apply_tuning_deltas(
    iter_idx: int,
    total_iterations: int,
    *,
    paths: SoakPaths | None = None,
    push: Callable[[Values], bool] | None = None,
) -> Application:
    """Apply ``tuning.deltas`` of an iteration's summary to the overrides file.

    Args:
        iter_idx: the iteration, from 1.
        total_iterations: iterations of the run; the last one changes nothing.
        paths: the soak tree; default is that of the environment.
        push: hands effective values to a running engine and says whether it acknowledged them;
            without one there is nobody to wait for.

    Raises:
        InputError: ``E_SOAK_AUDIT_NO_DATA``: there is no such summary.
        StoreError: ``E_STORE_DISK``.
    """
    paths = paths or SoakPaths.from_environment(os.environ)
    summary = read_object(paths.summary(iter_idx))
    if summary is None or not isinstance(summary.get("tuning"), Mapping):
        raise InputError("E_SOAK_AUDIT_NO_DATA", f"file={paths.summary(iter_idx)}", "is missing")
    books = RunBooks(paths)
    state = _state(paths, summary)
    document, _ = read_overrides(paths)
    requested = {k: v for k, v in (document or {}).items() if k in TUNABLES}
    given = _input(summary, state, effective(requested), iter_idx, total_iterations)
    decision = conclude(given, _proposal(summary["tuning"], given.values))
    if not decision.applied_deltas:
        return Application(
            applied=False, skipped_reason=decision.skipped_reason, values=given.values
        )
    changed = {**requested, **{n: decision.after[n] for n in decision.applied_deltas}}
    return _put(books, summary, given, decision, changed=changed, push=push)


def _put(
    books: RunBooks,
    summary: Mapping[str, Any],
    given: TunerInput,
    decision: Decision,
    *,
    changed: Values,
    push: Callable[[Values], bool] | None,
) -> Application:
    """Announce, write, wait, commit, record: the order that a kill survives."""
    path = books.paths.overrides
    old = path.read_bytes() if path.exists() else None
    outcome = {**summary, "tuning": _tuning(summary["tuning"], decision, file_hash(old))}
    data = overrides_bytes(changed)
    pending = {
        "iter": given.iteration,
        "signature": decision.signature,
        "before_hash": file_hash(old),
        "after_hash": file_hash(data),
        "after": dict(decision.after),
        "now_sec": given.now_sec,
        "outcome": outcome,
    }
    books.write_state(replace(given.state, pending=pending))
    digest: str | None = books.write_overrides(changed)
    if push is not None and not push(decision.after):
        if old is None:
            path.unlink(missing_ok=True)
        else:
            books.restore_overrides(old)
        digest = file_hash(old)
        outcome = withdrawn(outcome, hash_before=digest)
    last = given.state.last_iter
    state = finish(given.state, outcome, now_sec=given.now_sec, state_hash=digest)
    books.write_state(replace(state, last_iter=max(last, given.iteration)))
    assert state.last_outcome is not None
    books.write_summary(state.last_outcome)
    books.report(state.last_outcome)
    tuning = outcome["tuning"]
    values = decision.after if tuning["applied"] else given.values
    return Application(
        applied=tuning["applied"], skipped_reason=tuning["skipped_reason"], values=values
    )


def _state(paths: SoakPaths, summary: Mapping[str, Any]) -> TuningState:
    document = read_object(paths.state)
    fresh = TuningState(run_id=str(summary.get("run_id") or "none"))
    if document is None:
        return fresh
    return from_document({"version": 1, "run_id": fresh.run_id, **document})


def _input(
    summary: Mapping[str, Any], state: TuningState, values: Values, iteration: int, total: int
) -> TunerInput:
    ended = dict(summary.get("window") or {}).get("to")
    return TunerInput(
        iteration=iteration,
        total_iterations=total,
        run_id=str(summary.get("run_id") or state.run_id),
        now_sec=parse_utc_ns(ended) / NS_PER_SEC if ended else 0.0,
        phase=Phase(summary.get("phase", "STEADY")),
        figures=figures_of(dict(summary.get("summary") or {})),
        verdict="UNKNOWN",
        values=values,
        start_values=values,
        state=state,
        settings=settings_of(SoakConfig()),
        already_applied=bool(summary["tuning"].get("applied")),
    )


def _proposal(tuning: Mapping[str, Any], values: Values) -> Proposal:
    deltas = {k: float(v) for k, v in dict(tuning.get("deltas") or {}).items() if k in TUNABLES}
    # Beyond the hard range there is nothing to apply: the effective value ends there.
    running = effective(after_values(values, deltas))
    mode = Mode(tuning.get("mode") or "regular")
    return Proposal(mode=mode, draft=Draft(start=values, running=running))


def _tuning(
    tuning: Mapping[str, Any], decision: Decision, hash_before: str | None
) -> dict[str, Any]:
    removed = {name: list(fields) for name, fields in decision.removed.items()}
    return {
        "changes": [],
        "rationale": "",
        **tuning,
        "mode": decision.mode.value,
        "applied": True,
        "applied_deltas": dict(decision.applied_deltas),
        "skipped_reason": None,
        "removed": {"freeze": [], "oscillation": [], "micro_steps": [], **removed},
        "signature": decision.signature,
        "state_hash_before": hash_before,
        "state_hash": hash_before,
    }
