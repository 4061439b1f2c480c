"""``--mock``: scripted edge reports, no engine and no network, equal seeds give equal bytes.

Two losing iterations, then a market of three regimes drawn from a generator seeded per iteration.
A scenario replaces the table by totals of its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mmbot.research.metrics import COSTS, block_reasons, negative_edge_drivers
from mmbot.soak.markers import mark
from mmbot.soak.source import EngineParameters, WindowRequest, WindowResult, parameters_digest
from mmbot.store.runtime import runtime_block
from mmbot.units import NS_PER_SEC, format_utc

__all__ = ["MOCK_WINDOW_SEC", "MockSource", "mock_totals", "scenario_totals"]

MOCK_WINDOW_SEC: Final = 300
RUN_EDGE_BPS: Final = 2.60
_REGIMES: Final = ("calm", "calm", "volatile", "spike")
# Base, and a uniform surplus from..to: net, risk, adverse p95, slippage p95.
_TABLE: Final[Mapping[str, Sequence[tuple[float, float, float]]]] = {
    "calm": ((3.0, -0.2, 0.2), (0.25, 0.0, 0.05), (1.5, 0.0, 0.5), (1.0, 0.0, 0.3)),
    "volatile": ((2.5, -0.5, 0.5), (0.45, 0.0, 0.15), (3.0, 0.0, 1.0), (2.2, 0.0, 0.8)),
    "spike": ((1.8, -1.0, 0.5), (0.70, 0.0, 0.15), (5.5, 0.0, 2.0), (4.0, 0.0, 1.5)),
}
# Six decimals of a drawn ratio, as files keep them.
_BLOCKS: Final = 1_000_000
_TURNOVER_USD: Final = 100_000.0


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What differs from one iteration to the next."""

    net_bps: float
    adverse_p95: float
    slippage_p95: float
    blocks: Mapping[str, int]
    age_ms: float
    lag_ms: float
    slippage_bps: float
    adverse_bps: float
    regime: str


_SCRIPTED: Final = {
    1: _Drawn(
        -1.5,
        5.0,
        3.5,
        {"min_interval": 15, "concurrency": 10, "risk": 5, "throttle": 0},
        340.0,
        95.0,
        3.5,
        2.5,
        "scripted",
    ),
    2: _Drawn(
        -0.8,
        4.5,
        3.2,
        {"min_interval": 4, "concurrency": 3, "risk": 13, "throttle": 0},
        335.0,
        100.0,
        2.8,
        1.5,
        "scripted",
    ),
}


class MockSource:
    """The scripted generator as a source.

    Args:
        seed: of iteration 1; iteration i draws from ``seed + i - 1``.
        start_ns: begin of the first window; windows follow each other without a gap.
        say: where the marker of a spike goes.
        scenario: totals that replace the table, the last one repeated.
    """

    def __init__(
        self,
        *,
        seed: int,
        start_ns: int,
        say: Callable[[str], None] = lambda _line: None,
        scenario: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        self._seed = seed
        self._start_ns = start_ns
        self._say = say
        self._scenario = scenario

    def apply(self, parameters: EngineParameters) -> str | None:
        """Acknowledge at once."""
        return parameters_digest(parameters)

    def trade(self, request: WindowRequest) -> WindowResult:
        """The report of an iteration; nothing is traded."""
        i = request.iteration
        if self._scenario is not None:
            totals = scenario_totals(self._scenario[min(i, len(self._scenario)) - 1], i)
        else:
            totals, regime = mock_totals(i, self._seed)
            if regime == "spike":
                risk = f"{100 * totals['risk_ratio']:.1f}"
                self._say(mark("mock", "SPIKE_REGIME", f"iter={i} risk={risk}%"))
        from_ns = self._start_ns + (i - 1) * MOCK_WINDOW_SEC * NS_PER_SEC
        to_ns = from_ns + MOCK_WINDOW_SEC * NS_PER_SEC
        report = {
            "runtime": runtime_block(mode="mock"),
            "window": {"from": format_utc(from_ns), "to": format_utc(to_ns)},
            "horizon_ms": 1000,
            "rejected_lines": 0,
            "symbols": {},
            "totals": totals,
        }
        return WindowResult(report=report, from_ns=from_ns, to_ns=to_ns)

    def restart(self) -> None:
        """There is nothing to restart."""

    def halt(self) -> None:
        """There are no orders."""

    def run_totals(self) -> Mapping[str, float]:
        """The scripted edge of the run; a scenario's follows from its windows."""
        return {} if self._scenario is not None else {"edge_bps": RUN_EDGE_BPS}


def mock_totals(iteration: int, seed: int) -> tuple[dict[str, Any], str]:
    """The totals of an iteration and its regime."""
    drawn = _SCRIPTED.get(iteration) or _drawn(iteration - 1, seed)
    return _totals(drawn, iteration - 1), drawn.regime


def scenario_totals(given: Mapping[str, Any], iteration: int) -> dict[str, Any]:
    """Totals of a scenario: calm middles, with what is given laid over them."""
    calm = _Drawn(3.0, 1.75, 1.15, _split(0.27), 350.0, 100.0, 0.575, 0.875, "scenario")
    totals = {**_totals(calm, iteration - 1), **given}
    if "risk_ratio" in given and "block_reasons" not in given:
        totals["block_reasons"] = block_reasons(_split(float(given["risk_ratio"])))
    if "net_bps" in given and "gross_bps" not in given:
        totals["gross_bps"] = totals["net_bps"] + sum(totals[cost] for cost in COSTS)
    if "neg_edge_drivers" not in given:
        totals["neg_edge_drivers"] = negative_edge_drivers(totals)
    if "maker_share_pct" in given:
        totals.setdefault("taker_share_pct", 100.0 - totals["maker_share_pct"])
        totals["maker_taker_ratio"] = given.get(
            "maker_taker_ratio", totals["maker_share_pct"] / 100.0
        )
    return totals


def _drawn(k: int, seed: int) -> _Drawn:
    """Draws in the order regime, net, risk, adverse, slippage, age, lag."""
    rng = random.Random(seed + k)
    regime = rng.choice(_REGIMES)
    net, risk, adverse, slippage = (
        base + rng.uniform(low, high) for base, low, high in _TABLE[regime]
    )
    age = 350 + rng.randint(-30, 30)
    lag = min(110, 95 + 5 * k) + rng.randint(-10, 10)
    return _Drawn(
        net,
        adverse,
        slippage,
        _split(risk),
        float(age),
        float(lag),
        slippage / 2,
        adverse / 2,
        regime,
    )


def _split(risk: float) -> dict[str, int]:
    """Block counts with a share of risk blocks, the rest evenly over the other three."""
    blocked = round(_BLOCKS * risk)
    rest, more = divmod(_BLOCKS - blocked, 3)
    return {
        "min_interval": rest + (more > 0),
        "concurrency": rest + (more > 1),
        "risk": blocked,
        "throttle": rest,
    }


def _totals(drawn: _Drawn, k: int) -> dict[str, Any]:
    costs = {
        "fees_eff_bps": 2.0,
        "slippage_bps": drawn.slippage_bps,
        "adverse_bps": drawn.adverse_bps,
        "inventory_bps": 0.5,
    }
    components = {
        "gross_bps": drawn.net_bps + sum(costs.values()),
        **costs,
        "net_bps": drawn.net_bps,
    }
    maker_pct = min(99.0, 90.0 + 0.5 * k)
    cancel = max(0.05, 0.60 - 0.05 * k)
    blocks = block_reasons(drawn.blocks)
    return {
        **components,
        "component_breakdown": components,
        "neg_edge_drivers": negative_edge_drivers(components),
        "adverse_bps_p95": drawn.adverse_p95,
        "slippage_bps_p95": drawn.slippage_p95,
        "order_age_p95_ms": drawn.age_ms,
        "ws_lag_p95_ms": drawn.lag_ms,
        "p95_latency_ms": max(180.0, 320.0 - 5.0 * k),
        "tick_latency_p95_ms": 142.5,
        "hit_rate": 0.78,
        "cancel_ratio": cancel,
        "replace_ratio": (1.0 - cancel) / 2,
        "maker_share_pct": maker_pct,
        "taker_share_pct": 100.0 - maker_pct,
        "maker_taker_ratio": maker_pct / 100.0,
        "fills": 1000,
        "turnover_usd": _TURNOVER_USD,
        "pnl_usd": drawn.net_bps * _TURNOVER_USD / 1e4,
        "attempts": 2 * _BLOCKS,
        "block_reasons": blocks,
        "risk_ratio": blocks["risk"]["ratio"],
    }
