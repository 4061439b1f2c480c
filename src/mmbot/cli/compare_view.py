"""How a comparison looks on a screen."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from mmbot.research.comparison.compare import Comparison
from mmbot.research.comparison.split import PARTS

__all__ = ["show"]


def show(console: Console, found: Comparison) -> None:
    """Print the parts, the latencies and the counts."""
    document = found.document()
    table = Table(title=f"Session {document['session_id']} against its simulation")
    for column in ("", "USD", "bps"):
        table.add_column(column, justify="left" if not column else "right")
    total = found.total
    table.add_row("session", _usd(document["session_usd"]), _bps(total.bps(total.session)))
    table.add_row("simulated", _usd(document["simulated_usd"]), _bps(total.bps(total.simulated)))
    table.add_row("difference", _usd(document["gap_usd"]), _bps(found.gap_bps), end_section=True)
    for name in PARTS:
        usd, bps = document["parts_usd"][name], document["parts_bps"][name]
        table.add_row(name.replace("_", " "), _usd(usd), _bps(bps))
    console.print(table)
    console.print(_latencies(document))
    counts = Table(title="Orders, one to one")
    for name in ("", "count"):
        counts.add_column(name, justify="left" if not name else "right")
    for name, value in document["counts"].items():
        counts.add_row(name.replace("_", " "), f"{value:,}")
    console.print(counts)


def _latencies(document: dict[str, object]) -> Table:
    table = Table(title="From request to effect, ms")
    for name in ("", "session mean", "p99", "simulated mean", "p99"):
        table.add_column(name, justify="left" if not name else "right")
    held = document["latency_ms"]
    assert isinstance(held, dict)
    for action in ("place", "amend", "cancel"):
        cells = []
        for side in ("session", "simulated"):
            one = held[side].get(action)
            cells += ["-", "-"] if one is None else [f"{one['mean']:.3f}", f"{one['p99']:.3f}"]
        table.add_row(action, *cells)
    return table


def _usd(value: float) -> str:
    return f"{value:,.6f}"


def _bps(value: float) -> str:
    return f"{value:,.4f}"
