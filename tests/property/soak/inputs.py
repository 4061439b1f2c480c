"""Any input of the tuner: figures around and beyond every threshold, any state, any values."""

from dataclasses import fields, replace
from typing import Any

from hypothesis import strategies as st
from tests.unit.soak.made import SETTINGS

from mmbot.soak.measurement import Figures
from mmbot.soak.models import Phase, TunerInput
from mmbot.soak.parameters import TUNABLES
from mmbot.soak.state import Moved, TuningState

NOW_SEC = 100_000.0
DRIVERS = ("slippage_bps", "adverse_bps", "inventory_bps", "fees_eff_bps")

# Values at which some rule changes its mind; drawing them exactly is what finds off-by-ones.
_SPANS = {
    "net_bps": (-5.0, 5.0, [0.0, 2.0, 2.5, 2.7, 3.0]),
    "risk_ratio": (0.0, 1.0, [0.35, 0.40, 0.50, 0.60]),
    "adverse_bps_p95": (0.0, 8.0, [3.0, 3.5, 4.0]),
    "slippage_bps_p95": (0.0, 8.0, [2.5, 3.0]),
    "order_age_p95_ms": (100.0, 800.0, [330.0]),
    "ws_lag_p95_ms": (10.0, 300.0, [120.0]),
    "cancel_ratio": (0.0, 1.0, [0.55]),
    "min_interval_ratio": (0.0, 1.0, [0.4]),
    "concurrency_ratio": (0.0, 1.0, [0.3]),
}


def _metric(name: str) -> st.SearchStrategy[float | None]:
    low, high, edges = _SPANS[name]
    numbers = st.floats(low, high).map(lambda x: round(x, 4))
    return st.one_of(numbers, st.sampled_from(edges), st.none())


def all_figures() -> st.SearchStrategy[Figures]:
    known = {f.name for f in fields(Figures)}
    assert set(_SPANS) <= known
    return st.builds(
        Figures,
        **{name: _metric(name) for name in _SPANS},
        neg_edge_drivers=st.lists(st.sampled_from(DRIVERS), max_size=2, unique=True).map(tuple),
    )


def all_values() -> st.SearchStrategy[dict[str, float]]:
    return st.fixed_dictionaries(
        {name: st.floats(t.low, t.high).map(t.clamped) for name, t in TUNABLES.items()}
    )


def _moves() -> st.SearchStrategy[tuple[Moved, ...]]:
    def moved(name: str, share: float, ago: float, iteration: int) -> Moved:
        tunable = TUNABLES[name]
        return Moved(
            t_sec=NOW_SEC - ago,
            iteration=iteration,
            field=name,
            delta=tunable.rounded(share * tunable.span / 4),
        )

    one = st.builds(
        moved,
        st.sampled_from(list(TUNABLES)),
        st.floats(-1, 1),
        st.sampled_from([0.0, 300.0, 3600.0, 3600.5, 9000.0]),
        st.integers(1, 9),
    )
    return st.lists(one, max_size=6).map(tuple)


_near = st.one_of(st.none(), st.integers(7, 14))


def all_states() -> st.SearchStrategy[TuningState]:
    histories = st.lists(all_values(), min_size=0, max_size=3).map(
        lambda items: {name: tuple(item[name] for item in items) for name in TUNABLES}
    )
    return st.builds(
        TuningState,
        run_id=st.just("r"),
        last_iter=st.just(9),
        last_applied_iter=st.one_of(st.none(), st.sampled_from([8, 9])),
        last_applied_fields=st.lists(st.sampled_from(list(TUNABLES)), unique=True).map(tuple),
        frozen_until_iter=_near,
        cooldown_until_iter=_near,
        cooldown_loosened=st.booleans(),
        neg_streak=st.integers(0, 3),
        kpi_fail_streak=st.integers(0, 4),
        stable_streak=st.integers(0, 3),
        fallback_applied_at_iter=st.one_of(st.none(), st.sampled_from([8, 9])),
        delta_history=_moves(),
        value_history=histories,
    )


def regular_states() -> st.SearchStrategy[TuningState]:
    """States of neither panic nor fallback, whose packages pass by most rails."""
    return all_states().map(lambda s: replace(s, kpi_fail_streak=0, neg_streak=0))


@st.composite
def all_inputs(draw: st.DrawFn, /, **fixed: Any) -> TunerInput:
    """Iteration 10 of a run; `fixed` pins fields to strategies."""
    drawn = {
        "total_iterations": st.sampled_from([10, 11, 50]),
        "phase": st.sampled_from(Phase),
        "figures": all_figures(),
        "verdict": st.sampled_from(["PASS", "WARN", "FAIL", "UNKNOWN"]),
        "values": all_values(),
        "start_values": all_values(),
        "state": all_states(),
        "auto_tune": st.sampled_from([True, True, True, False]),
        "unusable": st.sampled_from([None, None, None, "no_report", "low_sample"]),
        "already_applied": st.sampled_from([False, False, True]),
        **fixed,
    }
    return TunerInput(
        iteration=10,
        run_id="r",
        now_sec=NOW_SEC,
        settings=SETTINGS,
        **{name: draw(strategy) for name, strategy in drawn.items()},
    )
