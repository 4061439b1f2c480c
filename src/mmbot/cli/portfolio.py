"""`mmbot portfolio`: how the budget is spread over symbols, and where the fee tier stands."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from mmbot.cli.options import ConfigOption, SetOption
from mmbot.config.app import AppConfig
from mmbot.config.loader import ConfigRequest, load_config
from mmbot.errors import ConfigError
from mmbot.portfolio import (
    Allocation,
    AllocatorInputs,
    AllocatorSettings,
    AllocatorState,
    Preview,
    SymbolInputs,
    preview,
    preview_text,
    tick,
)
from mmbot.portfolio.fees import fee_line, fee_status
from mmbot.portfolio.preview import DEMO_VOLAS, DEMO_WEIGHTS
from mmbot.research.charts import Columns, Figure, Rows, check_suffix, write_figure

__all__ = ["app", "figure"]

# A picture has room for so many names.
_NAMED: Final = 12

app = typer.Typer(
    help="Preview the allocation of the budget; show the fee tier.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.command(
    "preview",
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot portfolio preview --mode risk_parity --budget-usd 25000\n\n"
        "mmbot portfolio preview --vol BTCUSDT=0.02 --vol ETHUSDT=0.03 --plot weights.png"
    ),
)
def preview_command(
    *,
    mode: Annotated[
        str | None, typer.Option("--mode", help="manual, inverse_vol or risk_parity.")
    ] = None,
    budget_usd: Annotated[float | None, typer.Option("--budget-usd", help="Budget, USD.")] = None,
    alpha: Annotated[float | None, typer.Option("--alpha", help="Smoothing of weights.")] = None,
    min_weight: Annotated[float | None, typer.Option("--min-weight", help="Least weight.")] = None,
    max_weight: Annotated[
        float | None, typer.Option("--max-weight", help="Largest weight.")
    ] = None,
    config: ConfigOption = None,
    sets: SetOption = None,
    vol: Annotated[
        list[str] | None,
        typer.Option(
            "--vol",
            metavar="SYM=V",
            help="Volatility of a symbol; repeatable. Without one, a demonstration set: "
            "recorded volatilities are not read yet.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="Picture: .png or .svg."),
    ] = None,
) -> None:
    """Show weights, base targets and levels, without attenuation by cost or fills."""
    if plot is not None:
        check_suffix(plot)
    said = {
        "mode": mode,
        "budget_usd": budget_usd,
        "ema_alpha": alpha,
        "min_weight": min_weight,
        "max_weight": max_weight,
    }
    own = [f"portfolio.{name}={value}" for name, value in said.items() if value is not None]
    settings = _load(config, [*(sets or []), *own])
    portfolio = settings.portfolio
    volas = _parse_volas(vol or [])
    source: Literal["option", "demo"] = "option" if volas else "demo"
    if not volas:
        volas = dict(DEMO_VOLAS)
        if portfolio.mode == "manual" and not portfolio.manual_weights:
            portfolio = portfolio.model_copy(update={"manual_weights": DEMO_WEIGHTS})
    view = preview(portfolio, volas, source=source)
    for warning in view.warnings:
        typer.echo(warning, err=True)
    typer.echo(preview_text(view), nl=False)
    if plot is not None:
        write_figure(plot, figure(view, _allocation(settings, view)))
        typer.echo(f"plot {plot}", err=True)


@app.command(
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot portfolio fees --turnover-usd 980000\n\n"
        "mmbot portfolio fees --turnover-usd 980000 --maker-share 0.8"
    ),
)
def fees(
    *,
    turnover_usd: Annotated[
        float, typer.Option("--turnover-usd", min=0, help="Turnover of the last 30 days, USD.")
    ] = 0.0,
    maker_share: Annotated[
        float, typer.Option("--maker-share", min=0, max=1, help="Maker share of notional, 24 h.")
    ] = 1.0,
    config: ConfigOption = None,
    sets: SetOption = None,
) -> None:
    """Show the fee tier, the fee paid, and whether a tilt towards the next tier is worth it."""
    tiers = _load(config, sets or []).fees.bybit
    typer.echo(fee_line(fee_status(tiers, turnover_30d_usd=turnover_usd, maker_share=maker_share)))


def _load(config: Path | None, sets: Sequence[str]) -> AppConfig:
    return load_config(ConfigRequest(path=config, sets=sets)).config


def _parse_volas(texts: Sequence[str]) -> dict[str, float]:
    volas: dict[str, float] = {}
    for text in texts:
        symbol, _, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not symbol or not math.isfinite(number) or number < 0:
            raise ConfigError("E_CFG_TYPE", f"--vol {text}", "must be SYMBOL=VOLATILITY")
        volas[symbol] = number
    return volas


def _allocation(settings: AppConfig, view: Preview) -> Allocation:
    """One tick in which nothing but configuration and volatility is known."""
    inputs = AllocatorInputs(
        now_sec=0.0,
        symbols={row.symbol: SymbolInputs(vola=row.vola) for row in view.rows},
    )
    allocator = AllocatorSettings(
        portfolio=view.config,
        smoothing=settings.allocator.smoothing,
        fees=settings.fees,
        signals=settings.signals,
    )
    return tick(allocator, AllocatorState(), inputs).allocation


def figure(view: Preview, allocation: Allocation) -> Figure:
    """Weights, shares of risk, what each stage cuts and what it leaves, by symbol."""
    named = [row.symbol for row in view.rows[:_NAMED]]
    rest = [row.symbol for row in view.rows[_NAMED:]]
    groups = [(name, [name]) for name in named]
    if rest:
        groups.append((f"others ({len(rest)})", rest))

    def summed(values: dict[str, float]) -> list[tuple[str, float]]:
        return [(name, math.fsum(values[one] for one in group)) for name, group in groups]

    places = {symbol: at for at, symbol in enumerate(allocation.symbols)}
    stages = allocation.stages[1:]
    left = [
        (name, [math.fsum(stage.targets_usd[places[one]] for one in group) for stage in stages])
        for name, group in groups
    ]
    cuts = [(name, [a - b for a, b in itertools.pairwise(usd)]) for name, usd in left]
    names = [stage.name for stage in stages]
    return Figure(
        title=f"Allocation, {view.config.mode}, {view.config.budget_usd:,.0f} USD",
        panels=(
            Rows("Weight", summed({row.symbol: row.weight for row in view.rows}), _percent),
            Rows(
                "Share of risk", summed({row.symbol: row.risk_share for row in view.rows}), _percent
            ),
            Columns("Cut by each stage, USD", names[1:], cuts),
            Columns("Target after each stage, USD", names, left, stacked=True),
        ),
    )


def _percent(value: float) -> str:
    return f"{value:.1%}"
