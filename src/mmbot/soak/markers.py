"""Marker lines ``| component | STATUS | key=value |``: contracts for whoever reads a run's output.

Pure functions from records to lines; the shell prints them.
"""

from __future__ import annotations

from mmbot.soak.iteration import Evaluated
from mmbot.soak.models import Change, Mode
from mmbot.soak.parameters import TUNABLES, Values, shown, total_change
from mmbot.soak.rails import FROZEN_FIELDS
from mmbot.soak.state import TuningState
from mmbot.store.canonical import canonical_json

__all__ = [
    "applied_lines",
    "decision_lines",
    "mark",
    "settled_lines",
    "verdict_lines",
]

_FALLBACK_NAMES = {
    "min_interval_ms": "min_interval_ms",
    "replace_rate_per_min": "replace_rate_per_min",
    "base_spread_bps_delta": "spread_delta",
    "impact_cap_ratio": "impact_cap",
    "tail_age_ms": "tail_age",
}
_RISK_TOLERANCE = 0.005
_SILENT_RULES = ("MULTI_FAIL", "PANIC", "FALLBACK_CONSERVATIVE")


def mark(*parts: str) -> str:
    """One marker line of its parts."""
    return "| " + " | ".join(parts) + " |"


def verdict_lines(done: Evaluated) -> list[str]:
    """What was measured and how it is judged."""
    summary = done.outcome["summary"]
    if done.figures is None:
        return [
            mark("iter_watch", "WARN", "edge report missing"),
            mark("kpi_gate", "status=UNKNOWN", "net=n/a risk=n/a adv_p95=n/a sl_p95=n/a p95=n/a"),
        ]
    net, risk = _fixed(summary["net_bps"]), _percent(summary["risk_ratio"])
    adverse, slippage = _fixed(summary["adverse_bps_p95"]), _fixed(summary["slippage_bps_p95"])
    verdict = done.verdict.verdict
    lines = [
        mark(
            "iter_watch",
            "SUMMARY",
            f"iter={done.facts.iteration} net={net} risk={risk} "
            f"sl_p95={slippage} adv_p95={adverse} kpi={verdict}",
        ),
        mark(
            "kpi_gate",
            f"status={verdict}",
            f"net={net} risk={risk} adv_p95={adverse} sl_p95={slippage} "
            f"p95={_fixed(summary['p95_latency_ms'], 0)}ms",
        ),
    ]
    edge_risk = done.reported_risk
    if edge_risk is not None and abs(edge_risk - summary["risk_ratio"]) > _RISK_TOLERANCE:
        found = f"risk_mismatch summary={summary['risk_ratio']:.3f} edge={edge_risk:.3f}"
        lines.append(mark("iter_watch", "WARN", found))
    if verdict == "FAIL":
        lines.append(mark("kpi_gate", "FAIL_STREAK", f"count={done.state.kpi_fail_streak}"))
    return lines + _streak_lines(done)


def decision_lines(done: Evaluated, settings_velocity: Values) -> list[str]:
    """What the rules propose, what the rails refuse, and whether anything will be applied."""
    decision, iteration = done.decision, done.facts.iteration
    if decision.mode is Mode.NONE and decision.applied_deltas:
        return [line for change in decision.changes for line in _raise_lines(change)]
    if decision.mode is Mode.NONE:
        return [_skip(decision.skipped_reason, iteration, done.state)]
    lines = [line for change in decision.changes for line in _change_lines(change)]
    lines += _refused_velocity(done, settings_velocity)
    lines += _mode_lines(done)
    deltas = decision.deltas
    text = canonical_json(dict(deltas)).decode("ascii").strip() if deltas else "(none)"
    lines.append(mark("iter_watch", "SUGGEST", text))
    if done.relaxed.freeze_ended is not None:
        lines.append(mark("iter_watch", "FREEZE", f"ended reason={done.relaxed.freeze_ended}"))
    frozen = decision.removed.get("freeze")
    if frozen:
        until = done.state.frozen_until_iter
        names = ",".join(frozen)
        lines.append(mark("iter_watch", "FREEZE", f"active until_iter={until} removed=[{names}]"))
    for name in decision.removed.get("oscillation", ()):
        lines.append(mark("iter_watch", "WARN", f"oscillation detected param={name}"))
    if decision.skipped_reason is not None:
        lines.append(_skip(decision.skipped_reason, iteration, done.state))
    return lines


def applied_lines(done: Evaluated, before: Values, after: Values) -> list[str]:
    """What is in force now."""
    deltas = done.decision.applied_deltas
    head = mark("iter_watch", "APPLY", f"iter={done.facts.iteration} params={len(deltas)}")
    return [head, *(_field_line(name, before[name], after[name]) for name in deltas)]


def settled_lines(before: TuningState, after: TuningState) -> list[str]:
    """Cooldown and freeze that began."""
    lines = []
    if after.cooldown_until_iter not in (None, before.cooldown_until_iter):
        outcome = after.last_outcome or {}
        total = total_change(dict(outcome.get("tuning", {}).get("applied_deltas", {})))
        until = after.cooldown_until_iter
        lines.append(
            mark(
                "iter_watch",
                "COOLDOWN",
                f"activated=1 until_iter={until} total_delta={total:.3f}",
            )
        )
    if after.frozen_until_iter not in (None, before.frozen_until_iter):
        first, last = after.last_iter + 1, after.frozen_until_iter
        fields = ",".join(FROZEN_FIELDS)
        lines.append(
            mark("iter_watch", "FREEZE", f"from=iter_{first} to=iter_{last} fields=[{fields}]")
        )
    return lines


def _streak_lines(done: Evaluated) -> list[str]:
    net, streak = done.outcome["summary"]["net_bps"], done.state.neg_streak
    if streak > done.streak_before:
        return [f"[DETECT] neg_streak={streak} (net_bps={net:.2f})"]
    if done.streak_before and not streak and net is not None and net >= 0:
        return [f"[DETECT] neg_streak reset (net_bps={net:.2f} >= 0)"]
    return []


def _change_lines(change: Change) -> list[str]:
    if not change.accepted:
        return [
            mark(
                "autotune",
                "CHANGE_REFUSED",
                f"rule={change.rule} field={change.field} reason={change.reason}",
            )
        ]
    if change.rule in _SILENT_RULES:
        return []
    moved = f"from={shown(change.field, change.before)} to={shown(change.field, change.after)}"
    if change.rule == "AGE_RELIEF":
        return [mark("autotune", "AGE_RELIEF", f"{change.field} {moved}")]
    return [mark("autotune", change.rule, f"field={change.field} {moved}")]


def _raise_lines(change: Change) -> list[str]:
    before, after = shown(change.field, change.before), shown(change.field, change.after)
    return [
        mark("min_interval_adjust", str(change.reason), f"{before}ms -> {after}ms"),
        mark(
            "runtime_adjust",
            "OK",
            f"FIELD={change.field} FROM={before} TO={after} REASON=block_min_interval",
        ),
    ]


def _refused_velocity(done: Evaluated, limits: Values) -> list[str]:
    return [
        mark(
            "iter_watch",
            "VELOCITY",
            f"param={change.field} delta={shown(change.field, change.delta)} "
            f"total_1h={shown(change.field, _moved(done, change.field))} "
            f"max={shown(change.field, limits[change.field])} rejected=1",
        )
        for change in done.decision.changes
        if change.reason == "velocity"
    ]


def _moved(done: Evaluated, name: str) -> float:
    return TUNABLES[name].rounded(done.state.moved_within_hour(name, done.now_sec))


def _mode_lines(done: Evaluated) -> list[str]:
    decision = done.decision
    summary = done.outcome["summary"]
    if decision.mode is Mode.FALLBACK:
        streak = done.state.neg_streak
        moves = " ".join(
            f"{short}={shown(c.field, c.before)}->{shown(c.field, c.after)}"
            for field, short in _FALLBACK_NAMES.items()
            for c in decision.changes
            if c.field == field and c.accepted
        )
        return [
            f"[FALLBACK] Triggering conservative fallback (neg_streak={streak})",
            mark("autotune", "FALLBACK_CONSERVATIVE", "triggered=1"),
            *(
                [mark("autotune", "FALLBACK_CONSERVATIVE", "applied=1", moves)]
                if decision.applied_deltas
                else []
            ),
        ]
    if decision.mode is Mode.PANIC:
        to = decision.panic_profile
        return [mark("panic", "REVERT", f"to={to} reason=3_consecutive_failures")]
    lines = []
    if any(c.rule == "AGE_RELIEF" and c.accepted for c in decision.changes):
        lines.append(
            mark(
                "autotune",
                "AGE_RELIEF",
                f"order_age={_fixed(summary['order_age_p95_ms'], 0)}ms "
                f"adverse={_fixed(summary['adverse_bps_p95'])} "
                f"slippage={_fixed(summary['slippage_bps_p95'])}",
            )
        )
    if decision.mode is Mode.MULTI_FAIL:
        return [*lines, mark("soak_iter_tune", "SKIP", "REASON=multi_fail_guard")]
    if not decision.deltas:
        return [*lines, mark("soak_iter_tune", "OK", "ADJUSTMENTS=0 metrics_stable")]
    tuned = (
        f"ADJUSTMENTS={len(decision.deltas)} net_bps={_fixed(summary['net_bps'])} "
        f"cancel={_fixed(summary['cancel_ratio'])} "
        f"age_p95={_fixed(summary['order_age_p95_ms'], 0)} "
        f"lag_p95={_fixed(summary['ws_lag_p95_ms'], 0)}"
    )
    return [*lines, mark("soak_iter_tune", "OK", tuned)]


def _field_line(name: str, before: float, after: float) -> str:
    tunable = TUNABLES[name]
    limit = " [cap]" if after >= tunable.high else " [floor]" if after <= tunable.low else ""
    delta = shown(name, tunable.rounded(after - before))
    sign = "" if delta.startswith("-") else "+"
    return f"  {name}: {shown(name, before)} -> {shown(name, after)} (delta={sign}{delta}){limit}"


def _skip(reason: str | None, iteration: int, state: TuningState) -> str:
    if reason == "cooldown_active":
        until = state.cooldown_until_iter
        return mark("iter_watch", "APPLY_SKIP", f"reason={reason} until_iter={until}")
    return mark("iter_watch", "APPLY_SKIP", f"reason={reason} iter={iteration}")


def _fixed(value: float | None, decimals: int = 2) -> str:
    return "n/a" if value is None else f"{value + 0.0:.{decimals}f}"


def _percent(ratio: float | None) -> str:
    return "n/a" if ratio is None else f"{100 * ratio:.1f}%"
