"""One frame: header, ladder, panels, footer; fitted to the terminal it is drawn on."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.layout import Layout
from rich.table import Table
from rich.text import Text

from mmbot.trading.headless import headless_line
from mmbot.trading.readout import Readout
from mmbot.trading.screen.book import book_panel
from mmbot.trading.screen.labels import Labels
from mmbot.trading.screen.panels import (
    account_panel,
    blocks_panel,
    course_panel,
    edge_panel,
    fills_panel,
    symbols_panel,
)
from mmbot.trading.screen.style import ASK, BID, DIM, Glyphs
from mmbot.units import format_duration, format_utc

__all__ = ["Frame"]

_FULL_WIDTH = 90
_NARROW_WIDTH = 48
_LOW_HEIGHT = 14
_BOOK_WIDTH = 49
# Rows of everything but the ladder's levels: header, footer, borders, column names, mid.
_BOOK_OVERHEAD = 6
_FILLS_ROWS_MAX = 10


@dataclass(frozen=True, slots=True)
class Frame:
    """A readout as something that rich can draw at any size."""

    readout: Readout
    labels: Labels
    glyphs: Glyphs

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw for the size at hand: full, ladder only, or two lines."""
        width = options.max_width
        height = options.height or console.height
        if height < _LOW_HEIGHT or width < _NARROW_WIDTH:
            yield self._header(width)
            yield Text(headless_line(self.readout, decimals=self.labels.decimals))
            return
        layout = Layout()
        layout.split_column(
            Layout(self._header(width), size=1),
            Layout(name="body"),
            Layout(self._footer(), size=1),
        )
        book = book_panel(
            self.readout,
            levels=max(2, min(10, (height - _BOOK_OVERHEAD) // 2)),
            decimals=self.labels.decimals,
            glyphs=self.glyphs,
        )
        if width < _FULL_WIDTH:
            layout["body"].split_column(Layout(book), Layout(account_panel(self.readout), size=5))
        else:
            layout["body"].split_row(
                Layout(book, size=_BOOK_WIDTH), self._side(width - _BOOK_WIDTH, height - 2)
            )
        yield layout

    def _side(self, width: int, height: int) -> Layout:
        """The panels to the right, most important first; the fills take what is left."""
        side = Layout()
        parts = [Layout(account_panel(self.readout), size=5)]
        middle = Layout(size=8)
        middle.split_row(
            Layout(edge_panel(self.readout), ratio=1), Layout(blocks_panel(self.readout), ratio=1)
        )
        parts.append(middle)
        left = height - 13
        lines = self.readout.lines
        if lines and left >= 4:
            rows = min(len(lines), left - 4)
            parts.append(Layout(symbols_panel(self.readout, rows=rows), size=rows + 4))
            left -= rows + 4
        if left >= 4:
            parts.append(
                Layout(course_panel(self.readout, width=width, glyphs=self.glyphs), size=4)
            )
            left -= 4
        if left >= 3:
            rows = min(_FILLS_ROWS_MAX, left - 2)
            fills = fills_panel(self.readout, rows=rows, decimals=self.labels.decimals)
            parts.append(Layout(fills, size=left))
        side.split_column(*parts)
        return side

    def _header(self, width: int) -> Table:
        grid = Table.grid(expand=True)
        grid.add_column(no_wrap=True, overflow="ellipsis")
        grid.add_column(justify="right", no_wrap=True)
        labels, readout = self.labels, self.readout
        left = Text()
        left.append(" mmbot ", style="bold reverse")
        left.append(f" {labels.symbol} ", style="bold")
        left.append(f" {labels.mode}, {labels.market}, {labels.speed}", style=DIM)
        if readout.market_state:
            left.append(f"  {readout.market_state}", style="magenta")
        grid.add_row(left, self._clock(width))
        return grid

    def _clock(self, width: int) -> Text:
        readout = self.readout
        state = readout.risk_state.upper()
        style = BID if state == "NORMAL" else f"bold {ASK}"
        text = Text()
        if width >= _FULL_WIDTH:
            text.append(f"{format_utc(readout.ts_ns)[:19].replace('T', ' ')} UTC  ", style=DIM)
        text.append(f"{_whole_seconds(readout.elapsed_ns)}  ")
        return text.append(f"{state} ", style=style)

    def _footer(self) -> Text:
        readout = self.readout
        vola = "-" if readout.vola_1m_bps is None else f"{readout.vola_1m_bps:.2f}"
        return Text(
            f" Ctrl-C ends with a report   vola {vola} bps/min   imbalance "
            f"{readout.imbalance:+.2f}   feed lag p95 {float(readout.ws_lag_ms['p95']):.1f} ms",
            style=DIM,
            no_wrap=True,
            overflow="ellipsis",
        )


def _whole_seconds(duration_ns: int) -> str:
    return format_duration(duration_ns - duration_ns % 1_000_000_000)
