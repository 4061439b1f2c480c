"""`mmbot data`: import, list, describe, check, generate and export market data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

from mmbot.cli import data_tables, summaries
from mmbot.cli.options import JsonOption
from mmbot.cli.progress import byte_bar, progress
from mmbot.errors import ConfigError, MarketDataError
from mmbot.market.catalog import read_info
from mmbot.market.export import export_ticks
from mmbot.market.generate import GenerateOptions, generate_market
from mmbot.market.importers.job import ImportOptions, import_files
from mmbot.market.importers.registry import FORMATS
from mmbot.market.stats import symbol_stats
from mmbot.market.verify import verify_catalog
from mmbot.store.canonical import canonical_json
from mmbot.units import format_duration, parse_duration_ns, parse_utc_ns

__all__ = ["app"]

DEFAULT_CATALOG = Path("data/research")

app = typer.Typer(
    help="Market data catalog: import, list, describe, check, generate, export.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

app.add_typer(summaries.app, name="summaries")

Out = Annotated[str, typer.Option("--out", help="Catalog directory or fsspec URL.")]
Data = Annotated[str, typer.Option("--data", help="Catalog directory or fsspec URL.")]
Venue = Annotated[str | None, typer.Option("--venue", help="Only needed if several have it.")]


class Regime(StrEnum):
    """Regimes of the market generator."""

    CALM = "calm"
    VOLATILE = "volatile"
    SPIKE = "spike"
    FLASH_CRASH = "flash_crash"
    LIQUIDITY_GAP = "liquidity_gap"
    MIXED = "mixed"


@app.command(
    "import",
    help=(
        "Import raw venue captures into the catalog.\n\n"
        "The format is told by the content; files of one recording may be given in any order. "
        "Bad rows go to OUT/quarantine with their reason. An interrupted import goes on where it "
        "stopped, a finished file is skipped.\n\n"
        f"Formats: {', '.join(f.name for f in FORMATS)}"
    ),
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot data import BYBIT.jsonl.zst --venue bybit-linear --symbol BTCUSDT\n\n"
        "mmbot data import btcusdt_20240808.gz btcusdt_20240809.gz --out data/research --json\n\n"
        "mmbot data import 2024-12-01_XRPUSDT_ob500.data.zip XRPUSDT2024-12-01.csv.gz "
        "--tick-size 0.0001 --lot-size 1"
    ),
)
def import_command(
    files: Annotated[list[str], typer.Argument(help="Raw files: plain, .gz, .zst or .zip.")],
    *,
    venue: Annotated[
        str | None,
        typer.Option(
            help="Venue of the rows: chooses in a capture, names a file that does not say."
        ),
    ] = None,
    symbol: Annotated[
        list[str] | None, typer.Option(help="Symbol to import; repeat for more. Default: all.")
    ] = None,
    format_name: Annotated[
        str | None, typer.Option("--format", help="Format, if the content does not tell.")
    ] = None,
    out: Out = str(DEFAULT_CATALOG),
    tick_size: Annotated[str | None, typer.Option(help="Price step, such as 0.1.")] = None,
    lot_size: Annotated[str | None, typer.Option(help="Size step, such as 0.001.")] = None,
    keep_recv: Annotated[
        bool, typer.Option("--keep-recv", help="Do not correct a recorder clock that ran behind.")
    ] = False,
    accept_truncated: Annotated[
        bool, typer.Option("--accept-truncated", help="Take what a cut file still holds.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """See the decorator: the help names the formats."""
    options = ImportOptions(
        out=out,
        venue=venue,
        symbols=tuple(symbol or ()),
        format=format_name,
        tick_size=tick_size,
        lot_size=lot_size,
        keep_recv=keep_recv,
        accept_truncated=accept_truncated,
    )
    with byte_bar() as bar:
        report = import_files(files, options, bar)
    if as_json:
        _echo(report.as_json())
    else:
        data_tables.show_import(Console(), report)
    for file in report.files:
        for line in file.first_errors:
            typer.echo(line, err=True)


@app.command("ls", epilog="[bold]Example[/]\n\nmmbot data ls data/research")
def list_command(
    folder: Annotated[str | None, typer.Argument(help="Catalog, instead of --data.")] = None,
    *,
    data: Data = str(DEFAULT_CATALOG),
    as_json: JsonOption = False,
) -> None:
    """List what the catalog holds: venue, symbol, streams, days, rows, span, bytes."""
    data = folder or data
    infos = read_info(data)
    if as_json:
        _echo([data_tables.info_json(info) for info in infos])
    else:
        data_tables.show_list(Console(), infos, data)


@app.command(
    "info",
    epilog="[bold]Example[/]\n\nmmbot data info BTCUSDT --venue binance-usdm --data data/research",
)
def info_command(
    symbol: Annotated[str, typer.Argument(help="Symbol, such as BTCUSDT.")],
    data: Data = str(DEFAULT_CATALOG),
    venue: Venue = None,
    as_json: JsonOption = False,
) -> None:
    """Describe a symbol: schema, grid, rows, spreads, trades, gaps, feed latency."""
    with Console(stderr=True).status(f"reading {symbol}"):
        stats = symbol_stats(data, symbol=symbol.upper(), venue=venue)
    if as_json:
        _echo(data_tables.stats_json(stats))
    else:
        data_tables.show_stats(Console(), stats)


@app.command("verify", epilog="[bold]Example[/]\n\nmmbot data verify --data data/research")
def verify_command(
    symbol: Annotated[str | None, typer.Argument(help="Symbol; all if left out.")] = None,
    data: Data = str(DEFAULT_CATALOG),
    venue: Venue = None,
    as_json: JsonOption = False,
) -> None:
    """Check order, checksums, sums and sizes, and replay every book; exit 1 on damage."""
    infos = [symbol.upper()] if symbol else [None]
    with byte_bar() as bar:
        bar.begin("verify", 0)
        report = verify_catalog(data, symbol=infos[0], venue=venue, on_bytes=bar.advance)
    if as_json:
        _echo({**asdict(report), "ok": report.ok})
    else:
        data_tables.show_verify(Console(), report)
    for finding in report.findings:
        typer.echo(finding.line(), err=True)
    if not report.ok:
        raise typer.Exit(1)


@app.command(
    "generate",
    epilog=(
        "[bold]Example[/]\n\n"
        "mmbot data generate --symbol SIMUSDT --regime mixed --duration 1h --seed 7 --out data/sim"
    ),
)
def generate_command(
    *,
    symbol: Annotated[str, typer.Option(help="Name of the symbol.")] = "SIMUSDT",
    regime: Annotated[Regime, typer.Option(help="Kind of market.")] = Regime.MIXED,
    duration: Annotated[str, typer.Option(help="Length, such as 30m or 2h.")] = "1h",
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 42,
    start_price: Annotated[float, typer.Option(help="First mid price.")] = 50_000.0,
    tick_size: Annotated[str, typer.Option(help="Price step.")] = "0.1",
    lot_size: Annotated[str, typer.Option(help="Size step.")] = "0.001",
    levels: Annotated[int, typer.Option(min=1, max=500, help="Levels a side published.")] = 50,
    start: Annotated[str, typer.Option(help="First instant, UTC.")] = "2024-01-01T00:00:00Z",
    out: Out = str(DEFAULT_CATALOG),
    as_json: JsonOption = False,
) -> None:
    """Generate a synthetic market, labelled so in the files."""
    options = GenerateOptions(
        symbol=symbol.upper(),
        regime=regime.value,
        duration_ns=parse_duration_ns(duration, key="duration"),
        seed=seed,
        start_price=start_price,
        tick_size=tick_size,
        lot_size=lot_size,
        start_ts_ns=parse_utc_ns(start, key="start"),
        levels=levels,
    )
    if not options.duration_ns:
        raise ConfigError("E_CFG_RANGE", "duration", "must be longer than 0s")
    with _time_bar(options.duration_ns) as on_ns:
        info = generate_market(out, options, on_ns)
    if as_json:
        _echo(data_tables.info_json(info))
    else:
        data_tables.show_list(Console(), [info], out)


@app.command(
    "export-ticks",
    epilog=(
        "[bold]Example[/]\n\n"
        "mmbot data export-ticks --symbol BTCUSDT --from 2024-08-09T00:00:00Z --out ticks.jsonl"
    ),
)
def export_ticks_command(
    *,
    symbol: Annotated[str, typer.Option(help="Symbol to export.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
    data: Data = str(DEFAULT_CATALOG),
    venue: Venue = None,
    start: Annotated[str | None, typer.Option("--from", help="First instant, UTC.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="First instant left out, UTC.")] = None,
) -> None:
    """Export tick JSONL: a line per change of the best quotes, with the prints since then."""
    start_ns = None if start is None else parse_utc_ns(start, key="from")
    end_ns = None if end is None else parse_utc_ns(end, key="to")
    if start_ns is not None and end_ns is not None and start_ns >= end_ns:
        raise MarketDataError("E_BT_BAD_RANGE", f"from={start} to={end}", "is empty or reversed")
    lines = export_ticks(
        data, out, symbol=symbol.upper(), venue=venue, start_ns=start_ns, end_ns=end_ns
    )
    typer.echo(f"{lines} lines written to {out}")


@contextmanager
def _time_bar(duration_ns: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("generate {task.fields[done]}"), BarColumn(), TimeRemainingColumn())
    with progress(*columns) as bar:
        task = bar.add_task("generate", total=duration_ns, done="0s")

        def on_ns(done_ns: int) -> None:
            whole = done_ns // 1_000_000_000 * 1_000_000_000
            bar.update(task, completed=done_ns, done=format_duration(whole))

        yield on_ns


def _echo(value: object) -> None:
    typer.echo(canonical_json(value, nonfinite="null").decode("ascii"), nl=False)
