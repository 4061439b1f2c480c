"""One iteration as a pure function: a measured window in, the decision and its record out.

`evaluate` judges the window, counts it, ends what must end early, decides, and writes the content
of ``ITER_SUMMARY_<N>.json`` as if everything succeeded. `finish` gives state and record once it is
known whether the change is in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mmbot.soak.block_rate import with_block_raise
from mmbot.soak.kpi import SoftVerdict, counted, soft_gate
from mmbot.soak.measurement import Figures, block_table, figures_of, reported_risk, totals_of
from mmbot.soak.models import Decision, Phase, TunerInput, TunerSettings
from mmbot.soak.parameters import Values
from mmbot.soak.settle import Relaxed, relaxed, settled
from mmbot.soak.source import WindowResult
from mmbot.soak.state import TuningState
from mmbot.soak.tuner import Refinement, choose_mode, decide
from mmbot.units import NS_PER_SEC, format_utc

__all__ = ["Evaluated", "IterationFacts", "evaluate", "finish", "report_entry"]

_FIGURES = (
    "net_bps",
    "gross_bps",
    "fees_eff_bps",
    "slippage_bps",
    "adverse_bps",
    "inventory_bps",
    "adverse_bps_p95",
    "slippage_bps_p95",
    "order_age_p95_ms",
    "ws_lag_p95_ms",
    "p95_latency_ms",
    "tick_latency_p95_ms",
    "hit_ratio",
    "cancel_ratio",
    "replace_ratio",
    "maker_share_pct",
    "taker_share_pct",
    "maker_taker_ratio",
    "fills",
    "turnover_usd",
    "risk_ratio",
    "min_interval_ratio",
    "concurrency_ratio",
    "fill_rate",
    "pos_skew_abs_p95",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationFacts:
    """What an iteration knows beside the window.

    `values` are effective and without overlay, `in_force` with it; `hash_before` is that of the
    overrides file.
    """

    iteration: int
    total_iterations: int
    run_id: str
    runtime_utc: str
    phase: Phase
    values: Values
    in_force: Values
    start_values: Values
    auto_tune: bool
    hash_before: str | None
    restarted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """A judged window: `state` is measured and relaxed, `outcome` the summary if all succeeds."""

    facts: IterationFacts
    figures: Figures | None
    verdict: SoftVerdict
    streak_before: int
    relaxed: Relaxed
    decision: Decision
    outcome: Mapping[str, Any]
    now_sec: float
    reported_risk: float | None = None

    @property
    def state(self) -> TuningState:
        """The state before the decision is booked."""
        return self.relaxed.state


def evaluate(
    state: TuningState,
    window: WindowResult,
    facts: IterationFacts,
    settings: TunerSettings,
    refine: Refinement | None = None,
) -> Evaluated:
    """Judge one window and decide what follows from it."""
    totals = totals_of(window.report)
    figures = None if totals is None else figures_of(totals)
    low = figures is not None and (figures.fills or 0) < settings.min_fills
    verdict = soft_gate(figures, phase=facts.phase, low_sample=low, limits=settings.soft_gate)
    streak_before = state.neg_streak
    state = state.with_values(facts.values)
    if not window.partial:
        state = counted(state, figures, verdict, low_sample=low)
    given = _given(state, window, facts, settings, figures=figures, verdict=verdict, low=low)
    eased = relaxed(
        state,
        iteration=facts.iteration,
        verdict=verdict.verdict,
        risk_ratio=given.figures.risk_ratio,
        mode=choose_mode(given, modelled=refine is not None),
    )
    decision = decide(replace(given, state=eased.state), refine)
    if not facts.auto_tune and totals is not None and not window.partial:
        decision = with_block_raise(
            decision,
            facts.values,
            block_table(totals),
            ticks=window.ticks,
            iteration=facts.iteration,
            run_id=facts.run_id,
        )
    outcome = _outcome(
        facts,
        window,
        decision,
        totals=totals,
        figures=given.figures,
        verdict=verdict,
        low=low,
    )
    return Evaluated(
        facts=facts,
        figures=figures,
        verdict=verdict,
        streak_before=streak_before,
        relaxed=eased,
        decision=decision,
        outcome=outcome,
        now_sec=given.now_sec,
        reported_risk=None if totals is None else reported_risk(totals),
    )


def finish(
    state: TuningState, outcome: Mapping[str, Any], *, now_sec: float, state_hash: str | None
) -> TuningState:
    """Book a final outcome; the state keeps the complete summary as `last_outcome`."""
    tuning = {**outcome["tuning"], "state_hash": state_hash}
    booked = settled(state, {**outcome, "tuning": tuning}, now_sec=now_sec)
    tuning["guards"] = {
        "cooldown_until_iter": booked.cooldown_until_iter,
        "frozen_until_iter": booked.frozen_until_iter,
        "neg_streak": booked.neg_streak,
        "kpi_fail_streak": booked.kpi_fail_streak,
    }
    return replace(booked, state_hash=state_hash, last_outcome={**outcome, "tuning": tuning})


def report_entry(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """The iteration's entry of ``TUNING_REPORT.json``."""
    summary, tuning = outcome.get("summary") or {}, outcome["tuning"]
    return {
        "iteration": outcome["iteration"],
        "runtime_utc": summary.get("runtime_utc"),
        "net_bps": summary.get("net_bps"),
        "kpi_verdict": summary.get("kpi_verdict"),
        "neg_edge_drivers": summary.get("neg_edge_drivers", []),
        "mode": tuning["mode"],
        "proposed_deltas": tuning["deltas"],
        "applied_deltas": tuning["applied_deltas"],
        "applied": tuning["applied"],
        "skipped_reason": tuning["skipped_reason"],
        "rationale": tuning["rationale"],
        "changed_keys": sorted(tuning["applied_deltas"]),
        "signature": tuning["signature"],
        "state_hash": tuning["state_hash"],
    }


def _given(
    state: TuningState,
    window: WindowResult,
    facts: IterationFacts,
    settings: TunerSettings,
    *,
    figures: Figures | None,
    verdict: SoftVerdict,
    low: bool,
) -> TunerInput:
    """What the tuner decides on."""
    return TunerInput(
        iteration=facts.iteration,
        total_iterations=facts.total_iterations,
        run_id=facts.run_id,
        now_sec=window.to_ns / NS_PER_SEC,
        phase=facts.phase,
        figures=figures or Figures(),
        verdict=verdict.verdict,
        values=facts.values,
        start_values=facts.start_values,
        state=state,
        settings=settings,
        auto_tune=facts.auto_tune,
        unusable=_unusable(window, facts, figures, low=low),
    )


def _outcome(
    facts: IterationFacts,
    window: WindowResult,
    decision: Decision,
    *,
    totals: Mapping[str, Any] | None,
    figures: Figures,
    verdict: SoftVerdict,
    low: bool,
) -> dict[str, Any]:
    """The content of ``ITER_SUMMARY_<N>.json`` if everything succeeds."""
    return {
        "iteration": facts.iteration,
        "run_id": facts.run_id,
        "partial": window.partial,
        "restarted": facts.restarted,
        "window": _window(window),
        "phase": facts.phase.value,
        "overrides": dict(facts.in_force),
        "base": dict(facts.values),
        "summary": _summary(facts, totals, figures, verdict, window, low=low),
        "tuning": _tuning(decision, facts.hash_before),
    }


def _unusable(
    window: WindowResult, facts: IterationFacts, figures: Figures | None, *, low: bool
) -> str | None:
    if figures is None:
        return "no_report"
    if low:
        return "low_sample"
    return "incomplete" if window.partial or facts.restarted else None


def _window(window: WindowResult) -> dict[str, Any]:
    return {
        "from": format_utc(window.from_ns - window.from_ns % NS_PER_SEC),
        "to": format_utc(window.to_ns - window.to_ns % NS_PER_SEC),
        "seconds": (window.to_ns - window.from_ns) / NS_PER_SEC,
    }


def _summary(
    facts: IterationFacts,
    totals: Mapping[str, Any] | None,
    figures: Figures,
    verdict: SoftVerdict,
    window: WindowResult,
    *,
    low: bool,
) -> dict[str, Any]:
    fields: dict[str, Any] = {name: getattr(figures, name) for name in _FIGURES}
    fields["fills"] = int(figures.fills or 0)
    advice = dict(window.sentinel or {}).get("advice", ())
    return {
        **fields,
        "runtime_utc": facts.runtime_utc,
        "neg_edge_drivers": list(figures.neg_edge_drivers),
        "block_reasons": block_table(totals or {}),
        "kpi_verdict": verdict.verdict,
        "kpi_reasons": list(verdict.reasons),
        "sentinel_advice": [str(dict(item).get("code")) for item in advice],
        "sample": "low" if low else "ok",
    }


def _tuning(decision: Decision, hash_before: str | None) -> dict[str, Any]:
    removed = {name: list(decision.removed.get(name, ())) for name in _REMOVERS}
    return {
        "mode": decision.mode.value,
        "zone": decision.zone,
        "fail_count": decision.fail_count,
        "changes": [
            {
                "rule": change.rule,
                "field": change.field,
                "from": change.before,
                "to": change.after,
                "accepted": change.accepted,
                "reason": change.reason,
            }
            for change in decision.changes
        ],
        "deltas": dict(decision.deltas),
        "applied_deltas": dict(decision.applied_deltas),
        "applied": bool(decision.applied_deltas),
        "skipped_reason": decision.skipped_reason,
        "removed": removed,
        "rationale": decision.rationale,
        "panic_profile": decision.panic_profile,
        "signature": decision.signature,
        "state_hash_before": hash_before,
        "state_hash": hash_before,
    }


_REMOVERS = ("freeze", "oscillation", "micro_steps")
