"""``BACKTEST_REPORT.md``: the report's numbers for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmbot.research.report import HEADLINE

__all__ = ["markdown_table", "number_text", "report_markdown"]

_PERFORMANCE = (
    "net_pnl_usd",
    "sharpe",
    "hit_rate",
    "max_drawdown",
    "max_drawdown_usd",
    "cvar95_usd",
    "maker_share",
    "fill_rate",
    "quotes",
    "orders",
    "replace_rate_per_min",
    "order_age_p50_ms",
    "order_age_p99_ms",
    "avg_queue_wait_ms",
)


def report_markdown(document: Mapping[str, Any]) -> str:
    """Render the content of a ``BACKTEST_REPORT.json``."""
    calibration = document["calibration_used"]
    parts = [
        f"# Backtest {', '.join(document['symbols'])}",
        _bounds(document),
        _table(document, HEADLINE),
        "## Performance Metrics",
        _table(document, _PERFORMANCE),
        "## Fill Statistics",
        _table(document["fill_statistics"], list(document["fill_statistics"])),
    ]
    if any(calibration.values()):
        parts += ["## Calibration Parameters", _table(calibration, list(calibration))]
    inventory = document["inventory_summary"]
    parts += ["## Inventory Summary", _table(inventory, list(inventory))]
    parts += ["## Gates", _gates(document["gates"])]
    return "\n\n".join(parts) + "\n"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [_row(header), _row(["---"] * len(header)), *(_row(row) for row in rows)]
    return "\n".join(lines)


def number_text(value: object) -> str:
    """A cell: six decimals for numbers with a fraction, counts and texts as they are."""
    if value is None:
        return "n/a"
    if isinstance(value, float):
        return f"{value + 0.0:.6f}"
    return str(value)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _table(values: Mapping[str, Any], keys: Sequence[str]) -> str:
    rows = [[key, number_text(_as_number(values[key]))] for key in keys]
    return markdown_table(["key", "value"], rows)


def _as_number(value: object) -> object:
    """Numpy's numbers as Python's."""
    item = getattr(value, "item", None)
    return item() if callable(item) else value


def _bounds(document: Mapping[str, Any]) -> str:
    bounds, meta = document["time_bounds"], document["metadata"]
    return (
        f"{bounds['from']} to {bounds['to']}, {document['data']['source']}, "
        f"mode {meta['mode']}, queue model {meta['queue_model']}, seed {meta['seed']}"
    )


def _gates(gates: Mapping[str, Any]) -> str:
    lines = ["PASS" if gates["passed"] else "FAIL"]
    lines += [f"- {reason}" for reason in gates["reasons"]]
    limits = gates["thresholds"]
    rows = [
        ["net_bps", ">=", number_text(float(limits["net_bps"]))],
        ["taker_share_pct", "<=", number_text(float(limits["taker_share_pct"]))],
        ["order_age_p95_ms", "<=", number_text(float(limits["order_age_p95_ms"]))],
    ]
    return "\n".join(lines) + "\n\n" + markdown_table(["gate", "op", "threshold"], rows)
