"""What a soak run shows: marker lines, or on a terminal a live table with sparklines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import typer
from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mmbot.errors import ascii_line
from mmbot.soak.parameters import TUNABLES, shown
from mmbot.trading.screen.spark import sparkline
from mmbot.trading.screen.style import ASCII, UNICODE, Glyphs

__all__ = ["LineView", "SoakView", "TableView", "make_view"]

_ROWS: Final = 12
_SPARK: Final = 40
_TONES: Final = {"PASS": "green", "WARN": "yellow", "FAIL": "red", "UNKNOWN": "bright_black"}
# A row of the table has room for short names only; the marker lines have the long ones.
_SHORT: Final = {
    "min_interval_ms": "interval",
    "replace_rate_per_min": "rate",
    "base_spread_bps_delta": "spread",
    "impact_cap_ratio": "impact",
    "max_delta_ratio": "delta",
    "tail_age_ms": "tail",
}
_SERIES: Final = {
    "net_bps": "net edge, bps",
    "risk_ratio": "risk ratio",
    "adverse_bps_p95": "adverse p95, bps",
    "order_age_p95_ms": "order age p95, ms",
}


class SoakView(Protocol):
    """A view with an end."""

    def line(self, text: str) -> None:
        """Show one marker line."""
        ...

    def finished(self, outcome: Mapping[str, Any]) -> None:
        """Show a finished iteration."""
        ...

    def close(self) -> None:
        """Give the terminal back."""
        ...


def make_view(*, total: int | None, plain: bool, title: str) -> SoakView:
    """A live table on a terminal, marker lines elsewhere or when they are asked for."""
    console = Console()
    if plain or not console.is_terminal:
        return LineView()
    unicode = console.encoding.lower().startswith("utf")
    return TableView(console, total=total, title=title, glyphs=UNICODE if unicode else ASCII)


class LineView:
    """One ASCII line per event on stdout; a finished iteration is told by its SUMMARY line."""

    def line(self, text: str) -> None:
        """Print the line at once."""
        typer.echo(_kept(text))

    def finished(self, outcome: Mapping[str, Any]) -> None:
        """Say nothing: the lines before said it all."""

    def close(self) -> None:
        """There is nothing to give back."""


class TableView:
    """The last iterations as a table, series as sparklines, the latest lines that matter."""

    def __init__(self, console: Console, *, total: int | None, title: str, glyphs: Glyphs) -> None:
        self._total = total
        self._title = title
        self._glyphs = glyphs
        self._outcomes: list[Mapping[str, Any]] = []
        self._last = ""
        self._live = Live(self._frame(), console=console, auto_refresh=False)
        self._live.start()

    def line(self, text: str) -> None:
        """Keep the newest line at the foot."""
        self._last = _kept(text)
        self._live.update(self._frame(), refresh=True)

    def finished(self, outcome: Mapping[str, Any]) -> None:
        """Add a row."""
        self._outcomes.append(outcome)
        self._live.update(self._frame(), refresh=True)

    def close(self) -> None:
        """Leave the last frame on the terminal."""
        self._last = ""
        self._live.update(self._frame(), refresh=True)
        self._live.stop()

    def _frame(self) -> Group:
        parts: list[Any] = [iteration_table(self._outcomes[-_ROWS:], self._heading())]
        if self._outcomes:
            parts += [self._sparks(), value_line(self._outcomes[-1])]
        if self._last:
            parts.append(Text(self._last, style="bright_black", no_wrap=True, overflow="crop"))
        return Group(*parts)

    def _heading(self) -> str:
        done = len(self._outcomes)
        of = "" if self._total is None else f" of {self._total}"
        return f"{self._title}   iteration {done}{of}"

    def _sparks(self) -> Table:
        table = Table(box=None, show_header=False, pad_edge=False)
        for name, label in _SERIES.items():
            values = [o["summary"][name] for o in self._outcomes]
            numbers = [float(v) for v in values if v is not None]
            last = f"{numbers[-1]:,.2f}" if numbers else "n/a"
            table.add_row(label, sparkline(numbers, _SPARK, self._glyphs.spark), last)
        return table


def iteration_table(outcomes: list[Mapping[str, Any]], title: str) -> Table:
    """Iterations with zone, verdict, and what changed and why."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("iter", "phase", "net bps", "risk %", "zone", "KPI"):
        table.add_column(
            name, no_wrap=True, justify="left" if name in ("phase", "zone") else "right"
        )
    table.add_column("changed, or why not", overflow="fold")
    for outcome in outcomes:
        summary, tuning = outcome["summary"], outcome["tuning"]
        verdict = summary["kpi_verdict"]
        table.add_row(
            str(outcome["iteration"]),
            outcome["phase"].lower(),
            _number(summary["net_bps"], 2),
            _number(summary["risk_ratio"], 1, scale=100),
            (tuning["zone"] or "-").lower(),
            Text(verdict, style=_TONES[verdict]),
            changes_text(tuning),
        )
    return table


def changes_text(tuning: Mapping[str, Any]) -> str:
    """What is in force now and which rules wanted it, or the reason why nothing is."""
    if not tuning["applied"]:
        return str(tuning["skipped_reason"])
    moves = []
    for name, delta in tuning["applied_deltas"].items():
        text = shown(name, delta)
        moves.append(f"{_SHORT[name]} {text if text.startswith('-') else '+' + text}")
    applied = tuning["applied_deltas"]
    rules = dict.fromkeys(
        c["rule"].rpartition(":")[2].lower()
        for c in tuning["changes"]
        if c["accepted"] and c["field"] in applied
    )
    return f"{', '.join(moves)} ({', '.join(rules)})"


def value_line(outcome: Mapping[str, Any]) -> Text:
    """The values in force in the last window."""
    values = outcome["overrides"]
    return Text("  ".join(f"{name}={shown(name, values[name])}" for name in TUNABLES))


def _number(value: float | None, decimals: int, *, scale: float = 1.0) -> str:
    return "n/a" if value is None else f"{scale * value + 0.0:.{decimals}f}"


def _kept(text: str) -> str:
    """The line as it is; leading blanks of field lines stay."""
    indent = len(text) - len(text.lstrip(" "))
    return " " * indent + ascii_line(text)
