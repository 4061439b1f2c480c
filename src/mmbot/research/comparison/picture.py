"""The picture of a comparison: the parts of the difference, and PnL over time on both sides."""

from __future__ import annotations

from typing import Final

from mmbot.research.charts import Columns, Figure, Panel, Series
from mmbot.research.comparison.compare import Comparison
from mmbot.research.comparison.split import PARTS, Run
from mmbot.units import NS_PER_SEC

__all__ = ["figure"]

_POINTS: Final = 500
_SEC_PER_MIN: Final = 60


def figure(found: Comparison) -> Figure:
    """Columns of the parts by symbol, and the course of both sides."""
    symbols = [facts["symbol"] for facts in found.inputs.header["instruments"]]
    series = [
        (symbol, [float(split.parts[name]) for name in PARTS])
        for symbol, split in zip(symbols, found.splits, strict=True)
    ]
    return Figure(
        title=f"Session {found.inputs.header['session_id']} against its simulation",
        panels=(
            Columns("Session minus simulation, USD", [*PARTS], series),
            Panel(
                title="PnL of the fills at the last mid, USD",
                x_label="minutes",
                series=(_course("session", found.session), _course("simulated", found.simulated)),
            ),
            Panel(
                title="Latency of orders, ms: P(order > x)",
                x_label="ms",
                series=(_tail("session", found.session), _tail("simulated", found.simulated)),
            ),
        ),
    )


def _course(name: str, run: Run) -> Series:
    """Sums over the fills in order of time, each worth what it gains to the last mid."""
    gains = sorted(
        (
            fill.ts_ns,
            float(
                (order.sign * (run.marks[order.instrument] - fill.px) * fill.qty - fill.fee)
                * run.account.unit_usd(order.instrument)
            ),
        )
        for order in run.account.orders.values()
        for fill in order.fills
    )
    if not gains:
        return Series(name, (), ())
    first_ns, total = gains[0][0], 0.0
    points = []
    for ts_ns, gain in gains:
        total += gain
        points.append(((ts_ns - first_ns) / NS_PER_SEC / _SEC_PER_MIN, total))
    return _series(name, points)


def _tail(name: str, run: Run) -> Series:
    taken = sorted(
        order.latency_ns["place"] / 1e6
        for order in run.account.orders.values()
        if "place" in order.latency_ns
    )
    return _series(name, [(ms, 1 - at / len(taken)) for at, ms in enumerate(taken)])


def _series(name: str, points: list[tuple[float, float]]) -> Series:
    step = max(1, len(points) // _POINTS)
    kept = points[::step] if len(points) > _POINTS else points
    return Series(name, tuple(x for x, _ in kept), tuple(y for _, y in kept))
