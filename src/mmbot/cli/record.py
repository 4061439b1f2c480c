"""`mmbot record`: a market into the catalog, without trading in it."""

from __future__ import annotations

from typing import Annotated

import typer

from mmbot.cli.options import ConfigOption, ProfileOption, SetOption, SymbolOption
from mmbot.errors import ConfigError
from mmbot.units import NS_PER_SEC

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode="rich")

_Seconds = Annotated[
    float | None,
    typer.Option("--duration-sec", min=0.001, help="Market time in seconds; else without end."),
]
_Mode = Annotated[
    str,
    typer.Option("--mode", envvar="MM_MODE", metavar="paper|sim", help="As of `mmbot run`."),
]
_Data = Annotated[
    str | None,
    typer.Option("--data", metavar="DIR", help="Copy from this catalog; else a synthetic market."),
]
_Venue = Annotated[
    str | None, typer.Option("--venue", help="Venue, when the catalog has the symbol twice.")
]
_Regime = Annotated[str, typer.Option("--regime", help="Synthetic market, as of `mmbot run`.")]
_Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the synthetic market.")]
_Speed = Annotated[
    str | None,
    typer.Option("--speed", metavar="1x|10x|max", show_default="10x, in mode sim max"),
]


@app.command(
    help=(
        "Run feed and recorder without the engine: rows go to `recorder.data_dir` until the data "
        "end, the time is over, or Ctrl-C."
    ),
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "mmbot record --symbol BTCUSDT --duration-sec 3600 --speed max\n\n"
        "mmbot record --data captures --symbol BTCUSDT --set recorder.data_dir=data/copy"
    ),
)
def record(
    *,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    sets: SetOption = None,
    symbol: SymbolOption = None,
    duration_sec: _Seconds = None,
    mode: _Mode = "paper",
    data: _Data = None,
    venue: _Venue = None,
    regime: _Regime = "mixed",
    seed: _Seed = 42,
    speed: _Speed = None,
) -> None:
    """Record until the end and say what was written."""
    if mode in {"live", "shadow"}:
        raise ConfigError(
            "E_CFG_RANGE", "--mode", f"{mode} needs a venue; this version connects to none"
        )
    if mode not in {"paper", "sim"}:
        raise ConfigError("E_CFG_RANGE", "--mode", "must be one of paper, sim")
    # What follows loads the engine and numpy: `mmbot record --help` does without.
    from mmbot.cli.markets import MarketChoice  # noqa: PLC0415
    from mmbot.cli.record_session import RecordOptions, record_market  # noqa: PLC0415
    from mmbot.config import ConfigRequest  # noqa: PLC0415

    request = ConfigRequest(
        path=config, profile=profile, sets=tuple(sets or ()), symbols=tuple(symbol or ()), mode=mode
    )
    options = RecordOptions(
        request=request,
        choice=MarketChoice(data=data, venue=venue, regime=regime, seed=seed),
        speed=speed or ("max" if mode == "sim" else "10x"),
        duration_ns=None if duration_sec is None else round(duration_sec * NS_PER_SEC),
    )
    for line in record_market(options, lambda line: typer.echo(line, err=True)):
        typer.echo(line)
