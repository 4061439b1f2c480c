"""How `mmbot data` shows what it found: tables for people, plain objects for `--json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from mmbot.market.catalog import SymbolInfo
from mmbot.market.importers.report import ImportReport, SeriesReport
from mmbot.market.schema import SCHEMAS
from mmbot.market.stats import SymbolStats
from mmbot.market.verify import VerifyReport
from mmbot.units import (
    NS_PER_DAY,
    NS_PER_HOUR,
    NS_PER_MIN,
    NS_PER_SEC,
    format_duration,
    format_utc_ns,
)

__all__ = [
    "info_json",
    "listing",
    "show_import",
    "show_list",
    "show_stats",
    "show_verify",
    "size_text",
    "stats_json",
]

_KIB = 1024


def show_import(console: Console, report: ImportReport) -> None:
    """One row a symbol, the sums, then what needs a word."""
    table = listing(f"Imported into {report.out}", "symbol")
    for name in ("book rows", "trades", "span", "gaps", "crossed", "dups", "late"):
        table.add_column(name, justify="right", no_wrap=True)
    for series in report.series:
        table.add_row(
            f"{series.venue}/{series.symbol}",
            f"{series.rows_book:,}",
            f"{series.rows_trades:,}",
            _span(series),
            f"{series.gaps:,}",
            f"{series.crossed:,}",
            f"{series.duplicates:,}",
            f"{series.out_of_order:,}",
        )
    console.print(table)
    totals = report.totals
    sums = (
        f"{totals['files']} files, {totals['skipped']} of them imported before; "
        f"{totals['rows']:,} rows, {totals['quarantined']:,} quarantined; "
        f"{size_text(totals['bytes_in'])} in, {size_text(totals['bytes_out'])} out"
    )
    for line in (sums, *_notes(report)):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def show_list(console: Console, infos: Sequence[SymbolInfo], data: str) -> None:
    """One row a symbol."""
    if not infos:
        console.print(
            f"{data} is empty; fill it with `mmbot data import` or `mmbot data generate`",
            markup=False,
        )
        return
    table = listing(f"Catalog {data}", "symbol")
    for name in ("book rows", "trades", "days", "span", "size"):
        table.add_column(name, justify="right", no_wrap=True)
    for info in infos:
        days = sorted({day for stream in info.streams.values() for day in stream.days})
        rows = {name: f"{stream.rows:,}" for name, stream in info.streams.items()}
        table.add_row(
            f"{info.venue}/{info.symbol}",
            rows.get("book", "-"),
            rows.get("trades", "-"),
            days[0] if len(days) == 1 else f"{days[0]} +{len(days) - 1}",
            _length(info.last_ts_ns - info.first_ts_ns),
            size_text(info.size_bytes),
        )
    console.print(table)
    made = [f"{info.venue}/{info.symbol}" for info in infos if info.synthetic]
    if made:
        console.print(f"generated, not recorded: {', '.join(made)}", highlight=False, markup=False)


def show_stats(console: Console, stats: SymbolStats) -> None:
    """Facts, quantiles, schema."""
    info = stats.info
    facts = Table(title=f"{info.venue} {info.symbol}", show_header=False)
    facts.add_column("fact")
    facts.add_column("value", justify="right")
    for name, value in _facts(stats).items():
        facts.add_row(name, value)
    console.print(facts)
    quantiles = Table(title="Quantiles")
    quantiles.add_column("of")
    series = {
        "spread, bps": stats.spread_bps,
        "spread, ticks": stats.spread_ticks,
        "feed latency, ms": stats.feed_latency_ms,
    }
    names = ("p01", "p25", "p50", "p75", "p99")
    for name in names:
        quantiles.add_column(name, justify="right")
    for label, values in series.items():
        if values:
            quantiles.add_row(label, *(f"{values[name]:.4g}" for name in names))
    console.print(quantiles)
    schema = Table(title="Columns")
    for name in ("stream", "columns"):
        schema.add_column(name)
    for stream in info.streams:
        schema.add_row(stream, ", ".join(f"{f.name} {f.type}" for f in SCHEMAS[stream]))
    console.print(schema)


def show_verify(console: Console, report: VerifyReport) -> None:
    """The verdict in one line; findings go to stderr."""
    verdict = "[green]sound[/]" if report.ok else f"[red]{len(report.findings)} findings[/]"
    console.print(
        f"{verdict}: {report.parts} files, {report.rows:,} rows, {report.packets:,} book updates, "
        f"{report.snapshots} snapshots, {report.gaps} marked gaps",
        highlight=False,
    )


def info_json(info: SymbolInfo) -> dict[str, Any]:
    """A catalog entry as plain data."""
    return {
        "venue": info.venue,
        "symbol": info.symbol,
        "tick_size": info.tick_size,
        "lot_size": info.lot_size,
        "market": info.market,
        "contract_size": info.contract_size,
        "synthetic": info.synthetic,
        "rows": info.rows,
        "bytes": info.size_bytes,
        "first_ts_ns": info.first_ts_ns,
        "last_ts_ns": info.last_ts_ns,
        "first_utc": format_utc_ns(info.first_ts_ns),
        "last_utc": format_utc_ns(info.last_ts_ns),
        "streams": {
            name: {
                "rows": stream.rows,
                "parts": stream.parts,
                "bytes": stream.size_bytes,
                "days": list(stream.days),
                "first_ts_ns": stream.first_ts_ns,
                "last_ts_ns": stream.last_ts_ns,
            }
            for name, stream in info.streams.items()
        },
    }


def stats_json(stats: SymbolStats) -> dict[str, Any]:
    """Statistics as plain data."""
    names = (
        "packets",
        "snapshots",
        "gaps",
        "crossed",
        "trades",
        "buys",
        "volume_base",
        "volume_quote",
        "trades_per_sec",
        "spread_bps",
        "spread_ticks",
        "feed_latency_ms",
        "min_px",
        "max_px",
    )
    return {**info_json(stats.info), **{name: getattr(stats, name) for name in names}}


def _facts(stats: SymbolStats) -> Mapping[str, str]:
    info = stats.info
    prices = "-" if stats.min_px is None else f"{stats.min_px:g} .. {stats.max_px:g}"
    buys = f" ({100.0 * stats.buys / stats.trades:.1f} % buys)" if stats.trades else ""
    return {
        "first row (UTC)": format_utc_ns(info.first_ts_ns),
        "last row (UTC)": format_utc_ns(info.last_ts_ns),
        "span": _length(info.last_ts_ns - info.first_ts_ns),
        "market": info.market + (", synthetic" if info.synthetic else ""),
        "tick size, lot size": f"{info.tick_size}, {info.lot_size}",
        "rows": f"{info.rows:,}",
        "book updates": f"{stats.packets:,}",
        "snapshots, gaps, crossed": f"{stats.snapshots:,}, {stats.gaps:,}, {stats.crossed:,}",
        "trades": f"{stats.trades:,}{buys}, {stats.trades_per_sec:.2f} a second",
        "volume": f"{stats.volume_base:,.6g} ({stats.volume_quote:,.6g} quote)",
        "price": prices,
        "size": size_text(info.size_bytes),
    }


def _notes(report: ImportReport) -> list[str]:
    notes = []
    for file in report.files:
        if file.skipped:
            notes.append(f"{file.path}: imported before")
        if file.empty:
            notes.append(f"{file.path}: nothing had come to it")
        if file.truncated:
            notes.append(f"{file.path}: cut, imported as far as it goes")
        if file.quarantine:
            notes.append(f"{file.path}: {file.quarantined} bad rows, see {file.quarantine}")
    for series in report.series:
        name = f"{series.venue}/{series.symbol}"
        notes.append(
            f"{name}: tick {series.tick_size}, lot {series.lot_size}, {series.grid_source}"
        )
        for count, what in (
            (series.ignored, "book frames came while the book was unusable"),
            (series.reconnects, "connections were lost, each marked as a gap"),
            (series.rounded, "sizes lay between two lots and were rounded down"),
        ):
            if count:
                notes.append(f"{name}: {count:,} {what}")
        if series.clock_offset_ms:
            notes.append(
                f"{name}: receive times + {series.clock_offset_ms:.3f} ms, because the recorder's "
                "clock ran behind the venue's (--keep-recv leaves them)"
            )
    return notes


def listing(title: str, first: str) -> Table:
    """A table whose first column names things and may wrap."""
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    table.add_column(first, overflow="fold")
    return table


def _span(series: SeriesReport) -> str:
    if series.first_ts_ns is None or series.last_ts_ns is None:
        return "-"
    return _length(series.last_ts_ns - series.first_ts_ns)


def _length(duration_ns: int) -> str:
    """Two units at most: ``3d4h``, ``10m47s``, ``43.6s``."""
    if duration_ns < NS_PER_MIN:
        return f"{duration_ns / NS_PER_SEC:.1f}s"
    for above, step in ((NS_PER_DAY, NS_PER_HOUR), (NS_PER_HOUR, NS_PER_MIN)):
        if duration_ns >= above:
            return format_duration(duration_ns // step * step)
    return format_duration(duration_ns // NS_PER_SEC * NS_PER_SEC)


def size_text(count: int) -> str:
    """Print a number of bytes in binary units."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < _KIB or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= _KIB
    return ""
