"""``--tuner bayes``: constrained Bayesian optimisation of the six parameters, inside the rails.

The tree-structured Parzen estimator (J. Bergstra et al., 2011, as implemented by Optuna) suggests
where the net edge should be highest among points whose windows passed the soft KPI gate: its limits
are the constraints, after M. Gelbart, J. Snoek and R. Adams (2014). A suggestion is a direction,
not a jump: each field moves at most one rule-sized step, stays inside the envelope of automatic
tuning, and passes every rail. After a window that the gate did not pass, only calming moves are
left. Until there are enough windows to learn from, the rules decide.

Equal records and seeds give equal suggestions: the sampler is seeded per iteration.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from mmbot.errors import ConfigError
from mmbot.ids import sub_seed
from mmbot.soak.kpi import SOFT_LIMITS
from mmbot.soak.last8 import complete
from mmbot.soak.models import Draft, Mode, TunerInput
from mmbot.soak.parameters import TUNABLES, Values, is_calming
from mmbot.soak.rules import Step
from mmbot.soak.tuner import Proposal, Refinement, take

__all__ = ["ENVELOPE", "STEPS", "BayesTuner", "Observation", "observations"]

RULE: Final = "BAYES"
OBSERVATIONS_MIN: Final = 5
_CANDIDATES: Final = 64
_SEED_BITS: Final = 2**32

ENVELOPE: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "min_interval_ms": (50, 120),
        "replace_rate_per_min": (150, 330),
        "base_spread_bps_delta": (0.0, 0.6),
        "impact_cap_ratio": (0.06, 0.10),
        "max_delta_ratio": (0.10, 0.20),
        "tail_age_ms": (400, 900),
    }
)
"""Where automatic tuning stays: the outermost caps and floors of the rules."""

STEPS: Final[Values] = MappingProxyType(
    {
        "min_interval_ms": 10,
        "replace_rate_per_min": 30,
        "base_spread_bps_delta": 0.02,
        "impact_cap_ratio": 0.01,
        "max_delta_ratio": 0.01,
        "tail_age_ms": 30,
    }
)
"""The longest move of one iteration: the size of a rule's step."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One window: the values beneath the overlay, its net edge, and by how much it broke limits.

    `violations` are positive where a limit is broken: risk ratio above its limit, net edge below.
    """

    values: Values
    net_bps: float
    violations: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class BayesTuner:
    """Makes refinements from the records of finished iterations."""

    seed: int

    def learn(self, summaries: Sequence[Mapping[str, Any]]) -> Refinement:
        """What to do with the rules' proposal after the next window.

        Raises:
            ConfigError: ``E_CFG_MISSING`` without Optuna.
        """
        known = observations(summaries)

        def refine(given: TunerInput, rules: Proposal) -> Proposal:
            seen = [*known, *_current(given)]
            if len(seen) < OBSERVATIONS_MIN:
                return rules
            goal = suggest(seen, sub_seed(self.seed, "soak-bayes", given.iteration))
            return replace(rules, draft=_towards(given, goal))

        return refine


def observations(summaries: Sequence[Mapping[str, Any]]) -> list[Observation]:
    """Windows to learn from: complete, with a sample that counts."""
    found = []
    for summary in complete(summaries):
        figures = summary["summary"]
        values = summary.get("base") or summary["overrides"]
        if figures.get("risk_ratio") is None or figures.get("sample") == "low":
            continue
        found.append(_observed(values, float(figures["net_bps"]), float(figures["risk_ratio"])))
    return found


def suggest(seen: Sequence[Observation], seed: int) -> dict[str, float]:
    """The point where the estimator expects the best edge among safe points."""
    optuna = _optuna()
    distributions = {
        name: optuna.distributions.IntDistribution(int(low), int(high))
        if TUNABLES[name].integer
        else optuna.distributions.FloatDistribution(low, high)
        for name, (low, high) in ENVELOPE.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(
            seed=seed % _SEED_BITS,
            multivariate=True,
            n_startup_trials=OBSERVATIONS_MIN,
            n_ei_candidates=_CANDIDATES,
        )
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.add_trials(
            [
                optuna.trial.create_trial(
                    value=one.net_bps,
                    params={name: _inside(name, one.values[name]) for name in ENVELOPE},
                    distributions=distributions,
                    constraints=dict(one.violations),
                )
                for one in seen
            ]
        )
        found = study.ask(distributions).params
    return {name: TUNABLES[name].rounded(found[name]) for name in ENVELOPE}


def _towards(given: TunerInput, goal: Values) -> Draft:
    """A draft that moves each field towards the goal, through the change rails."""
    draft = Draft(start=given.values, running=given.values)
    calm_only = given.verdict not in ("PASS", "WARN")
    for name in TUNABLES:
        move = goal[name] - given.values[name]
        if move == 0 or (calm_only and not is_calming(name, move)):
            continue
        length = min(abs(move), STEPS[name])
        by = length if move > 0 else -length
        limit = TUNABLES[name].rounded(given.values[name] + by)
        draft = take(given, draft, RULE, (Step(name, by, limit),), Mode.REGULAR)
    return draft


def _current(given: TunerInput) -> list[Observation]:
    """The window just measured, which has no record yet."""
    net, risk = given.figures.net_bps, given.figures.risk_ratio
    return [] if net is None or risk is None else [_observed(given.values, net, risk)]


def _observed(values: Values, net_bps: float, risk_ratio: float) -> Observation:
    return Observation(
        values=dict(values),
        net_bps=net_bps,
        violations={
            "net_bps": SOFT_LIMITS["net_bps_fail"] - net_bps,
            "risk_ratio": risk_ratio - SOFT_LIMITS["risk_ratio_fail"],
        },
    )


def _inside(name: str, value: float) -> float:
    low, high = ENVELOPE[name]
    return TUNABLES[name].rounded(min(high, max(low, value)))


def _optuna() -> Any:  # noqa: ANN401 -- an optional module without types of its own here
    try:
        import optuna  # noqa: PLC0415 -- an optional, slow import
    except ImportError as exc:
        raise ConfigError(
            "E_CFG_MISSING", "--tuner bayes", "needs optuna: install mmbot[tune]"
        ) from exc
    return optuna
