"""`mmbot sim`: how good the simulation is: queue models against truth, generated against real."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from mmbot.cli.sim_balance import virtual_balance
from mmbot.errors import ConfigError
from mmbot.research.charts import Figure, check_suffix, write_figure
from mmbot.research.market_comparison import (
    SyntheticOptions,
    figure,
    generated_market,
    recorded_markets,
    report,
)
from mmbot.research.queue_truth import DEFAULT_MODELS, TruthOptions, parse_model, score
from mmbot.research.queue_truth import figure as truth_figure
from mmbot.research.stylised_facts import FACTS, MarketFacts
from mmbot.store.artifacts import write_json
from mmbot.store.canonical import canonical_json
from mmbot.store.runtime import artifact_path, runtime_block

__all__ = ["app"]

_DEFAULT_REGIMES = ("calm", "volatile", "mixed")
_MS_PER_MIN = 60_000
_SEC_PER_MIN = 60

app = typer.Typer(
    help="Score queue models, compare generated with recorded markets, book a virtual balance.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

app.command(
    "virtual-balance",
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot sim virtual-balance --trades trades.jsonl --prices mids.jsonl\n\n"
        "mmbot sim virtual-balance --trades t.jsonl --prices p.jsonl --cash-flows funding.jsonl "
        "--initial-cash 100000 --out-daily days.json --out-equity equity.json"
    ),
)(virtual_balance)

Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the generated market.")]
StartPrice = Annotated[float, typer.Option("--start-price", help="Price at the start.")]
TickSize = Annotated[str, typer.Option("--tick-size", help="Price step of the generated market.")]
LotSize = Annotated[str, typer.Option("--lot-size", help="Size step of the generated market.")]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", help="Picture: .png or .svg."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the report instead of tables.")]


@app.command(
    "queue-truth",
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot sim queue-truth --regime mixed --duration-min 60 --plot queue-truth.svg\n\n"
        "mmbot sim queue-truth --models conservative --models power:1.5 --tick-size 1 --json"
    ),
)
def queue_truth(
    *,
    seed: Seed = 42,
    duration_min: Annotated[
        float, typer.Option("--duration-min", min=0.1, help="Simulated minutes.")
    ] = 60.0,
    regime: Annotated[
        str,
        typer.Option(
            "--regime",
            help="calm, volatile, spike, flash_crash, liquidity_gap or mixed.",
        ),
    ] = "mixed",
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--models",
            help="conservative, log, power:N or calibrated:N; repeatable, or joined by commas.",
        ),
    ] = None,
    horizon_ms: Annotated[
        int, typer.Option("--horizon-ms", min=1, help="A fill counts within this time.")
    ] = 5_000,
    checkpoint_ms: Annotated[
        int, typer.Option("--checkpoint-ms", min=1, help="Age at which a fill is predicted.")
    ] = 500,
    interval_ms: Annotated[
        int, typer.Option("--interval-ms", min=1, help="Time between two probes.")
    ] = 200,
    start_price: StartPrice = 50_000.0,
    tick_size: TickSize = "0.1",
    lot_size: LotSize = "0.001",
    out: Annotated[
        Path | None, typer.Option("--out", show_default="artifacts/QUEUE_TRUTH.json")
    ] = None,
    plot: Plot = None,
    json: Json = False,
) -> None:
    """Score queue models against the true order-by-order queue of a generated market."""
    texts = [name for text in models or DEFAULT_MODELS for name in text.split(",")]
    options = TruthOptions(
        models=tuple(parse_model(text) for text in texts),
        seed=seed,
        regime=regime,
        start_price=start_price,
        tick_size=tick_size,
        lot_size=lot_size,
        duration_ms=int(duration_min * _MS_PER_MIN),
        checkpoint_ms=checkpoint_ms,
        horizon_ms=horizon_ms,
        interval_ms=interval_ms,
    )
    if plot is not None:
        check_suffix(plot)
    scores = score(options)
    target = artifact_path("QUEUE_TRUTH.json") if out is None else out
    picture = truth_figure(scores) if plot is not None else None
    _finish(scores, target, plot=plot, picture=picture, json=json)
    if not json:
        _show_truth(scores)
        _say_where(target, plot)


@app.command(
    "stylised-facts",
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot sim stylised-facts data/research --synthetic --plot facts.svg\n\n"
        "mmbot sim stylised-facts data/research --symbol BTCUSDT --json\n\n"
        "mmbot sim stylised-facts --synthetic --regime volatile --duration-min 60"
    ),
)
def stylised_facts(
    *,
    data: Annotated[
        list[str] | None, typer.Argument(metavar="DATA...", help="Catalog directories.")
    ] = None,
    synthetic: Annotated[bool, typer.Option("--synthetic", help="Add generated markets.")] = False,
    symbol: Annotated[str | None, typer.Option("--symbol", help="Only this symbol.")] = None,
    regime: Annotated[
        list[str] | None,
        typer.Option(
            "--regime", help="Regimes to generate; repeatable.", show_default="calm volatile mixed"
        ),
    ] = None,
    seed: Seed = 42,
    duration_min: Annotated[
        float, typer.Option("--duration-min", min=0.5, help="Minutes to generate.")
    ] = 30.0,
    start_price: StartPrice = 50_000.0,
    tick_size: TickSize = "0.1",
    lot_size: LotSize = "0.001",
    out: Annotated[
        Path | None, typer.Option("--out", show_default="artifacts/STYLISED_FACTS.json")
    ] = None,
    plot: Plot = None,
    json: Json = False,
) -> None:
    """Compare stylised facts of recorded and generated markets in one table and picture."""
    if not data and not synthetic:
        raise ConfigError("E_CFG_MISSING", "DATA", "must be given, or --synthetic")
    if plot is not None:
        check_suffix(plot)
    markets = [facts for root in data or () for facts in recorded_markets(root, symbol=symbol)]
    regimes = (regime or _DEFAULT_REGIMES) if synthetic else ()
    markets += [
        generated_market(
            SyntheticOptions(
                regime=name,
                seed=seed,
                duration_sec=int(duration_min * _SEC_PER_MIN),
                start_price=start_price,
                tick_size=tick_size,
                lot_size=lot_size,
            )
        )
        for name in regimes
    ]
    target = artifact_path("STYLISED_FACTS.json") if out is None else out
    picture = figure(markets) if plot is not None else None
    _finish(report(markets), target, plot=plot, picture=picture, json=json)
    if not json:
        _show_facts(markets)
        _say_where(target, plot)


def _finish(
    content: dict[str, Any],
    target: Path,
    *,
    plot: Path | None,
    picture: Figure | None,
    json: bool,
) -> None:
    artifact = content | {"runtime": runtime_block(mode="sim")}
    write_json(target, artifact)
    if plot is not None and picture is not None:
        write_figure(plot, picture)
    if json:
        typer.echo(canonical_json(artifact).decode("ascii").rstrip())


def _show_truth(scores: dict[str, Any]) -> None:
    settings = scores["settings"]
    models = [*scores["models"], scores["truth"]]
    horizon = f"{settings['horizon_ms'] / 1000:g} s"
    queue = _table(
        f"Volume ahead and fills: {scores['probes']:,} probes, {scores['filled']:,} filled within "
        f"{horizon}, {scores['initial_lots_mean']:,.0f} lots ahead at first",
        ("error", "bias", "rmse", "precision", "recall", "delay, ms"),
    )
    chance = _table(
        f"Probability of a fill within {horizon} after {settings['checkpoint_ms']:,} ms",
        ("Brier", "log-loss", "calibration error"),
    )
    for model in models:
        exact = model["model"] == "truth"
        fills = {"precision": 1.0, "recall": 1.0} if exact else model["fills"]
        queue.add_row(
            model["label"],
            *(_number(model["queue"][key], 3) for key in _QUEUE_KEYS),
            *(_number(fills[key], 4) for key in ("precision", "recall")),
            _number(model["fill_delay_ms"], 1),
        )
        chance.add_row(
            model["label"], *(_number(model["probability"][key], 4) for key in _CHANCE_KEYS)
        )
    console = Console()
    console.print(queue)
    console.print(chance)
    base = scores["truth"]["probability"]["log_loss_base"]
    console.print(
        "Errors of the volume ahead are shares of the volume at the start, averaged over ages of "
        f"50 ms to 5 s. Log-loss without any estimate: {base:.4f}.",
        highlight=False,
    )


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("model")
    for name in columns:
        table.add_column(name, justify="right")
    return table


_CHANCE_KEYS = ("brier", "log_loss", "calibration_error")
_QUEUE_KEYS = ("mae_ratio", "bias_ratio", "rmse_ratio")


def _show_facts(markets: Sequence[MarketFacts]) -> None:
    table = Table(title="Stylised facts")
    table.add_column("fact")
    for market in markets:
        table.add_column(market.name, justify="right", overflow="fold")
    for fact in FACTS:
        values = (_number(market.numbers[fact.key], fact.digits) for market in markets)
        table.add_row(fact.label, *values)
    Console().print(table)


def _say_where(target: Path, plot: Path | None) -> None:
    typer.echo(f"{target}" + (f", {plot}" if plot is not None else ""))


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
