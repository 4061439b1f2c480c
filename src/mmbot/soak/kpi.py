"""The soft gate of one iteration, and the streaks it feeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from mmbot.soak.measurement import Figures
from mmbot.soak.models import Phase, Verdict
from mmbot.soak.state import TuningState

__all__ = ["SOFT_LIMITS", "SoftVerdict", "counted", "is_stable", "soft_gate"]

SOFT_LIMITS: Final = {
    "risk_ratio_fail": 0.50,
    "net_bps_fail": 2.0,
    "risk_ratio_warn": 0.40,
    "adverse_bps_p95_warn": 3.0,
}
STABLE_RISK: Final = 0.35
STABLE_NET_BPS: Final = 2.7


@dataclass(frozen=True, slots=True)
class SoftVerdict:
    """PASS, WARN, FAIL or UNKNOWN, and the reasons for anything but PASS."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()


def soft_gate(figures: Figures | None, *, phase: Phase, low_sample: bool) -> SoftVerdict:
    """Judge one window.

    Without a report, or without net edge and risk, the verdict is UNKNOWN. During warm-up a FAIL
    counts as WARN; on a low sample the verdict is WARN at most, so neither feeds a panic.
    """
    if figures is None:
        return SoftVerdict("UNKNOWN", ("no_report",))
    if low_sample:
        return SoftVerdict("WARN", ("low_sample", *_failures(figures)))
    if figures.risk_ratio is None or figures.net_bps is None:
        return SoftVerdict("UNKNOWN", ("missing_metric",))
    failures = _failures(figures)
    if failures:
        return SoftVerdict("WARN" if phase is Phase.WARMUP else "FAIL", failures)
    warnings = _warnings(figures)
    return SoftVerdict("WARN" if warnings else "PASS", warnings)


def is_stable(figures: Figures | None, *, low_sample: bool) -> bool:
    """Whether a window counts towards a freeze."""
    if figures is None or low_sample or figures.risk_ratio is None or figures.net_bps is None:
        return False
    return figures.risk_ratio <= STABLE_RISK and figures.net_bps >= STABLE_NET_BPS


def counted(
    state: TuningState,
    figures: Figures | None,
    verdict: SoftVerdict,
    *,
    phase: Phase,
    low_sample: bool,
) -> TuningState:
    """The streaks after one complete window.

    UNKNOWN and low samples leave them as they are; so does a failure during warm-up.
    """
    if figures is None or low_sample or verdict.verdict == "UNKNOWN":
        return replace(state, stable_streak=0)
    net = figures.net_bps
    negative = net is not None and net < 0
    fails = state.kpi_fail_streak
    excused = phase is Phase.WARMUP and verdict.verdict == "WARN" and bool(_failures(figures))
    if verdict.verdict == "FAIL":
        fails += 1
    elif not excused:
        fails = 0
    stable = is_stable(figures, low_sample=low_sample)
    return replace(
        state,
        neg_streak=state.neg_streak + 1 if negative else 0,
        kpi_fail_streak=fails,
        stable_streak=state.stable_streak + 1 if stable else 0,
    )


def _failures(figures: Figures) -> tuple[str, ...]:
    found = []
    if figures.risk_ratio is not None and figures.risk_ratio > SOFT_LIMITS["risk_ratio_fail"]:
        found.append("risk_ratio")
    if figures.net_bps is not None and figures.net_bps < SOFT_LIMITS["net_bps_fail"]:
        found.append("net_bps")
    return tuple(found)


def _warnings(figures: Figures) -> tuple[str, ...]:
    found = []
    if figures.risk_ratio is not None and figures.risk_ratio > SOFT_LIMITS["risk_ratio_warn"]:
        found.append("risk_ratio")
    adverse = figures.adverse_bps_p95
    if adverse is not None and adverse > SOFT_LIMITS["adverse_bps_p95_warn"]:
        found.append("adverse_bps_p95")
    return tuple(found)
