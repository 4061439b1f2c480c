"""The soft gate of one iteration, and the streaks it feeds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from mmbot.soak.measurement import Figures
from mmbot.soak.models import Phase, TunerSettings, Verdict
from mmbot.soak.parameters import Values
from mmbot.soak.state import TuningState

__all__ = ["SOFT_LIMITS", "SoftVerdict", "counted", "is_stable", "soft_gate"]

SOFT_LIMITS: Final[Values] = TunerSettings(velocity={}).soft_gate
"""The limits unless the configuration says otherwise (``soak.soft_gate``)."""

STABLE_RISK: Final = 0.35
STABLE_NET_BPS: Final = 2.7


@dataclass(frozen=True, slots=True)
class SoftVerdict:
    """PASS, WARN, FAIL or UNKNOWN, and the reasons for anything but PASS.

    `excused`: a failure of the warm-up phase, which counts as WARN.
    """

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    excused: bool = field(default=False, compare=False)


def soft_gate(
    figures: Figures | None, *, phase: Phase, low_sample: bool, limits: Values = SOFT_LIMITS
) -> SoftVerdict:
    """Judge one window.

    Without a report, or without net edge and risk, the verdict is UNKNOWN. During warm-up a FAIL
    counts as WARN; on a low sample the verdict is WARN at most, so neither feeds a panic.
    """
    if figures is None:
        return SoftVerdict("UNKNOWN", ("no_report",))
    if low_sample:
        return SoftVerdict("WARN", ("low_sample", *_failures(figures, limits)))
    if figures.risk_ratio is None or figures.net_bps is None:
        return SoftVerdict("UNKNOWN", ("missing_metric",))
    failures = _failures(figures, limits)
    if failures:
        if phase is Phase.WARMUP:
            return SoftVerdict("WARN", failures, excused=True)
        return SoftVerdict("FAIL", failures)
    warnings = _warnings(figures, limits)
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
    if verdict.verdict == "FAIL":
        fails += 1
    elif not verdict.excused:
        fails = 0
    stable = is_stable(figures, low_sample=low_sample)
    return replace(
        state,
        neg_streak=state.neg_streak + 1 if negative else 0,
        kpi_fail_streak=fails,
        stable_streak=state.stable_streak + 1 if stable else 0,
    )


def _failures(figures: Figures, limits: Values) -> tuple[str, ...]:
    found = []
    if figures.risk_ratio is not None and figures.risk_ratio > limits["risk_ratio_fail"]:
        found.append("risk_ratio")
    if figures.net_bps is not None and figures.net_bps < limits["net_bps_fail"]:
        found.append("net_bps")
    return tuple(found)


def _warnings(figures: Figures, limits: Values) -> tuple[str, ...]:
    found = []
    if figures.risk_ratio is not None and figures.risk_ratio > limits["risk_ratio_warn"]:
        found.append("risk_ratio")
    adverse = figures.adverse_bps_p95
    if adverse is not None and adverse > limits["adverse_bps_p95_warn"]:
        found.append("adverse_bps_p95")
    return tuple(found)
