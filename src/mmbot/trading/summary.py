"""The table at the end of a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table

from mmbot.trading.screen.style import money, signed
from mmbot.trading.session import SessionEnd
from mmbot.units import NS_PER_MS, NS_PER_SEC, format_duration

__all__ = ["net_bps", "summary_table"]

_WORDS = {
    "duration": "its duration was over",
    "data_end": "the data ended",
    "interrupted": "it was interrupted",
    "relisted": "the venue has other rules",
    "fatal": "it could not go on",
}


def net_bps(result: Mapping[str, Any]) -> float:
    """Net result in bps of turnover; 0 without turnover."""
    turnover = float(result["turnover_usd"])
    return 1e4 * float(result["net_pnl_usd"]) / turnover if turnover else 0.0


def summary_table(end: SessionEnd, *, ascii_only: bool) -> Table:
    """What the session did: a dozen lines for one symbol, a line each for several."""
    if len(end.symbols) > 1:
        return _several(end, ascii_only=ascii_only)
    result = end.symbols[0].result
    table = _table(ascii_only=ascii_only)
    table.add_column(end.symbols[0].symbol)
    table.add_column(f"ended because {_WORDS[end.reason]}", justify="right")
    for label, text in _rows(end):
        table.add_row(label, text)
    table.add_section()
    turnover = float(result["turnover_usd"])
    for name, usd in result["edge"].items():
        cost = name.removesuffix("_usd") not in {"gross", "net"}
        value = -float(usd) if cost else float(usd)
        bps = 1e4 * value / turnover if turnover else 0.0
        table.add_row(f"edge {name.removesuffix('_usd')}", f"{money(value)} USD  {signed(bps)} bps")
    table.add_section()
    for reason, count in result["block_counts"].items():
        table.add_row(f"blocked by {reason}", f"{int(count):,}")
    return table


def _several(end: SessionEnd, *, ascii_only: bool) -> Table:
    table = _table(ascii_only=ascii_only)
    table.title = f"ended because {_WORDS[end.reason]}"
    table.add_column("symbol")
    for name in ("fills", "turnover USD", "fees USD", "net PnL USD", "net bps", "orders"):
        table.add_column(name, justify="right")
    table.add_column("state hash")
    results = [one.result for one in end.symbols]
    for one in end.symbols:
        table.add_row(one.symbol, *_cells(one.result), str(one.result["state_hash"]))
    names = ("fills_total", "turnover_usd", "fees_usd", "net_pnl_usd", "orders")
    total = {name: sum(float(result[name]) for result in results) for name in names}
    table.add_section()
    table.add_row("all", *_cells(total))
    market = format_duration(end.market_ns - end.market_ns % NS_PER_MS)
    wall_sec = max(end.wall_ns / NS_PER_SEC, 1e-9)
    rows = sum(int(result["rows"]) for result in results)
    table.caption = (
        f"market time {market}, wall time {wall_sec:.1f} s, {rows / wall_sec:,.0f} rows/s"
    )
    return table


def _cells(result: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"{int(result['fills_total']):,}",
        f"{float(result['turnover_usd']):,.2f}",
        money(float(result["fees_usd"])),
        money(float(result["net_pnl_usd"])),
        signed(net_bps(result)),
        f"{int(result['orders']):,}",
    )


def _table(*, ascii_only: bool) -> Table:
    return Table(box=box.ASCII if ascii_only else box.ROUNDED, border_style="bright_black")


def _rows(end: SessionEnd) -> list[tuple[str, str]]:
    result = end.symbols[0].result
    fills = int(result["fills_total"])
    wall_sec = max(end.wall_ns / NS_PER_SEC, 1e-9)
    return [
        ("market time", format_duration(end.market_ns - end.market_ns % NS_PER_MS)),
        ("wall time", f"{wall_sec:.1f} s, {int(result['rows']) / wall_sec:,.0f} rows/s"),
        ("fills", f"{fills:,} ({int(result['maker_fills']):,} maker)"),
        ("orders", f"{int(result['orders']):,} placed, {int(result['amends']):,} amends"),
        ("turnover", f"{float(result['turnover_usd']):,.2f} USD"),
        ("fees paid", f"{money(float(result['fees_usd']))} USD"),
        ("final position", signed(float(result["final_position"]))),
        ("net PnL", f"{money(float(result['net_pnl_usd']))} USD  {signed(net_bps(result))} bps"),
        ("order age p95", f"{float(result['order_age_ms']['p95']):.0f} ms"),
        ("state hash", str(result["state_hash"])),
    ]
