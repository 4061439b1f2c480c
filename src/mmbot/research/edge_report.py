r"""``EDGE_REPORT``: what quoting earned and what it cost, in bps of turnover.

For a fill on side d (+1 buy, -1 sell) of quantity q at price p::

    gross     = sum d (M - R) q                  M mid at the decision, R reference price
    slippage  = sum d ((M - m) + (p - R)) q      m mid immediately before the fill
    adverse   = sum d (m - m') q                 m' mid one horizon after the fill
    inventory = sum d (m' - m_T) q - Q_0 (m_T - m_0)
    net       = gross - fees - slippage - adverse - inventory

The sum telescopes to the ledger's result without a rest. ``gross - slippage`` is the effective half
spread and ``adverse`` the price impact of R. Huang and H. Stoll (1996), slippage is delay plus
concession after A. Perold (1988), inventory the holding result of T. Ho and H. Stoll (1981).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mmbot.research.metrics import (
    block_reasons,
    component_breakdown,
    negative_edge_drivers,
    share,
)
from mmbot.research.pooling import pool
from mmbot.research.report_markdown import markdown_table, number_text
from mmbot.store.artifacts import write_json, write_text
from mmbot.store.runtime import runtime_block
from mmbot.units import NS_PER_HOUR, format_utc_ns

__all__ = [
    "build_edge_report",
    "edge_fields",
    "edge_markdown",
    "edge_table_rows",
    "write_edge_report",
]

_COLUMNS: Final = (
    "gross_bps",
    "fees_eff_bps",
    "adverse_bps",
    "slippage_bps",
    "inventory_bps",
    "net_bps",
    "fills",
    "turnover_usd",
)


def build_edge_report(
    results: Mapping[str, Mapping[str, Any]],
    *,
    horizon_ms: int,
    mode: str | None = None,
    rejected_lines: int = 0,
    totals: Mapping[str, Any] | None = None,
    window: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """The content of ``EDGE_REPORT.json``.

    Args:
        results: result mapping of every symbol, as `mmbot.core.Backtest.result` gives it.
        horizon_ms: when adverse selection was measured.
        mode: of the session, for the ``runtime`` block.
        rejected_lines: input lines that could not be used.
        totals: result of all symbols together; default is `mmbot.research.pooling.pool` of them.
        window: first and last instant, nanoseconds; default is the span of the totals.
    """
    symbols = {symbol: edge_fields(results[symbol]) for symbol in sorted(results)}
    if totals is None:
        totals = pool(list(results.values()), bar_ns=NS_PER_HOUR)
        window = window or (int(totals["first_ts_ns"]), int(totals["last_ts_ns"]))
    start, end = (None, None) if window is None else (format_utc_ns(ns) for ns in window)
    return {
        "runtime": runtime_block(mode=mode),
        "window": {"from": start, "to": end},
        "horizon_ms": horizon_ms,
        "rejected_lines": rejected_lines,
        "symbols": symbols,
        "totals": edge_fields(totals),
    }


def edge_fields(result: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of one symbol, or of all of them pooled."""
    turnover = float(result["turnover_usd"])
    components = component_breakdown(result["edge"], turnover)
    blocks = block_reasons(result["block_counts"])
    maker_pct = 100.0 * share(float(result["maker_turnover_usd"]), turnover)
    taker_pct = 100.0 * share(float(result["taker_turnover_usd"]), turnover)
    actions = result["places"] + result["replaces"] + result["cancels"]
    return {
        **components,
        "component_breakdown": components,
        "neg_edge_drivers": negative_edge_drivers(components),
        "adverse_bps_p95": float(result["adverse_bps_p95"]),
        "slippage_bps_p95": float(result["slippage_bps_p95"]),
        "order_age_p95_ms": float(result["order_age_ms"]["p95"]),
        "ws_lag_p95_ms": float(result["ws_lag_ms"]["p95"]),
        "p95_latency_ms": float(result["latency_ms"]["p95"]),
        "cancel_ratio": share(result["cancels"], actions),
        "replace_ratio": share(result["replaces"], actions),
        "maker_share_pct": maker_pct,
        "taker_share_pct": taker_pct,
        "maker_taker_ratio": maker_pct / 100.0,
        "fills": int(result["fills_total"]),
        "turnover_usd": turnover,
        "pnl_usd": float(result["edge"]["net_usd"]),
        "attempts": int(result["attempts"]),
        "block_reasons": blocks,
        "risk_ratio": blocks["risk"]["ratio"],
    }


def edge_markdown(report: Mapping[str, Any]) -> str:
    """``EDGE_REPORT.md``: one row per symbol, TOTAL last."""
    header, *rows = edge_table_rows(report)
    window = report["window"]
    span = f"{window['from']} to {window['to']}" if window["from"] else "no fills"
    table = markdown_table(header, rows)
    drivers = ", ".join(report["totals"]["neg_edge_drivers"]) or "none"
    return (
        f"# Edge\n\n{span}, adverse selection after {report['horizon_ms']} ms, "
        f"{report['rejected_lines']} lines rejected\n\n{table}\n\n"
        f"Costs that make the total negative: {drivers}\n"
    )


def edge_table_rows(report: Mapping[str, Any]) -> list[Sequence[str]]:
    """Header, one row per symbol, TOTAL last."""
    rows = [_row(symbol, report["symbols"][symbol]) for symbol in sorted(report["symbols"])]
    return [["symbol", *_COLUMNS], *rows, _row("TOTAL", report["totals"])]


def write_edge_report(report: Mapping[str, Any], out: Path) -> list[Path]:
    """Write the JSON file and the Markdown beside it; return their paths."""
    beside = out.with_suffix(".md")
    text = edge_markdown(report)
    write_json(out, report, nonfinite="null")
    write_text(beside, text)
    return [out, beside]


def _row(name: str, fields: Mapping[str, Any]) -> Sequence[str]:
    return [name, *(number_text(fields[column]) for column in _COLUMNS)]
