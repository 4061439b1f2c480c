"""``--tuner bayes``: constrained Bayesian optimisation of the six parameters, inside the rails.

A Bayesian response surface (`mmbot.soak.surrogate`) learns net edge and risk ratio from the windows
of this run and of earlier ones; Optuna keeps the study and draws the points that are looked at.
Among points expected to hold the limits of the soft gate the one with the best upper confidence
bound is wanted (N. Srinivas et al., 2010; constraints after M. Gelbart, J. Snoek and R. Adams,
2014); where none is expected to hold them, the one that breaks them least.

A suggestion is a direction, not a jump. The fields that promise most move first, each by one
rule-sized step at most, all together by no more than a move that starts no cooldown, inside the
envelope of automatic tuning and through every rail. After a window that the gate did not pass, only
calming moves are left. Until there are enough windows to learn from, the rules decide.

Equal records and seeds give equal suggestions.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmbot.errors import ConfigError
from mmbot.ids import sub_seed
from mmbot.soak.kpi import SOFT_LIMITS
from mmbot.soak.last8 import complete
from mmbot.soak.models import Draft, Mode, TunerInput
from mmbot.soak.parameters import TUNABLES, Values, is_calming, total_change
from mmbot.soak.rules import Step
from mmbot.soak.settle import COOLDOWN_TOTAL
from mmbot.soak.surrogate import Measured, Surrogate
from mmbot.soak.tuner import Proposal, Refinement, take

__all__ = [
    "ENVELOPE",
    "STEPS",
    "BayesTuner",
    "Observation",
    "observations",
    "suggest",
]

RULE: Final = "BAYES"
OBSERVATIONS_MIN: Final = 5
_CANDIDATES: Final = 512
_GRID: Final = 11
_SWEEPS: Final = 2
_OPTIMISM: Final = 0.3
"""Standard deviations of the edge that the unknown is credited with, and of risk that it costs."""
_SEED_BITS: Final = 2**32
_UNSAFE: Final = 1e6

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
        "min_interval_ms": 20,
        "replace_rate_per_min": 30,
        "base_spread_bps_delta": 0.05,
        "impact_cap_ratio": 0.02,
        "max_delta_ratio": 0.02,
        "tail_age_ms": 50,
    }
)
"""The longest move of one iteration: that of the longest step of a rule."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One window: the values beneath the overlay, what it measured, which market it was.

    `market` as in `mmbot.soak.surrogate.Measured`.
    """

    values: Values
    net_bps: float
    risk_ratio: float
    fills: float = 100.0
    market: str = ""


@dataclass(frozen=True, slots=True)
class BayesTuner:
    """Makes refinements from the records of finished iterations.

    `prior` are windows of earlier runs on the same market, see `observations`.
    """

    seed: int
    prior: tuple[Observation, ...] = ()

    def learn(self, summaries: Sequence[Mapping[str, Any]]) -> Refinement:
        """What to do with the rules' proposal after the next window.

        Raises:
            ConfigError: ``E_CFG_MISSING`` without Optuna.
        """
        known = [*self.prior, *observations(summaries)]

        def refine(given: TunerInput, rules: Proposal) -> Proposal:
            seen = [*known, *_current(given)]
            if len(seen) < OBSERVATIONS_MIN:
                return rules
            model = _Model(seen, given.settings.soft_gate)
            goal = model.best(sub_seed(self.seed, "soak-bayes"))
            return replace(rules, draft=_towards(given, goal, model))

        return refine


def observations(summaries: Sequence[Mapping[str, Any]]) -> list[Observation]:
    """Windows to learn from: complete, with a sample that counts."""
    found = []
    for summary in complete(summaries):
        figures = summary["summary"]
        values = summary.get("base") or summary["overrides"]
        if figures.get("risk_ratio") is None or figures.get("sample") == "low":
            continue
        found.append(
            Observation(
                values=values,
                net_bps=float(figures["net_bps"]),
                risk_ratio=float(figures["risk_ratio"]),
                fills=float(figures.get("fills") or 1.0),
                market=str(summary.get("market") or ""),
            )
        )
    return found


def suggest(
    seen: Sequence[Observation], seed: int, limits: Values = SOFT_LIMITS
) -> dict[str, float]:
    """The point with the best edge to be hoped for among those expected to hold the gate.

    Raises:
        ConfigError: ``E_CFG_MISSING`` without Optuna.
    """
    return _Model(seen, limits).best(seed)


class _Model:
    """What is expected of edge and risk, and how points compare."""

    def __init__(self, seen: Sequence[Observation], limits: Values) -> None:
        self._edge = Surrogate([_measured(one, one.net_bps) for one in seen])
        self._risk = Surrogate([_measured(one, one.risk_ratio) for one in seen])
        self._limits = limits
        self._newest = seen[-1].values

    def scores(self, points: Sequence[Values]) -> NDArray[np.float64]:
        """Comparable worths: points expected to break a limit lie below all others."""
        edge, edge_sd = self._edge.mean_and_sd(points)
        risk, risk_sd = self._risk.mean_and_sd(points)
        hoped = edge + _OPTIMISM * edge_sd
        excess = np.maximum(risk + _OPTIMISM * risk_sd - self._limits["risk_ratio_fail"], 0.0)
        missing = np.maximum(self._limits["net_bps_fail"] - edge, 0.0)
        broken = excess + missing
        return np.where(broken > 0.0, -_UNSAFE * (1.0 + broken), hoped)

    def best(self, seed: int) -> dict[str, float]:
        """The best of drawn points, then moved along each axis while that helps."""
        points = [*_drawn(seed), {n: _inside(n, self._newest[n]) for n in ENVELOPE}]
        chosen = points[int(np.argmax(self.scores(points)))]
        for name in (*ENVELOPE,) * _SWEEPS:
            axis = [{**chosen, name: value} for value in _axis(name)]
            axis.append(chosen)
            # Of equals the last one, which is where it stands: what nothing is known of stays.
            scores = self.scores(axis)[::-1]
            chosen = axis[len(axis) - 1 - int(np.argmax(scores))]
        return chosen


def _towards(given: TunerInput, goal: Values, model: _Model) -> Draft:
    """A draft that moves fields towards the goal, the most promising first."""
    draft = Draft(start=given.values, running=given.values)
    calm_only = given.verdict not in ("PASS", "WARN")
    for name in _by_promise(given.values, goal, model):
        move = goal[name] - given.values[name]
        if calm_only and not is_calming(name, move):
            continue
        room = (COOLDOWN_TOTAL - total_change(draft.deltas())) * TUNABLES[name].span
        length = min(abs(move), STEPS[name], room)
        by = _truncated(name, length if move > 0 else -length)
        if by != 0:
            limit = TUNABLES[name].rounded(given.values[name] + by)
            draft = take(given, draft, RULE, (Step(name, by, limit),), Mode.REGULAR)
    return draft


def _by_promise(values: Values, goal: Values, model: _Model) -> list[str]:
    """Fields whose way to the goal is expected to pay, the best first for the length of the way."""
    fields = [name for name in TUNABLES if goal[name] != values[name]]
    if not fields:
        return []
    without = [{**goal, name: values[name]} for name in fields]
    scores = model.scores([goal, *without])
    gains = {name: float(scores[0] - scores[1 + at]) for at, name in enumerate(fields)}
    ways = {name: abs(goal[name] - values[name]) / TUNABLES[name].span for name in fields}
    paying = [name for name in fields if gains[name] > 0]
    return sorted(paying, key=lambda name: -gains[name] / ways[name])


def _truncated(name: str, move: float) -> float:
    """A move on the field's grid that is not longer."""
    return float(int(move)) if TUNABLES[name].integer else int(move * 1e5) / 1e5


def _axis(name: str) -> list[float]:
    low, high = ENVELOPE[name]
    return [TUNABLES[name].rounded(float(v)) for v in np.linspace(low, high, _GRID)]


@lru_cache(maxsize=4)
def _drawn(seed: int) -> tuple[dict[str, float], ...]:
    """Points spread over the envelope."""
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
        sampler = optuna.samplers.RandomSampler(seed=seed % _SEED_BITS)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        found = [study.ask(distributions).params for _ in range(_CANDIDATES)]
    return tuple({n: TUNABLES[n].rounded(one[n]) for n in ENVELOPE} for one in found)


def _current(given: TunerInput) -> list[Observation]:
    """The window just measured, which has no record yet."""
    figures = given.figures
    if figures.net_bps is None or figures.risk_ratio is None:
        return []
    fills = figures.fills or 1.0
    return [Observation(given.values, figures.net_bps, figures.risk_ratio, fills)]


def _measured(one: Observation, y: float) -> Measured:
    return Measured(one.values, y, one.fills, one.market)


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
