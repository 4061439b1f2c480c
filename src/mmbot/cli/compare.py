"""`mmbot compare`: a session against the backtest of its own period."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mmbot.cli.backtest_options import Calibration, Mode, QueueModel
from mmbot.cli.compare_view import show
from mmbot.cli.journal_place import located
from mmbot.cli.options import ConfigOption, JsonOption
from mmbot.config import ConfigRequest, load_config
from mmbot.config.yamlfile import parse_scalar
from mmbot.errors import ConfigError
from mmbot.research.calibration import live_sim_params
from mmbot.research.charts import check_suffix, write_figure
from mmbot.research.comparison.compare import Comparison, compare_session
from mmbot.research.comparison.picture import figure
from mmbot.research.comparison.rerun import Simulation
from mmbot.store.canonical import canonical_json

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode="rich")
_GATE_FAILED = 2
# Amounts are sums of thousandths of a cent: parts must add up in print, too.
_DP = 12


@app.command(
    help=(
        "Run the period of a session through the backtest, pair the orders of both one to one, and "
        "split the difference of their PnL. Exit 2 if it is above --max-gap-bps."
    ),
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "mmbot compare 7c1f1c1e-5d1b-5c55-8d0e-3d2f6a0b9c11\n\n"
        "mmbot compare data/journal/7c1f1c1e-5d1b-5c55-8d0e-3d2f6a0b9c11 --data data/research "
        "--calibration calibration.json --max-gap-bps 0.5 --plot gap.png"
    ),
)
def compare(
    place: Annotated[
        str, typer.Argument(metavar="JOURNAL", help="A session id, or its directory.")
    ],
    *,
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="CATALOG", help="Simulate on this; else on the journal's."),
    ] = None,
    venue: Annotated[
        str | None, typer.Option("--venue", help="Venue, when the catalog has the symbol twice.")
    ] = None,
    calibration: Calibration = None,
    mode: Annotated[Mode | None, typer.Option("--mode", help="Fill logic.")] = None,
    queue_model: Annotated[
        QueueModel | None, typer.Option("--queue-model", help="Queue position model.")
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A parameter over the session's own."),
    ] = None,
    max_gap_bps: Annotated[
        float | None,
        typer.Option("--max-gap-bps", min=0.0, help="Exit 2 if the difference is larger."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Picture, .png or .svg.")
    ] = None,
) -> None:
    """Compare and print."""
    if plot is not None:
        check_suffix(plot)
    path = located(place, config)
    simulator = live_sim_params(load_config(ConfigRequest(path=config)).config, calibration)
    chosen = {"mode": mode, "queue_model": queue_model}
    simulator |= {key: value.value for key, value in chosen.items() if value is not None}
    simulation = Simulation(
        simulator=simulator, over=dict(map(_assignment, sets or ())), data=data, venue=venue
    )
    with Console(stderr=True).status("simulating"):
        found = compare_session(str(path), simulation)
    if plot is not None:
        write_figure(plot, figure(found))
    if as_json:
        sys.stdout.write(canonical_json(found.document(), dp=_DP).decode("ascii"))
    else:
        show(Console(), found)
        sys.stdout.write(found.marker + "\n")
    _gate(found, max_gap_bps)


def _gate(found: Comparison, max_gap_bps: float | None) -> None:
    if max_gap_bps is not None and abs(found.gap_bps) > max_gap_bps:
        sys.stderr.write(
            f"| compare | FAIL | gap_bps={found.gap_bps:.6f} max_gap_bps={max_gap_bps:g} |\n"
        )
        raise typer.Exit(_GATE_FAILED)


def _assignment(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ConfigError("E_CFG_TYPE", "--set", f"must be KEY=VALUE, not {text!r}")
    return key, parse_scalar(value, key)
