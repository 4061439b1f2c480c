"""`mmbot edge`: where the money comes from and goes to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from mmbot.cli.edge_sentinel import app as sentinel_app
from mmbot.errors import ConfigError
from mmbot.research.edge_audit import AuditInput, AuditOptions, audit
from mmbot.research.edge_lines import read_actions, read_quotes, read_trades
from mmbot.research.edge_report import edge_table_rows, write_edge_report
from mmbot.store.runtime import artifact_path
from mmbot.units import NS_PER_DAY, parse_utc_ns

__all__ = ["app"]

app = typer.Typer(
    help="Where the money comes from and goes to.", no_args_is_help=True, rich_markup_mode="rich"
)


app.add_typer(sentinel_app, name="sentinel")


@app.command(
    "audit",
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot edge audit --trades trades.jsonl --quotes quotes.jsonl\n\n"
        "mmbot edge audit --trades trades.jsonl --quotes quotes.jsonl --day 2024-08-09 "
        "--bucket-min 15"
    ),
)
def audit_command(
    *,
    trades: Annotated[Path, typer.Option(metavar="FILE", help="Own fills, JSON lines.")],
    quotes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Best quotes of the market, JSON lines.")
    ] = None,
    actions: Annotated[
        Path | None, typer.Option("--audit", metavar="FILE", help="Order-action log, for ratios.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", metavar="UTC", help="First instant.")] = (
        None
    ),
    end: Annotated[
        str | None, typer.Option("--to", metavar="UTC", help="First instant left out.")
    ] = None,
    day: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="One day instead of --from, --to.")
    ] = None,
    bucket_min: Annotated[
        int | None, typer.Option(min=1, max=1440, help="Buckets of this many minutes.")
    ] = None,
    horizon_ms: Annotated[int, typer.Option(min=1, help="Adverse selection after, ms.")] = 1000,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", show_default="artifacts/EDGE_REPORT.json")
    ] = None,
) -> None:
    """Decompose the result of own fills into gross edge and costs, from recorded trades."""
    options = _options(start, end, day, bucket_min=bucket_min, horizon_ms=horizon_ms)
    fills, rejected = read_trades(trades)
    mids, bad_quotes = read_quotes(quotes) if quotes is not None else ([], 0)
    counts, bad_actions = read_actions(actions) if actions is not None else ({}, 0)
    report = audit(
        AuditInput(
            trades=fills,
            quotes=mids,
            actions=counts,
            rejected_lines=rejected + bad_quotes + bad_actions,
        ),
        options,
    )
    name = "EDGE_REPORT.json" if bucket_min is None else "EDGE_REPORT_DAY.json"
    paths = write_edge_report(report, out or artifact_path(name))
    _show(report, paths)


def _options(
    start: str | None, end: str | None, day: str | None, *, bucket_min: int | None, horizon_ms: int
) -> AuditOptions:
    if day is not None and (start is not None or end is not None):
        raise ConfigError("E_CFG_CONFLICT", "--day", "and --from, --to exclude each other")
    first = day or start
    from_ns = parse_utc_ns(first, key="--from") if first else None
    to_ns = parse_utc_ns(end, key="--to") if end else None
    if day is not None and from_ns is not None:
        from_ns -= from_ns % NS_PER_DAY
        to_ns = from_ns + NS_PER_DAY
    if from_ns is not None and to_ns is not None and from_ns >= to_ns:
        raise ConfigError("E_BT_BAD_RANGE", f"from={start} to={end}", "is empty or reversed")
    return AuditOptions(from_ns=from_ns, to_ns=to_ns, horizon_ms=horizon_ms, bucket_min=bucket_min)


def _show(report: dict[str, object], paths: list[Path]) -> None:
    console = Console()
    header, *rows = edge_table_rows(report)
    table = Table(title="edge, bps of turnover", title_justify="left", box=box.SIMPLE_HEAD)
    for name in header:
        short = name.removesuffix("_bps").removesuffix("_eff").replace("_", " ")
        is_symbol = name == "symbol"
        table.add_column(short, justify="left" if is_symbol else "right", no_wrap=is_symbol)
    for symbol, *numbers, fills, turnover in rows:
        short_numbers = (f"{float(number):.3f}" for number in numbers)
        table.add_row(symbol, *short_numbers, fills, f"{float(turnover):,.0f}")
    console.print(table)
    if report["rejected_lines"]:
        console.print(f"{report['rejected_lines']} lines rejected", highlight=False)
    for path in paths:
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)
