"""The ladder: levels of the book, our orders marked in it, and what is ahead of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from mmbot.trading.readout import OwnOrder, Readout
from mmbot.trading.screen.style import ASK, BID, BORDER, DIM, OWN, Glyphs

__all__ = ["book_panel"]

_BAR_WIDTH = 8


@dataclass(frozen=True, slots=True)
class _Row:
    px: float
    qty: float
    own: tuple[OwnOrder, ...]


def book_panel(readout: Readout, *, levels: int, decimals: int, glyphs: Glyphs) -> Panel:
    """The ladder with up to `levels` rows a side; prices with `decimals`."""
    asks = _rows(readout.asks, readout.orders, "sell", levels, decimals)
    bids = _rows(readout.bids, readout.orders, "buy", levels, decimals)
    largest = max((row.qty for row in (*asks, *bids)), default=0.0)
    table = Table(box=None, padding=(0, 1, 0, 0), expand=True, show_edge=False)
    table.add_column("", width=1)
    for name, width in (("own", 6), ("ahead", 6), ("price", 9), ("qty", 7)):
        table.add_column(name, justify="right", header_style=DIM, min_width=width)
    table.add_column("depth", header_style=DIM, min_width=_BAR_WIDTH)
    for _ in range(levels - len(asks)):
        table.add_row()
    for row in reversed(asks):
        table.add_row(*_cells(row, ASK, largest, decimals, glyphs))
    table.add_row(*_middle(readout, decimals))
    for row in bids:
        table.add_row(*_cells(row, BID, largest, decimals, glyphs))
    return Panel(table, title="book", title_align="left", border_style=BORDER, padding=(0, 1))


def _rows(
    levels: Sequence[tuple[float, float]],
    orders: Sequence[OwnOrder],
    side: str,
    count: int,
    decimals: int,
) -> list[_Row]:
    """Rows of one side from the touch outward.

    Own prices always have a row, also where the book shows nothing (on their way, or deeper than
    the levels at hand); the levels nearest to the touch fill what is left.
    """
    mine: dict[float, list[OwnOrder]] = {}
    for order in orders:
        if order.side == side:
            mine.setdefault(round(order.px, decimals), []).append(order)
    book = {round(px, decimals): qty for px, qty in levels}
    is_bid = side == "buy"
    own = sorted(mine, reverse=is_bid)[:count]
    rest = [px for px in book if px not in own][: count - len(own)]
    prices = sorted({*own, *rest}, reverse=is_bid)
    return [_Row(px, book.get(px, 0.0), tuple(mine.get(px, ()))) for px in prices]


def _cells(
    row: _Row, color: str, largest: float, decimals: int, glyphs: Glyphs
) -> tuple[Text, ...]:
    own = sum(order.qty for order in row.own)
    ahead = [order.queue_ahead for order in row.own if order.queue_ahead is not None]
    style = OWN if row.own else color
    filled = round(_BAR_WIDTH * row.qty / largest) if largest > 0 else 0
    return (
        Text(glyphs.own if row.own else "", style=OWN),
        Text(f"{own:.3f}" if row.own else "", style=OWN),
        Text(f"{min(ahead):.3f}" if ahead else "", style=DIM),
        Text(f"{row.px:.{decimals}f}", style=style),
        Text(f"{row.qty:.3f}" if row.qty else "", style=color if row.qty else DIM),
        Text(glyphs.bar * filled, style=f"dim {color}"),
    )


def _middle(readout: Readout, decimals: int) -> tuple[Text, ...]:
    if readout.mid is None or readout.spread_bps is None:
        return (Text(""), Text(""), Text(""), Text("no book", style=OWN))
    return (
        Text(""),
        Text(""),
        Text("mid", style=DIM),
        Text(f"{readout.mid:.{decimals + 1}f}", style="bold"),
        Text(f"{readout.spread_bps:.2f}", style="bold"),
        Text("bps", style=DIM),
    )
