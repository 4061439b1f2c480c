"""The charts of the HTML report, from the engine's result and its samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmbot.research.metrics import COMPONENTS, bps_of
from mmbot.research.models import Columns, SymbolRun
from mmbot.research.plots import (
    Band,
    Bar,
    Histogram,
    Line,
    Marks,
    Step,
    TimeChart,
    bar_chart,
    histogram_chart,
    row_chart,
    time_chart,
    waterfall_chart,
)
from mmbot.units import BPS_PER_UNIT

__all__ = [
    "blocks_chart",
    "equity_chart",
    "markout_chart",
    "position_chart",
    "price_chart",
    "queue_chart",
    "spread_chart",
    "waterfall",
]

_HALF: Final = 570
_DETAILS_SHOWN: Final = 4
_NAMES: Final = {
    "gross_bps": "gross",
    "fees_eff_bps": "fees",
    "slippage_bps": "slippage",
    "adverse_bps": "adverse",
    "inventory_bps": "inventory",
    "net_bps": "net",
}


def equity_chart(ts_ns: NDArray[Any], equity_usd: NDArray[Any]) -> str:
    """Net PnL since the start, marked at the mid."""
    lines = []
    if len(ts_ns):
        lines = [
            Line(
                name="net PnL",
                ts_ns=ts_ns.tolist(),
                values=equity_usd.tolist(),
                klass="blue",
                fill=True,
            )
        ]
    return time_chart(TimeChart(title="Net PnL over time", unit="USD", lines=lines, zero=True))


def waterfall(edge_usd: Mapping[str, float], turnover_usd: float) -> str:
    """From the quoted edge to the net result, in bps of turnover."""
    steps = []
    for bps_name, usd_name in COMPONENTS.items():
        amount = float(edge_usd[usd_name])
        cost = bps_name not in {"gross_bps", "net_bps"}
        usd = -amount if cost else amount
        value = bps_of(usd, turnover_usd)
        steps.append(
            Step(
                name=_NAMES[bps_name],
                value=value + 0.0,
                total=bps_name == "net_bps",
                note=f"{_NAMES[bps_name]}: {value:+.4f} bps, {usd:+,.2f} USD",
            )
        )
    return waterfall_chart(steps, title="Edge decomposition, bps of turnover")


def markout_chart(markouts: Sequence[Mapping[str, Any]]) -> str:
    """Mean move of the mid in favour of the fills, by the time after them."""
    bars = [
        Bar(
            name=_horizon(int(markout["horizon_ms"])),
            value=float(markout["mean_bps"]),
            klass="gain" if markout["mean_bps"] >= 0 else "loss",
            note=(
                f"{_horizon(int(markout['horizon_ms']))} after the fill: "
                f"{markout['mean_bps']:+.4f} bps over {markout['count']:,} fills"
            ),
        )
        for markout in markouts
        if markout["count"]
    ]
    return bar_chart(bars, title="Markout by horizon, bps")


def price_chart(run: SymbolRun) -> str:
    """The mid with own quotes around it and own fills on it."""
    curve, fills = run.curve, run.fills
    if curve is None or not len(curve["ts_ns"]):
        return time_chart(TimeChart(title="Mid and fills", unit="", lines=[]))
    ts_ns = curve["ts_ns"].tolist()
    mid = Line(name="mid", ts_ns=ts_ns, values=curve["mid"].tolist(), klass="grey")
    quotes = Band(
        name="own best quotes",
        ts_ns=ts_ns,
        low=curve["own_bid"].tolist(),
        high=curve["own_ask"].tolist(),
        klass="violet",
    )
    return time_chart(
        TimeChart(
            title="Mid, own quotes and fills",
            unit="",
            lines=[mid],
            bands=[quotes],
            marks=[] if fills is None else _fill_marks(fills),
        )
    )


def position_chart(run: SymbolRun) -> str:
    """The position in base units over time."""
    lines = _curve_lines(run.curve, {"position": ("position", "violet")}, fill=True, step=True)
    return time_chart(
        TimeChart(title="Position", unit="base units", lines=lines, width=_HALF, zero=True)
    )


def spread_chart(run: SymbolRun) -> str:
    """The market's spread and the distance between own best quotes."""
    curve = run.curve
    lines = _curve_lines(curve, {"market": ("spread_bps", "grey")})
    if curve is not None and len(curve["ts_ns"]):
        own = BPS_PER_UNIT * (curve["own_ask"] - curve["own_bid"]) / curve["mid"]
        lines.append(
            Line(
                name="own quotes",
                ts_ns=curve["ts_ns"].tolist(),
                values=own.tolist(),
                klass="orange",
            )
        )
    return time_chart(TimeChart(title="Spread", unit="bps", lines=lines, width=_HALF, zero=True))


def blocks_chart(result: Mapping[str, Any]) -> str:
    """Refusals to act: by reason, and below by the check that refused."""
    reasons = _counted(result["block_counts"], "violet")
    details = [bar for bar in _counted(result["block_details"], "grey") if bar.value]
    charts = [row_chart(reasons, title="Block reasons")]
    if details:
        charts.append(row_chart(details[:_DETAILS_SHOWN], title="Block details"))
    return "".join(charts)


def queue_chart(result: Mapping[str, Any]) -> str:
    """How long fills had waited in the queue at their price."""
    waits = result["queue_wait_ms"]
    return histogram_chart(
        Histogram(
            title="Queue wait of fills",
            values_ms=np.asarray(waits["hist_edges_ms"]).tolist(),
            counts=np.asarray(waits["hist_counts"]).tolist(),
            marks={name: float(waits[name]) for name in ("p50", "p95")},
            klass="blue",
        )
    )


def _curve_lines(
    curve: Columns | None,
    columns: Mapping[str, tuple[str, str]],
    *,
    fill: bool = False,
    step: bool = False,
) -> list[Line]:
    """A line for each name: (column, colour)."""
    if curve is None or not len(curve["ts_ns"]):
        return []
    ts_ns = curve["ts_ns"].tolist()
    return [
        Line(
            name=name,
            ts_ns=ts_ns,
            values=curve[column].tolist(),
            klass=klass,
            fill=fill,
            step=step,
        )
        for name, (column, klass) in columns.items()
    ]


def _fill_marks(fills: Columns) -> list[Marks]:
    marks = []
    for name, side, shape in (("buys", 1, "up"), ("sells", -1, "down")):
        of_side = fills["side"] == side
        marks.append(
            Marks(
                name=name,
                ts_ns=fills["ts_ns"][of_side].tolist(),
                values=fills["px"][of_side].tolist(),
                klass="buy" if side > 0 else "sell",
                shape="up" if shape == "up" else "down",
            )
        )
    return marks


def _counted(counts: Mapping[str, int], klass: str) -> list[Bar]:
    """A bar for each name, the largest first."""
    bars = [Bar(name=name, value=float(count), klass=klass) for name, count in counts.items()]
    return sorted(bars, key=lambda bar: -bar.value)


def _horizon(horizon_ms: int) -> str:
    if horizon_ms % 60_000 == 0:
        return f"{horizon_ms // 60_000} min"
    return f"{horizon_ms // 1000} s" if horizon_ms % 1000 == 0 else f"{horizon_ms} ms"
