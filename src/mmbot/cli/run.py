"""`mmbot run`: one trading session, from the first quote to the report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mmbot.cli.options import ConfigOption, ProfileOption, SetOption, SymbolOption
from mmbot.cli.run_options import RunOptions
from mmbot.errors import ConfigError
from mmbot.units import parse_duration_ns

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode="rich")

_MODES = ("paper", "sim", "shadow", "live")
_AT_A_VENUE = ("shadow", "live")

_Mode = Annotated[
    str,
    typer.Option(
        "--mode",
        envvar="MM_MODE",
        metavar="paper|sim|shadow|live",
        help=(
            "paper follows the wall clock, with --venue on the market of a venue; sim runs as fast "
            "as it can; shadow is live trading with virtual orders, live trades with money."
        ),
    ),
]
_Data = Annotated[
    str | None,
    typer.Option("--data", metavar="DIR", help="Catalog of recorded data; else synthetic."),
]
_Venue = Annotated[
    str | None,
    typer.Option(
        "--venue", help="Whose market, or where to trade; with --data which of a catalog is meant."
    ),
]
_Endpoint = Annotated[
    str | None,
    typer.Option(
        "--endpoint",
        metavar="URL",
        help="Another address of the venue, such as that of `mmbot exchange serve`.",
    ),
]
_Understood = Annotated[
    bool,
    typer.Option("--i-understand-live", help="Mode live: yes, trade with money."),
]
_Regime = Annotated[
    str,
    typer.Option(
        "--regime",
        help="Synthetic market: calm, volatile, spike, flash_crash, liquidity_gap or mixed.",
    ),
]
_Speed = Annotated[
    str | None,
    typer.Option(
        "--speed", metavar="1x|10x|max", show_default="10x, in mode sim max, on a venue's market 1x"
    ),
]
_Duration = Annotated[
    str | None,
    typer.Option("--duration", metavar="TIME", help="Market time: 30s, 5m; else without end."),
]
_Headless = Annotated[bool, typer.Option("--headless", help="No screen: one line a second.")]
_Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of market, exchange and strategy.")]
_Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Where reports go.", show_default="artifacts"),
]
_Calibration = Annotated[
    Path | None,
    typer.Option("--calibration", metavar="FILE", help="Latencies and frictions, JSON."),
]
_Strategy = Annotated[
    str | None,
    typer.Option("--strategy", metavar="FILE.py:CLASS", help="A strategy in Python."),
]
_NoRecord = Annotated[
    bool, typer.Option("--no-record", help="Leave no market data, rows or hourly summaries behind.")
]
_Picture = Annotated[
    Path | None,
    typer.Option("--picture", metavar="FILE.svg", help="Keep the last frame of the screen."),
]

_NoJournal = Annotated[
    bool,
    typer.Option("--no-journal", help="Write no journal: no replay, no `mmbot why`, no SQL."),
]
_NoStore = Annotated[
    bool, typer.Option("--no-store", help="Leave SQL alone; `mmbot db ship` can do it later.")
]
_Host = Annotated[
    str,
    typer.Option(
        "--host",
        envvar="MM_BIND_HOST",
        metavar="ADDRESS",
        help="Modes shadow and live: where /healthz, /readyz and /metrics are served.",
    ),
]
_ThrottlePath = Annotated[
    Path | None,
    typer.Option(
        "--throttle-snapshot-path",
        metavar="FILE",
        help="Request windows, loaded at the start and kept for the next session.",
        show_default="artifacts/throttle_snapshot.json",
    ),
]
_ThrottleInterval = Annotated[
    float,
    typer.Option(
        "--throttle-snapshot-interval-seconds", min=1, max=3600, help="How often they are written."
    ),
]


@app.command(
    help=(
        "Trade against the simulated exchange, on the embedded market, on recorded data or on a "
        "venue's market of now; several symbols share one session, its budget and its guards. "
        "Ctrl-C cancels the orders, closes the books and writes the report."
    ),
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "mmbot run\n\n"
        "mmbot run --speed max --duration 1h --headless --seed 7\n\n"
        "mmbot run --data data/research --symbol BTCUSDT --profile S1\n\n"
        "mmbot run --venue bybit --symbol BTCUSDT\n\n"
        "mmbot run --symbol BTCUSDT --symbol ETHUSDT --symbol SOLUSDT\n\n"
        "mmbot run --set strategy.levels_per_side=1 --set base_spread_bps=2\n\n"
        "mmbot run --strategy examples/spread_quoter.py:SpreadQuoter\n\n"
        "mmbot run --mode live --venue bybit --endpoint http://127.0.0.1:8091 --i-understand-live"
    ),
)
def run(
    *,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    sets: SetOption = None,
    symbol: SymbolOption = None,
    mode: _Mode = "paper",
    data: _Data = None,
    venue: _Venue = None,
    regime: _Regime = "mixed",
    speed: _Speed = None,
    duration: _Duration = None,
    headless: _Headless = False,
    seed: _Seed = 42,
    out: _Out = None,
    calibration: _Calibration = None,
    strategy: _Strategy = None,
    picture: _Picture = None,
    no_record: _NoRecord = False,
    no_journal: _NoJournal = False,
    throttle_snapshot_path: _ThrottlePath = None,
    throttle_snapshot_interval_seconds: _ThrottleInterval = 30.0,
    endpoint: _Endpoint = None,
    i_understand_live: _Understood = False,
    no_store: _NoStore = False,
    host: _Host = "127.0.0.1",
) -> None:
    """Build the session and run it."""
    _check_mode(mode)
    duration_ns = None if duration is None else parse_duration_ns(duration, key="--duration")
    pace = speed or ("max" if mode == "sim" else "10x")
    options = RunOptions(
        config=config,
        profile=profile,
        sets=tuple(sets or ()),
        symbols=tuple(symbol or ()),
        mode=mode,
        data=data,
        venue=venue,
        regime=regime,
        speed=pace,
        duration_ns=duration_ns,
        headless=headless,
        seed=seed,
        out=out,
        calibration=calibration,
        strategy=strategy,
        picture=picture,
        record=not no_record,
        journal=not no_journal,
        throttle_snapshots=(throttle_snapshot_path, throttle_snapshot_interval_seconds),
        store=not no_store,
        endpoint=endpoint,
    )
    if options.follows:
        options = replace(options, speed=_speed_of_now(speed))
    if mode in _AT_A_VENUE:
        from mmbot.cli import live_wire  # noqa: PLC0415 -- the venue's libraries

        code = live_wire.run_at_venue(options, endpoint, is_confirmed=i_understand_live, host=host)
        raise typer.Exit(code)
    from mmbot.cli import wire  # noqa: PLC0415 -- `--help` does without the engine

    raise typer.Exit(wire.run_session(options))


def _speed_of_now(speed: str | None) -> str:
    """A market that is followed has the speed that it has."""
    if speed not in {None, "1x"}:
        raise ConfigError("E_CFG_CONFLICT", "--speed", "a venue's market has no other than 1x")
    return "1x"


def _check_mode(mode: str) -> None:
    if mode not in _MODES:
        raise ConfigError("E_CFG_RANGE", "--mode", f"must be one of {', '.join(_MODES)}")
