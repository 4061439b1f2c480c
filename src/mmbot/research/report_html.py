"""The HTML report of a run: one file that shows everything and fetches nothing.

Equal input gives equal bytes: no time of day, no random ids, charts from the numbers alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mmbot.research import html_charts as charts
from mmbot.research.html_parts import Tile, card, definitions, page, table, tiles, verdict
from mmbot.research.metrics import component_breakdown, share
from mmbot.research.models import BacktestReport, Gates, SymbolRun
from mmbot.research.plots.numbers import compact
from mmbot.research.pooling import pool
from mmbot.research.report import HEADLINE, headline, performance
from mmbot.research.report_markdown import number_text
from mmbot.research.thinning import thinned
from mmbot.units import NS_PER_MIN, format_duration, format_utc

__all__ = ["PageFacts", "backtest_html", "run_html"]

_COUNTERS = (
    "quotes",
    "orders",
    "amends",
    "cancels",
    "replaces",
    "batch_cancels",
    "stale_cancels",
    "refresh_amends",
    "orders_rejected",
    "toxic_sweeps",
)
_LEVELS = ("gross_bps", "fees_eff_bps", "slippage_bps", "adverse_bps", "inventory_bps", "net_bps")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """What the page says beside the numbers.

    `facts` is a table of names and values; `gates` are shown when there are any.
    """

    title: str
    facts: Mapping[str, str]
    budget_usd: float
    bar_minutes: int
    gates: Gates | None = None


def backtest_html(report: BacktestReport) -> str:
    """The page of a backtest that kept detail."""
    document = report.document
    meta, data = document["metadata"], document["data"]
    facts = {
        "data": f"{data['source']}, {data['rows']:,} rows, {100 * data['coverage']:.2f}% covered",
        "fill logic": f"{meta['mode']}, queue model {meta['queue_model']}",
        "seed": str(meta["seed"]),
        "version": f"{document['runtime']['version']} ({meta['git_sha']})",
        "configuration": str(meta["cfg_hash"]),
        "parameters": str(meta["params_hash"]),
        "data hash": str(meta["data_hash"]),
    }
    calibration = {name: value for name, value in document["calibration_used"].items() if value}
    if calibration:
        facts["calibration"] = ", ".join(f"{name} {value:g}" for name, value in calibration.items())
    return run_html(
        report.runs,
        PageFacts(
            title=f"Backtest {', '.join(document['symbols'])}",
            facts=facts,
            budget_usd=report.budget_usd,
            bar_minutes=report.bar_minutes,
            gates=report.gates,
        ),
    )


def run_html(runs: Sequence[SymbolRun], facts: PageFacts) -> str:
    """The page of any run: backtest or session."""
    result = pool([run.result for run in runs], bar_ns=facts.bar_minutes * NS_PER_MIN)
    numbers = {
        **headline(result),
        **performance(result, bar_minutes=facts.bar_minutes, budget_usd=facts.budget_usd),
    }
    body = [tiles(_tiles(numbers, result))]
    if facts.gates is not None:
        body.append(verdict(facts.gates))
    if len(runs) > 1:
        body.append(_overview(runs, result))
    body += [_symbol_section(_thin(run), named=len(runs) > 1) for run in runs]
    body.append(_numbers_section(result, numbers, facts))
    text = page(facts.title, _subtitle(result), "\n".join(body), _FOOTER)
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


_FOOTER = (
    "gross: quoted edge against the mid of the decision. slippage: drift of the mid while the "
    "quote was out, plus price concession. adverse: move of the mid against the fill after it. "
    "inventory: result of holding what was left, until the end. net = gross - fees - slippage - "
    "adverse - inventory, equal to the ledger's result. Times are UTC."
)


def _subtitle(result: Mapping[str, Any]) -> str:
    first, last = int(result["first_ts_ns"]), int(result["last_ts_ns"])
    length_ns = last - first
    whole_ns = length_ns - length_ns % 1_000_000_000
    return f"{format_utc(first)} to {format_utc(last)}, {format_duration(whole_ns)} of market time"


def _tiles(numbers: Mapping[str, Any], result: Mapping[str, Any]) -> list[Tile]:
    tone = "pos" if numbers["net_pnl_usd"] >= 0 else "neg"
    age = result["order_age_ms"]
    lost = 100 * numbers["max_drawdown"]
    wins, trips = result["profitable_round_trips"], result["round_trips"]
    return [
        Tile(
            name="Net PnL",
            value=f"{numbers['net_pnl_usd']:+,.2f}",
            unit="USD",
            more=_fees_note(numbers["fees_bps"]),
            tone=tone,
        ),
        Tile(
            name="Net edge",
            value=f"{numbers['net_bps']:+.3f}",
            unit="bps",
            more=f"of {compact(numbers['turnover_usd'])} USD turnover",
            tone=tone,
        ),
        Tile(
            name="Fills",
            value=f"{numbers['fills_total']:,}",
            more=f"{100 * numbers['maker_share']:.1f}% of turnover passive",
        ),
        Tile(
            name="Max drawdown",
            value=f"{numbers['max_drawdown_usd']:,.2f}",
            unit="USD",
            more=f"{lost:.3f}% of peak equity, at bar ends",
        ),
        Tile(
            name="Profitable round trips",
            value=f"{100 * numbers['hit_rate']:.1f}",
            unit="%",
            more=f"{wins:,} of {trips:,}, fees of both legs included",
        ),
        Tile(
            name="Order age p95",
            value=f"{age['p95']:,.0f}",
            unit="ms",
            more=f"p50 {age['p50']:,.0f} ms, p99 {age['p99']:,.0f} ms",
        ),
        Tile(
            name="Orders filled",
            value=f"{100 * numbers['fill_rate']:.1f}",
            unit="%",
            more=f"{result['orders_with_fill']:,} of {result['orders_accepted']:,} accepted",
        ),
        Tile(
            name="Actions wanted",
            value=f"{result['attempts']:,}",
            more=f"{sum(result['block_counts'].values()):,} refused by a limit or throttle",
        ),
    ]


def _fees_note(fees_bps: float) -> str:
    kind = "rebates" if fees_bps < 0 else "fees"
    return f"with {abs(fees_bps):.3f} bps of {kind}"


def _overview(runs: Sequence[SymbolRun], result: Mapping[str, Any]) -> str:
    """Equity of all symbols together, and a row for each."""
    bars = result["bars"]
    equity = charts.equity_chart(np.asarray(bars["ts_ns"]), np.asarray(bars["equity_usd"]))
    rows = [_edge_row(run.symbol, run.result) for run in runs]
    rows.append(_edge_row("TOTAL", result))
    columns = ["symbol", *_LEVELS, "fills", "turnover_usd", "net_usd"]
    return (
        '<h2>All symbols</h2><div class="grid">'
        + card("Equity", "net PnL at bar ends, USD", equity, wide=True)
        + card(
            "Edge by symbol",
            "bps of turnover; costs are positive",
            table(columns, rows, last_is_total=True),
            wide=True,
        )
        + "</div>"
    )


def _edge_row(name: str, result: Mapping[str, Any]) -> list[str]:
    turnover = float(result["turnover_usd"])
    components = component_breakdown(result["edge"], turnover)
    return [
        name,
        *(f"{components[key]:+.3f}" for key in _LEVELS),
        f"{result['fills_total']:,}",
        f"{turnover:,.0f}",
        f"{result['net_pnl_usd']:+,.2f}",
    ]


def _thin(run: SymbolRun) -> SymbolRun:
    """No more points than a page of this size can show."""
    return replace(
        run,
        curve=None if run.curve is None else thinned(run.curve),
        fills=None if run.fills is None else thinned(run.fills),
    )


def _symbol_section(run: SymbolRun, *, named: bool) -> str:
    result, curve = run.result, run.curve
    turnover = float(result["turnover_usd"])
    if curve is not None and len(curve["ts_ns"]):
        equity = charts.equity_chart(curve["ts_ns"], curve["net_pnl_usd"])
    else:
        bars = result["bars"]
        equity = charts.equity_chart(np.asarray(bars["ts_ns"]), np.asarray(bars["equity_usd"]))
    parts = [
        card("Equity", "net PnL since the start, marked at the mid, USD", equity, wide=True),
        card(
            "Edge decomposition",
            "from the quoted edge to the net result, bps of turnover",
            charts.waterfall(result["edge"], turnover),
        ),
        card(
            "Markout by horizon",
            "mean result of a fill against the mid some time later, bps",
            charts.markout_chart(result["markouts"]),
        ),
        card(
            "Market and fills",
            _fills_hint(run),
            charts.price_chart(run),
            wide=True,
        ),
        card("Position", "base units", charts.position_chart(run)),
        card("Spread", "bps of the mid", charts.spread_chart(run)),
        card("Block reasons", "refusals to act, each counted once", charts.blocks_chart(result)),
        card("Queue wait", "share of fills in %, by their wait", charts.queue_chart(result)),
    ]
    title = f"<h2>{run.symbol}</h2>" if named else ""
    return f'{title}<div class="grid">{"".join(parts)}</div>'


def _fills_hint(run: SymbolRun) -> str:
    shown = 0 if run.fills is None else len(run.fills["ts_ns"])
    total = int(run.result["fills_total"])
    if shown >= total:
        return f"mid, own best quotes, and all {total:,} fills at their prices"
    return f"mid, own best quotes, and {shown:,} of {total:,} fills at their prices"


def _numbers_section(
    result: Mapping[str, Any], numbers: Mapping[str, Any], facts: PageFacts
) -> str:
    head = [[key, number_text(numbers[key])] for key in HEADLINE]
    rest = [[key, number_text(float(numbers[key]))] for key in numbers if key not in HEADLINE]
    activity = [[key, f"{result[key]:,}"] for key in _COUNTERS]
    blocked = sum(result["block_details"].values())
    details = [
        [name, f"{count:,}", f"{100 * share(count, blocked):.1f}%"]
        for name, count in sorted(result["block_details"].items(), key=lambda item: -item[1])
        if count
    ]
    gates = ""
    if facts.gates is not None:
        gates = card("Gates", "limits of this run", _gate_table(numbers, facts.gates))
    return (
        '<h2>Numbers</h2><div class="grid">'
        + card("Headline", "as in the JSON report", table(["key", "value"], head))
        + card("Performance", f"bars of {facts.bar_minutes} min", table(["key", "value"], rest))
        + card("Orders", "counts", table(["key", "value"], activity))
        + card("Blocks in detail", "which check refused", table(["check", "count", "%"], details))
        + gates
        + card("This run", "what it takes to repeat it", definitions(facts.facts))
        + "</div>"
    )


def _gate_table(numbers: Mapping[str, Any], gates: Gates) -> str:
    limits = gates.thresholds
    rows = [
        ("net_bps", ">=", limits.net_bps, numbers["net_bps"] >= limits.net_bps),
        (
            "taker_share_pct",
            "<=",
            limits.taker_share_pct,
            numbers["taker_share_pct"] <= limits.taker_share_pct,
        ),
        (
            "order_age_p95_ms",
            "<=",
            limits.order_age_p95_ms,
            numbers["order_age_p95_ms"] <= limits.order_age_p95_ms,
        ),
    ]
    cells = [
        [name, f"{numbers[name]:,.3f}", f"{op} {limit:g}", "pass" if passed else "FAIL"]
        for name, op, limit, passed in rows
    ]
    return table(["gate", "actual", "limit", "verdict"], cells)
