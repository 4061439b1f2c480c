"""Queue models scored against the true queue of a generated market.

The generator knows the exact volume ahead of every probe; the models see the published L2 rows and
prints only (`core.score_queue_models`). This module parses what to score, and turns the scores into
the report and the picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mmbot import core
from mmbot.errors import ConfigError
from mmbot.research.charts import Figure, Panel, Series

__all__ = ["DEFAULT_MODELS", "QueueModel", "TruthOptions", "figure", "parse_model", "score"]

DEFAULT_MODELS = ("conservative", "power:1", "power:2", "power:3", "log")
_POWER_N = 2.0
_WITH_POWER = frozenset({"power", "calibrated"})
_WITHOUT_POWER = frozenset({"conservative", "log"})


@dataclass(frozen=True, slots=True)
class QueueModel:
    """A queue model by name; `power_n` counts for `power` and `calibrated`."""

    name: str
    power_n: float = _POWER_N

    @property
    def label(self) -> str:
        """Name with its exponent."""
        return f"{self.name}:{self.power_n:g}" if self.name in _WITH_POWER else self.name


@dataclass(frozen=True, slots=True)
class TruthOptions:
    """What to generate and how to score it."""

    models: tuple[QueueModel, ...]
    seed: int = 42
    regime: str = "mixed"
    start_price: float = 50_000.0
    tick_size: str = "0.1"
    lot_size: str = "0.001"
    duration_ms: int = 3_600_000
    checkpoint_ms: int = 500
    horizon_ms: int = 5_000
    interval_ms: int = 200


def parse_model(text: str) -> QueueModel:
    """``NAME`` or ``NAME:N`` (exponent of power and calibrated).

    Raises:
        ConfigError: ``E_CFG_RANGE`` for an unknown name, ``E_CFG_TYPE`` for a bad exponent.
    """
    name, colon, power = text.partition(":")
    if name not in _WITH_POWER | _WITHOUT_POWER:
        known = ", ".join(sorted(_WITH_POWER | _WITHOUT_POWER))
        raise ConfigError("E_CFG_RANGE", f"--models {text}", f"must be one of {known}")
    if not colon:
        return QueueModel(name)
    if name in _WITHOUT_POWER:
        raise ConfigError("E_CFG_TYPE", f"--models {text}", "takes no exponent")
    try:
        return QueueModel(name, float(power))
    except ValueError as exc:
        raise ConfigError("E_CFG_TYPE", f"--models {text}", "needs a number behind ':'") from exc


def score(options: TruthOptions) -> dict[str, Any]:
    """Generate the market, score the models, return the report without its `runtime` block."""
    scores = core.score_queue_models(
        options.seed,
        [(model.name, model.power_n) for model in options.models],
        regime=options.regime,
        start_price=options.start_price,
        tick_size=options.tick_size,
        lot_size=options.lot_size,
        duration_ms=options.duration_ms,
        checkpoint_ms=options.checkpoint_ms,
        horizon_ms=options.horizon_ms,
        interval_ms=options.interval_ms,
    )
    for model, entry in zip(options.models, scores["models"], strict=True):
        entry["label"] = model.label
        entry["fills"] |= _rates(entry["fills"])
    scores["truth"]["label"] = "truth"
    settings = asdict(options) | {"models": [model.label for model in options.models]}
    return {"settings": settings, **scores}


def _rates(fills: Mapping[str, int]) -> dict[str, float | None]:
    """Share of the model's fills that are true, and of the true fills that the model has."""
    model = fills["both"] + fills["model_only"]
    truth = fills["both"] + fills["truth_only"]
    return {
        "precision": fills["both"] / model if model else None,
        "recall": fills["both"] / truth if truth else None,
    }


def figure(report: Mapping[str, Any]) -> Figure:
    """Queue error and bias by age, wrong fills, and reliability of the fill probability."""
    models: Sequence[Mapping[str, Any]] = report["models"]

    def by_age(key: str) -> tuple[Series, ...]:
        return tuple(
            Series(
                name=model["label"],
                x=tuple(age["age_ms"] / 1000 for age in model["queue_by_age"] if age["count"]),
                y=tuple(age[key] for age in model["queue_by_age"] if age["count"]),
            )
            for model in models
        )

    def reliability(model: Mapping[str, Any]) -> Series:
        bins = [b for b in model["probability"]["bins"] if b["count"]]
        return Series(
            name=model["label"],
            x=tuple(b["predicted"] for b in bins),
            y=tuple(b["observed"] for b in bins),
        )

    def errors(key: str) -> Series:
        share = [model["fills"][key] / max(1, report["probes"]) for model in models]
        return Series(name=key, x=tuple(range(1, len(share) + 1)), y=tuple(share), marks_only=True)

    diagonal = Series(name="perfect", x=(0.0, 1.0), y=(0.0, 1.0))
    settings = report["settings"]
    labels = ", ".join(f"{i}={model['label']}" for i, model in enumerate(models, 1))
    return Figure(
        title=(
            f"Queue models against the true queue: {settings['regime']}, seed {settings['seed']}, "
            f"{report['probes']} probes"
        ),
        panels=(
            Panel(
                "Error of volume ahead / volume at start", "age, s", by_age("mae_ratio"), log_x=True
            ),
            Panel(
                "Bias of volume ahead / volume at start", "age, s", by_age("bias_ratio"), log_x=True
            ),
            Panel(
                f"Wrong fills, share of probes ({labels})",
                "model",
                (errors("model_only"), errors("truth_only")),
            ),
            Panel(
                "Fill probability: observed against predicted",
                "predicted",
                (diagonal, *(reliability(model) for model in models)),
            ),
        ),
    )
