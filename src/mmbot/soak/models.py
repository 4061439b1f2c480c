"""The nouns of a tuning decision: its input, single changes, the draft of them, the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from mmbot.config.profiles import SOAK_PROFILES
from mmbot.config.research import SoakConfig
from mmbot.soak.measurement import Figures
from mmbot.soak.parameters import TUNABLES, Values, is_calming
from mmbot.soak.state import TuningState

__all__ = [
    "Change",
    "ChangeSet",
    "Decision",
    "Draft",
    "Mode",
    "Phase",
    "TunerInput",
    "TunerSettings",
    "Verdict",
    "settings_of",
]

Verdict = Literal["PASS", "WARN", "FAIL", "UNKNOWN"]


class Mode(StrEnum):
    """Which proposal an iteration makes; exactly one."""

    REGULAR = "regular"
    MULTI_FAIL = "multi_fail"
    FALLBACK = "fallback"
    PANIC = "panic"
    NONE = "none"


class Phase(StrEnum):
    """Where in a run an iteration lies; without warm-up all are steady."""

    WARMUP = "WARMUP"
    RAMPDOWN = "RAMPDOWN"
    STEADY = "STEADY"


@dataclass(frozen=True, slots=True, kw_only=True)
class TunerSettings:
    """Configuration section `soak`, and the profiles that a panic goes back to.

    `soft_gate` holds the limits of the gate of one iteration.
    """

    velocity: Values
    min_fills: int = 20
    warmup_iterations: int = 4
    rampdown_iterations: int = 2
    soft_gate: Values = field(default_factory=lambda: _soft_gate(SoakConfig()))
    steady_safe: Values = field(default_factory=lambda: SOAK_PROFILES["steady_safe"])
    ultra_safe: Values = field(default_factory=lambda: SOAK_PROFILES["ultra_safe"])


@dataclass(frozen=True, slots=True, kw_only=True)
class TunerInput:
    """All that a decision depends on.

    `values` are the effective values in force without the warm-up overlay, `start_values` those of
    the run's start. `state` already counts this iteration (streaks, values). `unusable` says why
    there is nothing to tune on, `already_applied` that the iteration's summary says so.
    """

    iteration: int
    total_iterations: int
    run_id: str
    now_sec: float
    phase: Phase
    figures: Figures
    verdict: Verdict
    values: Values
    start_values: Values
    state: TuningState
    settings: TunerSettings
    auto_tune: bool = True
    unusable: str | None = None
    already_applied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step of one rule; a refused one keeps its reason, a cut one says what cut it."""

    rule: str
    field: str
    before: float
    after: float
    accepted: bool = True
    reason: str | None = None

    @property
    def delta(self) -> float:
        """The step in the field's grid."""
        return TUNABLES[self.field].rounded(self.after - self.before)

    @property
    def calming(self) -> bool:
        """Whether the step goes the calmer way."""
        return is_calming(self.field, self.after - self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Values as the steps so far leave them, and those steps in order."""

    start: Values
    running: Values
    changes: tuple[Change, ...] = ()

    def accepted(self, name: str) -> list[Change]:
        """Steps in force on one field."""
        return [c for c in self.changes if c.field == name and c.accepted]

    def deltas(self) -> dict[str, float]:
        """Net proposed change of each field that changes."""
        moves = {
            name: tunable.rounded(self.running[name] - self.start[name])
            for name, tunable in TUNABLES.items()
        }
        return {name: move for name, move in moves.items() if move != 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """Net changes on their way through the rails: what is left, what was removed, what blocked."""

    mode: Mode
    deltas: Values
    draft: Draft
    removed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blocked: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an iteration decided: `deltas` proposed, `applied_deltas` to be put in force.

    `after` are the effective values that follow. `skipped_reason` says why nothing is put in force.
    """

    mode: Mode
    zone: str | None
    fail_count: int
    changes: tuple[Change, ...]
    deltas: Values
    applied_deltas: Values
    skipped_reason: str | None
    removed: Mapping[str, tuple[str, ...]]
    rationale: str
    signature: str | None
    after: Values
    panic_profile: str | None = None


def settings_of(
    config: SoakConfig, *, steady_safe: Values | None = None, ultra_safe: Values | None = None
) -> TunerSettings:
    """The settings that a configuration gives; profiles default to the built-in ones."""
    limits = config.max_delta_per_hour
    return TunerSettings(
        velocity={name: float(getattr(limits, name)) for name in TUNABLES},
        min_fills=config.min_fills_per_iteration,
        warmup_iterations=config.warmup_iterations,
        rampdown_iterations=config.rampdown_iterations,
        soft_gate=_soft_gate(config),
        steady_safe=steady_safe or SOAK_PROFILES["steady_safe"],
        ultra_safe=ultra_safe or SOAK_PROFILES["ultra_safe"],
    )


def _soft_gate(config: SoakConfig) -> dict[str, float]:
    gate = config.soft_gate
    return {
        "risk_ratio_fail": gate.fail_risk_ratio,
        "net_bps_fail": gate.fail_net_bps,
        "risk_ratio_warn": gate.warn_risk_ratio,
        "adverse_bps_p95_warn": gate.warn_adverse_p95_bps,
    }
