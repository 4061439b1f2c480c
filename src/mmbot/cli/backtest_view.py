"""What the backtest commands show: a progress bar on stderr, tables on stdout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from mmbot import clock
from mmbot.research.metrics import COMPONENTS
from mmbot.research.models import BacktestReport
from mmbot.research.report import HEADLINE
from mmbot.units import NS_PER_SEC

__all__ = ["progress_bar", "show_report", "show_windows"]

_WINDOWS_SHOWN: Final = 12
_SHORT: Final = {
    "fills_total": "fills",
    "net_bps": "net bps",
    "taker_share_pct": "taker %",
    "order_age_p95_ms": "age p95 ms",
    "fees_bps": "fees bps",
    "turnover_usd": "turnover USD",
}
_TEXT: Final = "{task.description} {task.fields[rate]}"


@contextmanager
def progress_bar() -> Iterator[BarProgress]:
    """A bar while the block runs; on a terminal only."""
    console = Console(stderr=True)
    columns = (TextColumn(_TEXT), BarColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        yield BarProgress(bar)


class BarProgress:
    """Follows a backtest: the bar is market time, the number beside it rows per second."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task: TaskID | None = None
        self._start_ns = 0
        self._rows = 0
        self._began_ns = 0

    def begin(self, symbol: str, start_ns: int | None, end_ns: int | None) -> None:
        """Start the bar of a symbol."""
        if self._task is not None:
            self._bar.update(self._task, visible=False)
        known = start_ns is not None and end_ns is not None
        total = max(1, end_ns - start_ns) if start_ns is not None and end_ns is not None else None
        self._start_ns = start_ns if known and start_ns is not None else 0
        self._rows, self._began_ns = 0, clock.monotonic_ns()
        self._task = self._bar.add_task(f"backtest {symbol}", total=total, rate="")

    def advance(self, rows: int, ts_ns: int) -> None:
        """Move the bar to market time `ts_ns`."""
        assert self._task is not None
        self._rows += rows
        took_sec = max(clock.monotonic_ns() - self._began_ns, 1) / NS_PER_SEC
        self._bar.update(
            self._task,
            completed=max(0, ts_ns - self._start_ns),
            rate=f"{self._rows / took_sec / 1e6:.1f} M rows/s",
        )


def show_report(
    console: Console, report: BacktestReport, paths: Sequence[Path], *, gated: bool
) -> None:
    """Headline, edge, verdict and what was written."""
    document = report.document
    data = document["data"]
    symbols = ", ".join(document["symbols"])
    console.print(f"{symbols}: {data['rows']:,} rows of {data['source']}", highlight=False)
    console.print(_headline_table(document))
    console.print(_edge_table(document))
    word = "passed" if report.gates.passed else "failed"
    for reason in report.gates.reasons:
        console.print(f"gate: {reason}", highlight=False)
    if gated or not report.gates.reasons:
        console.print(f"gates {word}", highlight=False)
    _say_written(console, paths)


def show_windows(console: Console, report: Mapping[str, Any], path: Path) -> None:
    """A row for each of the first windows, then mean and median."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("window")
    for key in HEADLINE:
        table.add_column(_SHORT[key], justify="right")
    windows = report["windows"]
    for window in windows[:_WINDOWS_SHOWN]:
        table.add_row(str(window["i"]), *(_number(window[key]) for key in HEADLINE))
    if len(windows) > _WINDOWS_SHOWN:
        table.add_row(f"{len(windows) - _WINDOWS_SHOWN} more", *([""] * len(HEADLINE)))
    table.add_section()
    for name in ("mean", "median"):
        table.add_row(name, *(_number(float(report[name][key])) for key in HEADLINE))
    console.print(table)
    _say_written(console, [path])


def _headline_table(document: Mapping[str, Any]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for key in (*HEADLINE, "net_pnl_usd", "sharpe", "hit_rate", "max_drawdown_usd", "fill_rate"):
        table.add_row(key, _number(document[key]))
    return table


def _edge_table(document: Mapping[str, Any]) -> Table:
    table = Table(title="edge, bps of turnover", title_justify="left", box=box.SIMPLE_HEAD)
    for name in COMPONENTS:
        table.add_column(name.removesuffix("_bps").removesuffix("_eff"), justify="right")
    table.add_row(*(f"{document['component_breakdown'][name] + 0.0:.4f}" for name in COMPONENTS))
    return table


def _number(value: Any) -> str:  # noqa: ANN401 -- a count or an amount, as JSON has them
    return f"{value:,.3f}" if isinstance(value, float) else f"{value:,}"


def _say_written(console: Console, paths: Sequence[Path]) -> None:
    for path in paths:
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)
