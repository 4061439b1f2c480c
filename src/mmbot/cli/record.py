"""`mmbot record`: a market into the catalog, without trading in it."""

from __future__ import annotations

from collections.abc import Sequence
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
    str | None,
    typer.Option(
        "--venue", help="Without --data: connect to this venue. With it: which one of the catalog."
    ),
]
_Endpoint = Annotated[
    str | None,
    typer.Option(
        "--endpoint",
        metavar="NAME|URL",
        help="Of --venue: mainnet, testnet, demo, or http[s]://host:port.",
        show_default="as configured",
    ),
]
_Depth = Annotated[int, typer.Option("--depth", help="Levels a side that --venue is asked for.")]
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
        "mmbot record --data captures --symbol BTCUSDT --set recorder.data_dir=data/copy\n\n"
        "mmbot record --venue bybit --endpoint mainnet --symbol BTCUSDT --symbol ETHUSDT"
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
    endpoint: _Endpoint = None,
    depth: _Depth = 50,
    regime: _Regime = "mixed",
    seed: _Seed = 42,
    speed: _Speed = None,
) -> None:
    """Record until the end and say what was written."""
    is_live = venue is not None and data is None
    if not is_live and mode in {"live", "shadow"}:
        raise ConfigError("E_CFG_RANGE", "--mode", f"{mode} needs a venue: --venue bybit")
    if not is_live and mode not in {"paper", "sim"}:
        raise ConfigError("E_CFG_RANGE", "--mode", "must be one of paper, sim")
    if not is_live and endpoint is not None:
        raise ConfigError("E_CFG_CONFLICT", "--endpoint", "goes with --venue, without --data")
    # What follows loads the engine and numpy: `mmbot record --help` does without.
    from mmbot.cli.markets import MarketChoice  # noqa: PLC0415
    from mmbot.cli.record_session import RecordOptions, record_market  # noqa: PLC0415
    from mmbot.config import ConfigRequest  # noqa: PLC0415

    request = ConfigRequest(
        path=config,
        profile=profile,
        sets=tuple(sets or ()),
        symbols=tuple(symbol or ()),
        mode="paper" if is_live else mode,
    )
    duration_ns = None if duration_sec is None else round(duration_sec * NS_PER_SEC)
    if is_live:
        assert venue is not None
        from mmbot.cli.record_venue import VenueOptions, record_venue  # noqa: PLC0415

        wanted = VenueOptions(
            request=request, venue=venue, endpoint=endpoint, depth=depth, duration_ns=duration_ns
        )
        _say(record_venue(wanted, _log))
        return
    options = RecordOptions(
        request=request,
        choice=MarketChoice(data=data, venue=venue, regime=regime, seed=seed),
        speed=speed or ("max" if mode == "sim" else "10x"),
        duration_ns=duration_ns,
    )
    _say(record_market(options, _log))


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        typer.echo(line)


def _log(line: str) -> None:
    typer.echo(line, err=True)
