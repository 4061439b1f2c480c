"""The panels beside the ladder, each a pure function of a readout."""

from __future__ import annotations

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from mmbot.trading.readout import Readout
from mmbot.trading.screen.spark import sparkline
from mmbot.trading.screen.style import (
    ASK,
    BID,
    BORDER,
    DIM,
    LABEL,
    Glyphs,
    money,
    signed,
    tone,
)
from mmbot.units import format_utc

__all__ = [
    "account_panel",
    "blocks_panel",
    "course_panel",
    "edge_panel",
    "fills_panel",
    "symbols_panel",
]

_EDGE_ROWS = (
    ("gross", "gross_bps", 1),
    ("fees", "fees_eff_bps", -1),
    ("slippage", "slippage_bps", -1),
    ("adverse", "adverse_bps", -1),
    ("inventory", "inventory_bps", -1),
)
_REASONS = ("min_interval", "concurrency", "risk", "throttle")


def account_panel(readout: Readout) -> Panel:
    """Position, PnL, fees, turnover, fills."""
    grid = _pairs()
    usd = readout.position_usd
    share = 100.0 * readout.maker_fills / readout.fills if readout.fills else 0.0
    grid.add_row(
        *_pair("PnL", Text(money(readout.net_pnl_usd), style=_bold(readout.net_pnl_usd))),
        *_pair(
            "position", Text(signed(readout.position), style=tone(readout.position, decimals=6))
        ),
    )
    grid.add_row(
        *_pair("fees paid", Text(money(readout.fees_usd))),
        *_pair("worth", Text("-" if usd is None else money(usd, decimals=0))),
    )
    grid.add_row(
        *_pair("turnover", Text(_compact(readout.turnover_usd))),
        *_pair("fills", Text(f"{readout.fills} {share:.0f}% mk")),
    )
    return _panel(grid, "account, USD")


def edge_panel(readout: Readout) -> Panel:
    """Where the money comes from and goes to, in bps of turnover; costs with a minus."""
    table = Table(box=None, show_header=False, expand=True, padding=(0, 1, 0, 0))
    table.add_column(style=LABEL)
    table.add_column(justify="right")
    for name, key, sign in _EDGE_ROWS:
        value = sign * float(readout.edge[key])
        table.add_row(name, Text(signed(value), style=tone(value, decimals=3)))
    net = float(readout.edge["net_bps"])
    table.add_row(Text("net", style="bold"), Text(signed(net), style=_bold(net, decimals=3)))
    return _panel(table, "edge so far, bps")


def blocks_panel(readout: Readout) -> Panel:
    """Refusals by reason, and latencies."""
    table = Table(box=None, show_header=False, expand=True, padding=(0, 1, 0, 0))
    table.add_column(style=LABEL)
    table.add_column(justify="right")
    for reason in _REASONS:
        count = int(readout.block_counts.get(reason, 0))
        table.add_row(reason, Text(f"{count:,}", style="" if count else DIM))
    table.add_row("ack p95", Text(f"{float(readout.latency_ms['p95']):.1f} ms"))
    table.add_row("age p95", Text(f"{readout.order_age_p95_ms:.0f} ms"))
    return _panel(table, "blocks and latency")


def course_panel(readout: Readout, *, width: int, glyphs: Glyphs) -> Panel:
    """Spark lines of PnL and mid over the last ten minutes."""
    inner = max(8, width - 27)
    grid = Table.grid(expand=True, padding=(0, 1, 0, 0))
    grid.add_column(style=LABEL, width=4)
    grid.add_column(ratio=1)
    grid.add_column(justify="right", width=15)
    pnl = readout.net_pnl_usd
    grid.add_row(
        "PnL",
        Text(sparkline(readout.pnls, inner, glyphs.spark), style=BID if pnl >= 0 else ASK),
        Text(_range(readout.pnls, signs=True), style=DIM),
    )
    grid.add_row(
        "mid",
        Text(sparkline(readout.mids, inner, glyphs.spark), style="blue"),
        Text(_moved(readout.mids), style=DIM),
    )
    return _panel(grid, "last 10 minutes of market time")


def fills_panel(readout: Readout, *, rows: int, decimals: int) -> Panel:
    """The newest fills."""
    table = Table(box=None, show_header=False, expand=True, padding=(0, 1, 0, 0))
    for justify in ("left", "left", "right", "right", "right"):
        table.add_column(justify="right" if justify == "right" else "left")
    for fill in readout.last_fills[:rows]:
        side = Text(fill.side, style=BID if fill.side == "buy" else ASK)
        kind = Text("maker" if fill.maker else "taker", style=DIM)
        at = Text(format_utc(fill.ts_ns)[11:19], style=DIM)
        table.add_row(at, side, f"{fill.qty:.3f}", f"{fill.px:.{decimals}f}", kind)
    if not readout.last_fills:
        table.add_row(Text("none yet", style=DIM))
    return _panel(table, "last fills")


def symbols_panel(readout: Readout, *, rows: int) -> Panel:
    """All symbols of the session in a line each, the largest position first, and sums."""
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style=LABEL)
    table.add_column("symbol")
    for name in ("target", "position", "PnL", "fills", "orders"):
        table.add_column(name, justify="right")
    ordered = sorted(readout.lines, key=lambda line: (-abs(line.position_usd), line.symbol))
    for line in ordered[:rows]:
        table.add_row(
            line.symbol,
            f"{line.target_usd:,.0f}",
            Text(money(line.position_usd, decimals=0), style=tone(line.position_usd)),
            Text(money(line.net_pnl_usd), style=tone(line.net_pnl_usd)),
            f"{line.fills:,}",
            str(line.orders),
        )
    pnl = sum(line.net_pnl_usd for line in readout.lines)
    table.add_row(
        Text(f"all {len(readout.lines)}", style="bold"),
        f"{sum(line.target_usd for line in readout.lines):,.0f}",
        money(sum(line.position_usd for line in readout.lines), decimals=0),
        Text(money(pnl), style=_bold(pnl)),
        f"{sum(line.fills for line in readout.lines):,}",
        str(sum(line.orders for line in readout.lines)),
    )
    return _panel(table, "symbols, USD")


def _panel(body: Table, title: str) -> Panel:
    return Panel(body, title=title, title_align="left", border_style=BORDER, padding=(0, 1))


def _pairs() -> Table:
    """Two label and value pairs a row, with air between them."""
    grid = Table.grid(expand=True, padding=(0, 1, 0, 0))
    for gap in (1, 0):
        grid.add_column(width=9)
        grid.add_column(justify="right", ratio=1)
        grid.add_column(width=gap)
    return grid


def _pair(label: str, value: Text) -> tuple[Text, Text, str]:
    return Text(label, style=LABEL), value, ""


def _compact(value: float) -> str:
    """Thousands in full, millions as such once they are many."""
    return f"{value:,.0f}" if value < 1e7 else f"{value / 1e6:,.1f}M"


def _bold(value: float, *, decimals: int = 2) -> str:
    return f"bold {tone(value, decimals=decimals)}".strip()


def _range(values: tuple[float, ...], *, signs: bool) -> str:
    if not values:
        return ""
    plus = "+" if signs else ""
    return f"{min(values):{plus}.2f}..{max(values):{plus}.2f}"


def _moved(mids: tuple[float, ...]) -> str:
    """How far the mid went, in bps."""
    if len(mids) < 2:
        return ""
    return f"{(mids[-1] / mids[0] - 1.0) * 1e4:+.1f} bps"
