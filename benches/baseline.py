"""The committed baseline of ratios, and what counts as a regression against it.

Only ratios are kept: an absolute number of another machine says nothing. A ratio that is worse than
its baseline by more than a fifth fails the run; so much one machine can differ from another, and a
real loss of speed is seldom smaller.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benches.ratios import GOALS

BASELINE = Path(__file__).with_name("baseline.json")
LOSS_MAX = 0.20


@dataclass(frozen=True)
class Baseline:
    """Ratios as measured on a feed of so many events; others are not comparable with them."""

    events: int
    ratios: Mapping[str, float]


class BaselineError(Exception):
    """The committed file is not a baseline."""


def load(path: Path = BASELINE) -> Baseline | None:
    """Read the baseline; None if there is none.

    Raises:
        BaselineError: the file lacks a key or names a ratio that does not exist.
    """
    if not path.is_file():
        return None
    try:
        stored = json.loads(path.read_text(encoding="ascii"))
        kept = {name: float(value) for name, value in stored["ratios"].items()}
        baseline = Baseline(int(stored["events"]), kept)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise BaselineError(f"{path.name}: {type(exc).__name__}: {exc}") from exc
    unknown = sorted(set(baseline.ratios) - set(GOALS))
    if unknown:
        raise BaselineError(f"{path.name}: no such ratio: {', '.join(unknown)}")
    return baseline


def save(baseline: Baseline, path: Path = BASELINE) -> None:
    """Write the baseline; ratios with three decimal places, more would be noise."""
    kept = {name: round(value, 3) for name, value in baseline.ratios.items()}
    text = json.dumps({"events": baseline.events, "ratios": kept}, indent=2, sort_keys=True)
    path.write_text(text + "\n", encoding="ascii")


def loss(name: str, *, now: float, then: float) -> float:
    """How much worse a ratio became, as a fraction of its baseline; negative if it is better."""
    return (then - now) / then if GOALS[name].more_is_better else (now - then) / then


def regressions(baseline: Baseline, now: Mapping[str, float | None]) -> list[str]:
    """One line per ratio that is worse than `LOSS_MAX` allows; unmeasured ratios are left out."""
    found = []
    for name, then in sorted(baseline.ratios.items()):
        value = now.get(name)
        if value is None:
            continue
        worse = loss(name, now=value, then=then)
        if worse > LOSS_MAX:
            found.append(f"{name}: {value:.3f}, baseline {then:.3f}: {worse:.0%} worse")
    return found
