"""`mmbot soak compare-tuners`: the rules and Bayesian optimisation on the same seeds."""

from __future__ import annotations

import os
from typing import Annotated, Final

import typer

from mmbot.cli import soak_options as opt
from mmbot.cli.options import ConfigOption, SetOption
from mmbot.cli.soak_source import make_source
from mmbot.soak.compare import TunerRun, compare_document, compare_markdown
from mmbot.soak.launch import LaunchOptions, SourceRequest, launch
from mmbot.soak.paths import SoakPaths
from mmbot.soak.source import IterationSource
from mmbot.store.artifacts import write_json, write_text

__all__ = ["compare_tuners_command"]

_TUNERS: Final = ("rules", "bayes")


class _Silent:
    """A view that shows nothing: only the comparison counts."""

    def line(self, text: str) -> None:
        """Keep quiet."""

    def finished(self, outcome: object) -> None:
        """Keep quiet."""


def compare_tuners_command(
    *,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many, from --seed on.")] = 3,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 42,
    iterations: Annotated[int, typer.Option("--iterations", min=1)] = 24,
    window_seconds: Annotated[float, typer.Option("--window-seconds", min=1)] = 300,
    profile: Annotated[str, typer.Option("--profile", help="Start values of all runs.")] = (
        "steady_safe"
    ),
    config: ConfigOption = None,
    sets: SetOption = None,
    prior: opt.Prior = None,
    mock: opt.Mock = False,
    data: opt.Data = None,
    venue: opt.Venue = None,
    symbol: opt.Symbol = None,
    regime: opt.Regime = "mixed",
) -> None:
    """Run each tuner on each seed from the same start and compare what they earned."""
    paths = SoakPaths.from_environment(os.environ)
    runs = []
    for number in range(seed, seed + seeds):
        for tuner in _TUNERS:
            root = paths.soak / "compare" / f"{tuner}_{number}"
            options = LaunchOptions(
                paths=SoakPaths(root, root / "soak" / "latest"),
                env={**os.environ, "ARTIFACTS_DIR": str(root), "SOAK_OUT_DIR": ""},
                mock=mock,
                iterations=iterations,
                window_sec=0.0 if mock else window_seconds,
                auto_tune=True,
                tuner=tuner,
                prior=prior if tuner == "bayes" else None,
                config=config,
                profile=profile,
                sets=tuple(sets or ()),
                seed=number,
                market={"data": data, "venue": venue, "symbol": symbol, "regime": regime},
            )
            done = launch(options, _source, _Silent())
            runs.append(TunerRun(tuner, number, done.summaries))
            typer.echo(f"tuner={tuner} seed={number} iterations={len(done.summaries)}")
    document = compare_document(runs)
    out = paths.soak / "TUNER_COMPARE.json"
    write_json(out, document)
    write_text(out.with_suffix(".md"), compare_markdown(document))
    typer.echo(compare_markdown(document))


def _source(request: SourceRequest) -> IterationSource:
    return make_source(request, None)
