"""The page of a soak run: KPIs with their gates, parameters over time, every decision and why.

One file that fetches nothing; equal input gives equal bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mmbot.research.html_parts import Tile, card, definitions, page, table, tiles
from mmbot.research.plots import Band, Line, Step, TimeChart, time_chart, waterfall_chart
from mmbot.soak.kpi import SOFT_LIMITS
from mmbot.soak.last8 import complete, last8_gate
from mmbot.soak.parameters import TUNABLES, shown
from mmbot.soak.run_gates import weighted
from mmbot.units import parse_utc_ns

__all__ = ["dashboard_html", "soak_html"]

_HALF: Final = 570
_SIDE_WINDOWS: Final = 3
_COMPONENTS: Final = {
    "gross_bps": "gross",
    "fees_eff_bps": "fees",
    "slippage_bps": "slippage",
    "adverse_bps": "adverse",
    "inventory_bps": "inventory",
    "net_bps": "net",
}
_FOOTER: Final = (
    "Each point is one measuring window. Shaded bands are where a gate warns, grey lines where it "
    "fails. Parameters are the values in force, warm-up included. Times are UTC."
)


@dataclass(frozen=True, slots=True)
class _Kpi:
    """A chart of one metric with its gate: warn band and failing limit."""

    name: str
    title: str
    unit: str
    limit: float | None = None
    warn: tuple[float, float] | None = None


def _kpis(gate: Mapping[str, float]) -> tuple[_Kpi, ...]:
    """What is charted, with the limits of the run's soft gate."""
    net, risk = gate["net_bps_fail"], gate["risk_ratio_fail"]
    adverse = gate["adverse_bps_p95_warn"]
    return (
        _Kpi("net_bps", "Net edge", "bps", limit=net),
        _Kpi("risk_ratio", "Risk ratio", "", limit=risk, warn=(gate["risk_ratio_warn"], risk)),
        _Kpi("adverse_bps_p95", "Adverse selection p95", "bps", warn=(adverse, adverse + 1.0)),
        _Kpi("slippage_bps_p95", "Slippage p95", "bps"),
        _Kpi("order_age_p95_ms", "Order age p95", "ms", limit=350.0),
        _Kpi("p95_latency_ms", "Latency p95", "ms", limit=330.0),
    )


def soak_html(document: Mapping[str, Any], summaries: Sequence[Mapping[str, Any]]) -> str:
    """The page.

    Args:
        document: the run report (`mmbot.soak.run_report.run_report`).
        summaries: ITER_SUMMARY documents, ascending.
    """
    body = [tiles(_tiles(document, summaries)), _gates(document)]
    body += _charts(summaries, document["metadata"].get("soft_gate") or SOFT_LIMITS)
    body.append(_waterfalls(summaries))
    body.append(_decisions(summaries))
    body.append(_facts(document))
    title = f"Soak run {document['run_id']}"
    text = page(title, _subtitle(document, summaries), "\n".join(body), _FOOTER)
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def dashboard_html(
    run: Mapping[str, Any],
    summaries: Sequence[Mapping[str, Any]],
    *,
    skipped: Sequence[str],
    size_mb: float,
) -> str:
    """The page of a run that goes on.

    Args:
        run: the ``RUN.json`` document; empty while there is none.
        summaries: its records so far, ascending.
        skipped: names of records that cannot be read.
        size_mb: size of the soak tree.
    """
    last8 = last8_gate(summaries)
    newest = summaries[-1] if summaries else None
    guards = {} if newest is None else dict(newest["tuning"].get("guards") or {})
    facts = {
        "run": str(run.get("run_id", "none yet")),
        "phase": "-" if newest is None else str(newest.get("phase")),
        "last eight": last8.line,
        "frozen until": str(guards.get("frozen_until_iter") or "-"),
        "cooldown until": str(guards.get("cooldown_until_iter") or "-"),
        "artifacts": f"{size_mb:.1f} MB",
        "records that cannot be read": ", ".join(skipped) or "none",
    }
    body = [f'<div class="grid">{card("State", "", definitions(facts), wide=True)}</div>']
    body.append(_decisions(summaries))
    body += _charts(summaries, run.get("soft_gate") or SOFT_LIMITS)
    subtitle = f"iteration {len(summaries)} of {run.get('iterations', '?')}"
    text = page("Soak Test Dashboard", subtitle, "\n".join(body), _FOOTER)
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _charts(summaries: Sequence[Mapping[str, Any]], gate: Mapping[str, float]) -> list[str]:
    """KPIs with their gates, and parameters, over time."""
    kpis = "".join(card(k.title, _hint(k), _kpi_chart(k, summaries)) for k in _kpis(gate))
    parameters = "".join(
        card(name, _range(name), _parameter_chart(name, summaries)) for name in TUNABLES
    )
    return [
        f'<h2>Measured</h2><div class="grid">{kpis}</div>',
        f'<h2>Parameters</h2><div class="grid">{parameters}</div>',
    ]


def _subtitle(document: Mapping[str, Any], summaries: Sequence[Mapping[str, Any]]) -> str:
    length = f"{document['duration_hours']:.2f} h of trading time, mode {document['mode']}"
    if not summaries:
        return length
    return f"{summaries[0]['window']['from']} to {summaries[-1]['window']['to']}, {length}"


def _tiles(document: Mapping[str, Any], summaries: Sequence[Mapping[str, Any]]) -> list[Tile]:
    metrics, kpi, tuning = document["metrics"], document["kpi"], document["tuning"]
    edge = metrics["edge_bps"]
    verdict = document["verdict"]
    return [
        Tile(
            name="Verdict",
            value=verdict,
            more=document["stop_reason"] or f"{document['iterations_completed']} iterations",
            tone="pos" if verdict == "PASS" else "neg",
        ),
        Tile(
            name="Net edge",
            value=_number(edge, "+.2f"),
            unit="bps",
            more="last 24 h, weighted by turnover",
            tone="" if edge is None else "pos" if edge >= 0 else "neg",
        ),
        Tile(
            name="Iterations",
            value=f"{kpi['pass']} pass",
            more=f"{kpi['warn']} warn, {kpi['fail']} fail, {kpi['unknown']} unknown",
        ),
        Tile(
            name="Changes in force",
            value=str(tuning["applied"]),
            more=f"of {sum(bool(s['tuning']['deltas']) for s in summaries)} proposed",
        ),
        Tile(
            name="Fallbacks, panics",
            value=f"{tuning['fallbacks']}, {tuning['panics']}",
            more=f"{tuning['cooldowns']} cooldowns, {tuning['freezes']} freezes",
        ),
        Tile(
            name="Latency p95",
            value=_number(metrics["tick_latency_p95_ms"], ".1f"),
            unit="ms",
            more="frame received to action handed over",
        ),
    ]


def _gates(document: Mapping[str, Any]) -> str:
    chips = []
    for name, gate in document["gates"]["run"].items():
        klass = "ok" if gate["passed"] else "bad"
        value = _number(gate["value"], ".3f")
        chips.append(
            f'<span class="chip {klass}">{name} {value} {_op(gate["op"])} {gate["limit"]:g}</span>'
        )
    for name in ("hard_mode", "last8"):
        if name in document["gates"]:
            passed = document["gates"][name]["passed"]
            chips.append(
                f'<span class="chip {"ok" if passed else "bad"}">{name} '
                f"{'pass' if passed else 'FAIL'}</span>"
            )
    return f'<div class="verdict">{"".join(chips)}</div>'


def _op(op: str) -> str:
    return {"<=": "&le;", ">=": "&ge;"}[op]


def _hint(kpi: _Kpi) -> str:
    parts = [kpi.unit or "share"]
    if kpi.warn is not None:
        parts.append(f"warns from {kpi.warn[0]:g}")
    if kpi.limit is not None:
        parts.append(f"limit {kpi.limit:g}")
    return ", ".join(parts)


def _range(name: str) -> str:
    tunable = TUNABLES[name]
    return f"hard range {shown(name, tunable.low)} to {shown(name, tunable.high)}"


def _kpi_chart(kpi: _Kpi, summaries: Sequence[Mapping[str, Any]]) -> str:
    points = [(_ts_ns(s), s["summary"][kpi.name]) for s in summaries]
    known = [(ts, float(value)) for ts, value in points if value is not None]
    if not known:
        return time_chart(TimeChart(title=kpi.title, unit=kpi.unit, lines=[], width=_HALF))
    times = [ts for ts, _ in known]
    lines = [Line(name=kpi.name, ts_ns=times, values=[value for _, value in known], klass="blue")]
    if kpi.limit is not None:
        limits = [kpi.limit] * len(times)
        lines.append(Line(name=f"limit {kpi.limit:g}", ts_ns=times, values=limits, klass="grey"))
    bands = []
    if kpi.warn is not None:
        low, high = kpi.warn
        bands.append(
            Band(
                name=f"warn {low:g} to {high:g}",
                ts_ns=times,
                low=[low] * len(times),
                high=[high] * len(times),
                klass="orange",
            )
        )
    return time_chart(
        TimeChart(title=kpi.title, unit=kpi.unit, lines=lines, bands=bands, width=_HALF)
    )


def _parameter_chart(name: str, summaries: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    if summaries:
        lines = [
            Line(
                name=name,
                ts_ns=[_ts_ns(s) for s in summaries],
                values=[float(s["overrides"][name]) for s in summaries],
                klass="violet",
                step=True,
            )
        ]
    return time_chart(TimeChart(title=name, unit="", lines=lines, width=_HALF))


def _waterfalls(summaries: Sequence[Mapping[str, Any]]) -> str:
    """Where the edge came from before tuning and after it, if windows carry the components."""
    windows = [
        s for s in complete(summaries) if all(s["summary"][c] is not None for c in _COMPONENTS)
    ]
    if len(windows) < 2 * _SIDE_WINDOWS:
        return ""
    sides = {
        "Edge at the start": windows[:_SIDE_WINDOWS],
        "Edge at the end": windows[-_SIDE_WINDOWS:],
    }
    cards = "".join(
        card(
            title,
            f"iterations {side[0]['iteration']} to {side[-1]['iteration']}, bps of turnover",
            waterfall_chart(_steps(side), title=title),
        )
        for title, side in sides.items()
    )
    return f'<h2>Before and after</h2><div class="grid">{cards}</div>'


def _steps(windows: Sequence[Mapping[str, Any]]) -> list[Step]:
    steps = []
    for name, label in _COMPONENTS.items():
        value = weighted(windows, name, "turnover_usd") or 0.0
        cost = name not in ("gross_bps", "net_bps")
        steps.append(
            Step(name=label, value=(-value if cost else value) + 0.0, total=name == "net_bps")
        )
    return steps


def _decisions(summaries: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for summary in summaries:
        tuning = summary["tuning"]
        rows.append(
            [
                str(summary["iteration"]),
                _number(summary["summary"]["net_bps"], "+.2f"),
                _number(summary["summary"]["risk_ratio"], ".3f"),
                summary["summary"]["kpi_verdict"],
                tuning["zone"] or "-",
                tuning["mode"],
                _moves(tuning),
                tuning["skipped_reason"] or "in force",
                _why(tuning),
            ]
        )
    header = ["iter", "net bps", "risk", "KPI", "zone", "mode", "change", "outcome", "rules"]
    content = card(
        "Decisions", "what was proposed, what became of it", table(header, rows), wide=True
    )
    return f'<h2>Tuning</h2><div class="grid">{content}</div>'


def _moves(tuning: Mapping[str, Any]) -> str:
    deltas = tuning["applied_deltas"] if tuning["applied"] else tuning["deltas"]
    if not deltas:
        return "-"
    parts = []
    for name, delta in deltas.items():
        text = shown(name, delta)
        parts.append(f"{name} {text if text.startswith('-') else '+' + text}")
    return "; ".join(parts)


def _why(tuning: Mapping[str, Any]) -> str:
    taken = dict.fromkeys(c["rule"] for c in tuning["changes"] if c["accepted"])
    refused = dict.fromkeys(
        f"{c['field']} refused: {c['reason']}" for c in tuning["changes"] if not c["accepted"]
    )
    removed = [f"{name} removed {', '.join(f)}" for name, f in tuning["removed"].items() if f]
    return "; ".join([*taken, *refused, *removed]) or tuning["rationale"]


def _facts(document: Mapping[str, Any]) -> str:
    meta = document["metadata"]
    facts = {
        "run": str(document["run_id"]),
        "version": f"{meta['runtime']['version']} ({meta['git_sha']})",
        "options": ", ".join(f"{k}={v}" for k, v in sorted(meta["options"].items())),
        "sources of values": ", ".join(f"{k}: {v}" for k, v in sorted(meta["sources"].items())),
        "requested at the end": ", ".join(
            f"{k}={shown(k, v)}" for k, v in sorted(document["final_overrides"].items())
        ),
    }
    inner = card("This run", "what it takes to repeat it", definitions(facts), wide=True)
    return f'<div class="grid">{inner}</div>'


def _ts_ns(summary: Mapping[str, Any]) -> int:
    return parse_utc_ns(summary["window"]["to"])


def _number(value: float | None, form: str) -> str:
    return "n/a" if value is None else format(value + 0.0, form)
