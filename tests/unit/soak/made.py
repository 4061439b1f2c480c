"""Made-up inputs of the tuner: calm defaults, everything else by name."""

from dataclasses import replace
from typing import Any

from mmbot.config.research import SoakConfig
from mmbot.soak.measurement import Figures
from mmbot.soak.models import Change, Decision, Draft, Phase, TunerInput, settings_of
from mmbot.soak.parameters import DEFAULTS
from mmbot.soak.state import TuningState
from mmbot.soak.tuner import decide, propose

SETTINGS = settings_of(SoakConfig())
# Nothing fires: risk in the hold zone, edge above every limit, all tails low.
QUIET = Figures(
    net_bps=3.2,
    risk_ratio=0.37,
    adverse_bps_p95=1.0,
    slippage_bps_p95=1.0,
    order_age_p95_ms=300.0,
    ws_lag_p95_ms=90.0,
    cancel_ratio=0.3,
    min_interval_ratio=0.2,
    concurrency_ratio=0.2,
    fills=1000,
    turnover_usd=1e5,
)


def figures(**more: Any) -> Figures:
    return replace(QUIET, **more)


def given(**more: Any) -> TunerInput:
    """An input of iteration 5 of 100; `values` may be partial."""
    values = {**DEFAULTS, **more.pop("values", {})}
    start = {**DEFAULTS, **more.pop("start_values", {})}
    state = more.pop("state", TuningState(run_id="r"))
    base = TunerInput(
        iteration=5,
        total_iterations=100,
        run_id="r",
        now_sec=100_000.0,
        phase=Phase.STEADY,
        figures=QUIET,
        verdict="PASS",
        values=values,
        start_values=start,
        state=state,
        settings=SETTINGS,
    )
    return replace(base, **more)


def moves(**more: Any) -> dict[str, float]:
    """Net proposed changes of an input with these figures."""
    return dict(decide(given(figures=figures(**more))).deltas)


def decided(**more: Any) -> Decision:
    return decide(given(**more))


def draft(**more: Any) -> Draft:
    return propose(given(**more)).draft


def refused(changes: tuple[Change, ...]) -> list[tuple[str, str | None]]:
    return [(c.field, c.reason) for c in changes if not c.accepted]
