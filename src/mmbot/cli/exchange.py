"""`mmbot exchange serve`: a local exchange that speaks Bybit v5."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmbot.errors import ConfigError

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode="rich", no_args_is_help=True)

_DEFAULT_SYMBOLS = "BTCUSDT,ETHUSDT,SOLUSDT"

_Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
_Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")]
_Symbols = Annotated[
    str | None,
    typer.Option("--symbols", metavar="SYM,...", show_default=f"{_DEFAULT_SYMBOLS}; all of --data"),
]
_Synthetic = Annotated[
    bool, typer.Option("--synthetic", help="Generated markets (the default without --data).")
]
_Data = Annotated[
    str | None, typer.Option("--data", metavar="DIR", help="Catalog of recorded markets.")
]
_Venue = Annotated[
    str | None, typer.Option("--venue", help="Venue, when the catalog has a symbol twice.")
]
_Regime = Annotated[str, typer.Option("--regime", help="Synthetic markets, as of `mmbot run`.")]
_Speed = Annotated[str, typer.Option("--speed", metavar="1x|10x|max", help="Pace of the markets.")]
_Calibration = Annotated[
    Path | None,
    typer.Option("--calibration", metavar="FILE", help="Latencies of requests, queue model, JSON."),
]
_Faults = Annotated[
    Path | None, typer.Option("--faults", metavar="FILE", help="What goes wrong when, YAML.")
]
_Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of markets and latencies.")]
_Accounts = Annotated[int, typer.Option("--accounts", min=1, max=100, help="Number of accounts.")]
_Balance = Annotated[
    str, typer.Option("--balance", metavar="USDT", help="What each account begins with.")
]
_NoLimits = Annotated[bool, typer.Option("--no-limits", help="No rate limits.")]


@app.callback()
def _group() -> None:
    """A local exchange that speaks Bybit v5."""


@app.command(
    help=(
        "Serve synthetic or recorded markets behind Bybit's v5 REST and WebSocket protocol, so "
        "that any Bybit client trades on them unchanged. Keys and addresses are printed at the "
        "start; Ctrl-C ends it. Needs the extra: pip install 'mmbot\\[exchange]'."
    ),
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "mmbot exchange serve\n\n"
        "mmbot exchange serve --symbols BTCUSDT --speed 10x --seed 7\n\n"
        "mmbot exchange serve --data data/research --faults faults.yaml"
    ),
)
def serve(
    *,
    host: _Host = "127.0.0.1",
    port: _Port = 8091,
    symbols: _Symbols = None,
    synthetic: _Synthetic = False,
    data: _Data = None,
    venue: _Venue = None,
    regime: _Regime = "mixed",
    speed: _Speed = "1x",
    calibration: _Calibration = None,
    faults: _Faults = None,
    seed: _Seed = 42,
    accounts: _Accounts = 2,
    balance: _Balance = "100000",
    no_limits: _NoLimits = False,
) -> None:
    """Build the exchange and serve it."""
    if synthetic and data is not None:
        raise ConfigError("E_CFG_RANGE", "--synthetic", "does not go with --data")
    # What follows loads the engine and the server: `mmbot exchange serve --help` does without.
    from mmbot.cli.exchange_wire import ExchangeOptions, serve_exchange  # noqa: PLC0415

    named = symbols or (_DEFAULT_SYMBOLS if data is None else "")
    options = ExchangeOptions(
        host=host,
        port=port,
        symbols=tuple(name.strip().upper() for name in named.split(",") if name.strip()),
        data=data,
        venue=venue,
        regime=regime,
        speed=speed,
        calibration=calibration,
        faults=faults,
        seed=seed,
        accounts=accounts,
        balance=balance,
        has_limits=not no_limits,
    )
    serve_exchange(options, typer.echo)
