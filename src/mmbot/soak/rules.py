"""The rules that propose steps: risk zones, drivers of a negative edge, triggers, age relief.

A rule is a condition on the measured figures and a list of steps. Rules run in the order of
`RULES`, each on the values that the rules before it left. A step never pulls a value back that is
already beyond its cap or floor. A condition on a metric that was not measured is false.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mmbot.soak.measurement import Figures
from mmbot.soak.parameters import TUNABLES, Values, calmer

__all__ = [
    "FALLBACK_STEPS",
    "MULTI_FAIL_STEPS",
    "RULES",
    "ZONES",
    "Rule",
    "Step",
    "panic_values",
    "target",
    "zone_of",
]

RISK_AGGRESSIVE: Final = 0.60
RISK_MODERATE: Final = 0.40
RISK_HOLD: Final = 0.35
NORMALIZE_NET_BPS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Step:
    """Move `field` by `by`, not beyond `limit` (cap of a rise, floor of a fall).

    `limit` None: the run's start value, which is never passed; being there is no wish at all.
    """

    field: str
    by: float
    limit: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: `name` as it stands in summaries, `fails` if it counts as a failing trigger.

    `condition` sees the figures, the rules that fired before, and the number of failures so far.
    """

    id: str
    name: str
    condition: Callable[[Figures, frozenset[str], int], bool]
    steps: tuple[Step, ...]
    fails: bool = False


ZONES: Final[Mapping[str, tuple[Step, ...]]] = MappingProxyType(
    {
        "AGGRESSIVE": (
            Step("min_interval_ms", 5, 80),
            Step("impact_cap_ratio", -0.01, 0.08),
            Step("tail_age_ms", 30, 800),
        ),
        "MODERATE": (
            Step("min_interval_ms", 5, 75),
            Step("impact_cap_ratio", -0.005, 0.09),
        ),
        "HOLD": (),
        "NORMALIZE": (
            Step("min_interval_ms", -3, 50),
            Step("impact_cap_ratio", 0.005, 0.10),
            Step("base_spread_bps_delta", -0.005, None),
            Step("tail_age_ms", -10, None),
            Step("replace_rate_per_min", 5, None),
            Step("max_delta_ratio", 0.002, None),
        ),
    }
)

FALLBACK_STEPS: Final = (
    Step("min_interval_ms", 20, 120),
    Step("replace_rate_per_min", -60, 150),
    Step("base_spread_bps_delta", 0.02, 0.6),
    # At least 0.08, at least 700 ms: a step of any length, limited by the value to reach.
    Step("impact_cap_ratio", 1.0, 0.08),
    Step("tail_age_ms", 1000, 700),
)
MULTI_FAIL_STEPS: Final = (
    Step("base_spread_bps_delta", 0.05, 0.6),
    Step("min_interval_ms", 20, 120),
    Step("replace_rate_per_min", -30, 150),
)


def zone_of(figures: Figures) -> str | None:
    """The risk zone of a window; None when it cannot be told."""
    risk, net = figures.risk_ratio, figures.net_bps
    if risk is None:
        return None
    if risk >= RISK_AGGRESSIVE:
        return "AGGRESSIVE"
    if risk >= RISK_MODERATE:
        return "MODERATE"
    if risk >= RISK_HOLD:
        return "HOLD"
    if net is None:
        return None
    return "NORMALIZE" if net >= NORMALIZE_NET_BPS else "HOLD"


def target(step: Step, value: float, start: float) -> float | None:
    """Where a step leads from `value`; None when a return to the start is not wanted.

    A value at or beyond the limit stays as it is.
    """
    limit = start if step.limit is None else step.limit
    beyond = value >= limit if step.by > 0 else value <= limit
    if beyond:
        return None if step.limit is None else value
    reached = min(limit, value + step.by) if step.by > 0 else max(limit, value + step.by)
    return TUNABLES[step.field].rounded(reached)


def panic_values(values: Values, profile: Values) -> dict[str, float]:
    """Each parameter's calmer value of a profile and of what is in force."""
    return {name: calmer(name, profile.get(name, value), value) for name, value in values.items()}


def _above(value: float | None, limit: float) -> bool:
    return value is not None and value > limit


def _at_most(value: float | None, limit: float) -> bool:
    return value is not None and value <= limit


def _driver(name: str) -> Callable[[Figures, frozenset[str], int], bool]:
    return lambda f, _fired, _fails: name in f.neg_edge_drivers


def _age_relief(f: Figures, _fired: frozenset[str], fails: int) -> bool:
    return (
        fails == 0
        and _above(f.order_age_p95_ms, 330)
        and _at_most(f.adverse_bps_p95, 4.0)
        and _at_most(f.slippage_bps_p95, 3.0)
        and f.risk_ratio is not None
        and f.risk_ratio < RISK_MODERATE
    )


RULES: Final = (
    Rule(
        id="D1",
        name="DRIVER:slippage_bps",
        condition=_driver("slippage_bps"),
        steps=(Step("base_spread_bps_delta", 0.02, 0.6), Step("tail_age_ms", 50, 900)),
    ),
    Rule(
        id="D2",
        name="DRIVER:adverse_bps",
        condition=_driver("adverse_bps"),
        steps=(Step("impact_cap_ratio", -0.02, 0.06), Step("max_delta_ratio", -0.02, 0.10)),
    ),
    Rule(
        id="D3",
        name="DRIVER:block_minint",
        condition=lambda f, _fired, _fails: _above(f.min_interval_ratio, 0.4),
        steps=(Step("min_interval_ms", 20, 120),),
    ),
    Rule(
        id="D4",
        name="DRIVER:concurrency",
        condition=lambda f, _fired, _fails: _above(f.concurrency_ratio, 0.3),
        steps=(Step("replace_rate_per_min", -30, 150),),
    ),
    Rule(
        id="D5",
        name="DRIVER:adverse_p95",
        condition=lambda f, fired, _fails: "D2" not in fired and _above(f.adverse_bps_p95, 3.5),
        steps=(Step("impact_cap_ratio", -0.01, 0.08), Step("max_delta_ratio", -0.01, 0.10)),
    ),
    Rule(
        id="D6",
        name="DRIVER:slippage_p95",
        condition=lambda f, fired, _fails: "D1" not in fired and _above(f.slippage_bps_p95, 2.5),
        steps=(Step("base_spread_bps_delta", 0.02, 0.25), Step("tail_age_ms", 30, 800)),
    ),
    Rule(
        id="R1",
        name="TRIGGER:cancel_ratio",
        condition=lambda f, _fired, _fails: _above(f.cancel_ratio, 0.55),
        steps=(Step("min_interval_ms", 20, 120), Step("replace_rate_per_min", -30, 150)),
        fails=True,
    ),
    Rule(
        id="R2",
        name="TRIGGER:adverse_slippage",
        condition=lambda f, _fired, _fails: (
            _above(f.adverse_bps_p95, 4.0) or _above(f.slippage_bps_p95, 3.0)
        ),
        steps=(Step("base_spread_bps_delta", 0.05, 0.6),),
        fails=True,
    ),
    Rule(
        id="R3",
        name="TRIGGER:ws_lag",
        condition=lambda f, _fired, _fails: _above(f.ws_lag_p95_ms, 120),
        steps=(Step("min_interval_ms", 20, 120),),
        fails=True,
    ),
    Rule(
        id="R4",
        name="TRIGGER:net_bps",
        condition=lambda f, _fired, fails: fails == 0 and f.net_bps is not None and f.net_bps < 2.5,
        steps=(Step("base_spread_bps_delta", 0.02, 0.6),),
    ),
    Rule(
        id="A1",
        name="AGE_RELIEF",
        condition=_age_relief,
        steps=(Step("min_interval_ms", -10, 50), Step("replace_rate_per_min", 30, 330)),
    ),
)
