"""`mmbot backtest`: queue-aware backtests, rolling windows, and proof that they repeat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mmbot.cli import backtest_options as opt
from mmbot.cli.backtest_view import progress_bar, show_report, show_windows
from mmbot.cli.options import ConfigOption, ProfileOption, SetOption
from mmbot.errors import MarketDataError
from mmbot.research.backtest import run_backtest, write_reports
from mmbot.research.determinism import Command, compare_runs
from mmbot.research.fill_export import export_to
from mmbot.research.gates import evaluate
from mmbot.research.grid import load_grid
from mmbot.research.models import BacktestRequest
from mmbot.research.profiling import profiled
from mmbot.research.report_html import backtest_html
from mmbot.research.sources import check_source
from mmbot.research.walk_forward import WalkForward, run_walk_forward
from mmbot.research.windows import CatalogWindows, TickWindows, WindowSource, count_ticks
from mmbot.store.artifacts import write_json, write_text
from mmbot.store.runtime import artifact_path

__all__ = ["app"]

_GATE_FAILED = 2

app = typer.Typer(
    help="Backtests on recorded, tick or generated data.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.command(
    "run",
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot backtest run --synthetic --symbol BTCUSDT --html report.html\n\n"
        "mmbot backtest run --data data/research --symbol BTCUSDT --gate\n\n"
        "mmbot backtest run --ticks ticks.jsonl --set strategy.levels_per_side=1"
    ),
)
def run_command(
    *,
    ticks: opt.Ticks = None,
    data: opt.Data = None,
    symbol: opt.Symbols = None,
    venue: opt.Venue = None,
    synthetic: opt.UseSynthetic = False,
    synthetic_regime: opt.SyntheticRegime = opt.Regime.MIXED,
    synthetic_start_price: opt.SyntheticPrice = 50_000.0,
    synthetic_duration_min: opt.SyntheticMinutes = 60.0,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    sets: SetOption = None,
    params: opt.Params = None,
    start: opt.Start = None,
    end: opt.End = None,
    mode: opt.ModeOption = opt.Mode.QUEUE_AWARE,
    queue_model: opt.QueueOption = opt.QueueModel.POWER,
    calibration: opt.Calibration = None,
    seed: opt.Seed = 42,
    bar_minutes: opt.BarMinutes = 60,
    out: opt.ReportFile = None,
    html: opt.HtmlFile = None,
    gate: opt.GateFlag = False,
    gate_net_bps: opt.NetGate = 2.5,
    gate_taker_share_pct: opt.TakerGate = 15.0,
    gate_order_age_p95_ms: opt.AgeGate = 350.0,
    on_bad_line: opt.BadLine = opt.OnBadLine.FAIL,
    trades_out: opt.TradesFile = None,
    quotes_out: opt.QuotesFile = None,
    cprofile: opt.Profile = None,
) -> None:
    """Run the strategy over market data against the simulated exchange."""
    request = BacktestRequest(
        ticks=ticks,
        data=data,
        synthetic=opt.synthetic_of(
            wanted=synthetic,
            regime=synthetic_regime,
            start_price=synthetic_start_price,
            minutes=synthetic_duration_min,
        ),
        symbols=tuple(symbol or ()),
        venue=venue,
        config=config,
        profile=profile,
        params=params,
        sets=tuple(sets or ()),
        start_ns=opt.instant_ns(start, "--start"),
        end_ns=opt.instant_ns(end, "--end"),
        mode=mode.value,
        queue_model=queue_model.value,
        calibration=calibration,
        seed=seed,
        bar_minutes=bar_minutes,
        on_bad_line=on_bad_line.value,
        thresholds=opt.thresholds_of(gate_net_bps, gate_taker_share_pct, gate_order_age_p95_ms),
        detail=html is not None,
    )
    with profiled(cprofile):
        passed = _run(request, out, html, trades_out, quotes_out, gated=gate)
    if gate and not passed:
        raise typer.Exit(_GATE_FAILED)


def _run(
    request: BacktestRequest,
    out: Path | None,
    html: Path | None,
    trades_out: Path | None,
    quotes_out: Path | None,
    *,
    gated: bool,
) -> bool:
    """Run, then write everything; whether the gates passed."""
    with export_to(trades_out, quotes_out) as export:
        with progress_bar() as progress:
            report = run_backtest(request, progress=progress, export=export)
        page = backtest_html(report) if html is not None else ""
    paths = write_reports(report, out or artifact_path("BACKTEST_REPORT.json"))
    if html is not None:
        write_text(html, page)
    paths += [path for path in (html, trades_out, quotes_out) if path is not None]
    show_report(Console(), report, paths, gated=gated)
    return report.gates.passed


@app.command(
    "wf",
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot backtest wf --ticks ticks.jsonl --train 500 --test 200\n\n"
        "mmbot backtest wf --data data/research --symbol BTCUSDT --train-days 7 --test-hours 24 "
        "--grid grid.yaml"
    ),
)
def wf_command(
    *,
    ticks: opt.Ticks = None,
    data: opt.Data = None,
    symbol: Annotated[str | None, typer.Option("--symbol", help="Symbol.")] = None,
    venue: opt.Venue = None,
    train: Annotated[int, typer.Option(help="Ticks to train on.")] = 1000,
    test: Annotated[int, typer.Option(help="Ticks to test on.")] = 500,
    train_days: Annotated[float, typer.Option(help="Days to train on, with --data.")] = 30.0,
    test_hours: Annotated[float, typer.Option(help="Hours to test on, with --data.")] = 24.0,
    grid: opt.GridFile = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    sets: SetOption = None,
    params: opt.Params = None,
    start: opt.Start = None,
    end: opt.End = None,
    mode: opt.ModeOption = opt.Mode.QUEUE_AWARE,
    queue_model: opt.QueueOption = opt.QueueModel.POWER,
    calibration: opt.Calibration = None,
    seed: opt.Seed = 42,
    out: opt.WindowsFile = None,
    on_bad_line: opt.BadLine = opt.OnBadLine.FAIL,
    cprofile: opt.Profile = None,
) -> None:
    """Score rolling test windows, each after its own training window."""
    request = BacktestRequest(
        ticks=ticks,
        data=data,
        symbols=() if symbol is None else (symbol.upper(),),
        venue=venue,
        config=config,
        profile=profile,
        params=params,
        sets=tuple(sets or ()),
        start_ns=opt.instant_ns(start, "--start"),
        end_ns=opt.instant_ns(end, "--end"),
        mode=mode.value,
        queue_model=queue_model.value,
        calibration=calibration,
        seed=seed,
        on_bad_line=on_bad_line.value,
    )
    with profiled(cprofile):
        source = _windows(request, train=train, test=test, train_days=train_days, hours=test_hours)
        plan = WalkForward(request=request, points=load_grid(grid) if grid is not None else ())
        _walk(plan, source, out or artifact_path("BACKTEST_WF.json"))


def _windows(
    request: BacktestRequest, *, train: int, test: int, train_days: float, hours: float
) -> WindowSource:
    check_source(request)
    symbol = next(iter(request.symbols), None)
    if request.ticks is not None:
        if request.start_ns is not None or request.end_ns is not None:
            raise MarketDataError("E_BT_SOURCE", "--start", "goes with --data; ticks are counted")
        return TickWindows(
            request.ticks, train=train, test=test, symbol=symbol, on_bad_line=request.on_bad_line
        )
    assert request.data is not None
    assert symbol is not None
    return CatalogWindows(
        request.data,
        symbol=symbol,
        train_days=train_days,
        test_hours=hours,
        venue=request.venue,
        start_ns=request.start_ns,
        end_ns=request.end_ns,
    )


def _walk(plan: WalkForward, source: WindowSource, out: Path) -> None:
    with Console(stderr=True).status("walking") as status:
        report = run_walk_forward(
            plan, source, on_window=lambda count: status.update(f"{count} windows")
        )
    write_json(out, report, nonfinite="null")
    show_windows(Console(), report, out)


@app.command(
    "check",
    epilog=(
        "[bold]Example[/]\n\nmmbot backtest check --ticks tests/fixtures/ticks_small.jsonl "
        "--gate-net-bps -10"
    ),
)
def check_command(
    *,
    ticks: Annotated[Path, typer.Option("--ticks", metavar="FILE", help="Tick JSONL file.")],
    train: Annotated[
        int | None, typer.Option(help="Ticks to train on.", show_default="half of the file")
    ] = None,
    test: Annotated[
        int | None, typer.Option(help="Ticks to test on.", show_default="a quarter of the file")
    ] = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    sets: SetOption = None,
    params: opt.Params = None,
    calibration: opt.Calibration = None,
    seed: opt.Seed = 42,
    gate_net_bps: opt.NetGate = 2.5,
    gate_taker_share_pct: opt.TakerGate = 15.0,
    gate_order_age_p95_ms: opt.AgeGate = 350.0,
) -> None:
    """Run `run` and `wf` twice in fresh processes: equal bytes, canonical form, then the gates."""
    rows = count_ticks(ticks)
    shared = ["--ticks", str(ticks), "--seed", str(seed)]
    for name, value in (
        ("--config", config),
        ("--profile", profile),
        ("--params", params),
        ("--calibration", calibration),
    ):
        shared += [] if value is None else [name, str(value)]
    for assignment in sets or ():
        shared += ["--set", assignment]
    lengths = ["--train", str(train or max(1, rows // 2)), "--test", str(test or max(1, rows // 4))]
    run = Command(
        arguments=["backtest", "run", *shared],
        outputs=["BACKTEST_REPORT.json", "BACKTEST_REPORT.md"],
    )
    walk = Command(
        arguments=["backtest", "wf", *shared, *lengths],
        outputs=["BACKTEST_WF.json"],
    )
    with Console(stderr=True).status("running everything twice"):
        contents = compare_runs([run, walk])
    limits = opt.thresholds_of(gate_net_bps, gate_taker_share_pct, gate_order_age_p95_ms)
    gates = evaluate(json.loads(contents["BACKTEST_REPORT.json"]), limits)
    typer.echo(f"| backtest_check | DETERMINISTIC | files={len(contents)} runs=2 |")
    for reason in gates.reasons:
        typer.echo(f"| backtest_check | GATE | {reason} |")
    if not gates.passed:
        raise typer.Exit(_GATE_FAILED)
