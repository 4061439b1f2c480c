"""The allocator's seam: keys and inputs that are refused, values that compare and print."""

import math
from typing import Any

import pytest

from mmbot.config.allocator_params import allocator_params
from mmbot.config.portfolio import CostConfig, CostOverride, PortfolioConfig, SmoothingConfig
from mmbot.config.signals import SignalsConfig
from mmbot.core import (
    Backoff,
    CoreError,
    FillRate,
    PortfolioParams,
    SlippageOverride,
    SymbolCalibration,
    Turnover,
    allocator_tick,
)
from mmbot.portfolio import AllocatorInputs, SymbolInputs


@pytest.mark.parametrize(
    ("values", "code", "key"),
    [
        ({"portfolio.budget": 1.0}, "E_CFG_UNKNOWN_KEY", "portfolio.budget"),
        ({"portfolio.cost.fee": 1.0}, "E_CFG_UNKNOWN_KEY", "portfolio.cost.fee"),
        ({"portfolio.budget_usd": "1"}, "E_CFG_TYPE", "portfolio.budget_usd"),
        ({"portfolio.budget_usd": -1.0}, "E_CFG_RANGE", "portfolio.budget_usd"),
        ({"allocator.smoothing.backoff_steps": 1}, "E_CFG_TYPE", None),
        ({"allocator.smoothing.backoff_steps": []}, "E_CFG_RANGE", None),
        ({"signals.sigma_bands": [(1.0,)]}, "E_CFG_TYPE", None),
        ({"portfolio.cost.per_symbol.A.x": 1.0}, "E_CFG_UNKNOWN_KEY", None),
        ({"portfolio.cost.per_symbol.A.min_volume_usd": -1.0}, "E_CFG_RANGE", None),
    ],
)
def test_a_key_that_cannot_be_is_refused_by_name(values, code, key):
    with pytest.raises(CoreError) as caught:
        PortfolioParams(values, ["A"])
    assert caught.value.code == code
    assert caught.value.key == (key or caught.value.key)


@pytest.mark.spec("01-2.5")
def test_defaults_of_the_core_are_those_of_the_configuration():
    flat = allocator_params(PortfolioConfig(), SmoothingConfig(), SignalsConfig())
    told, bare = PortfolioParams(flat, ["A"]), PortfolioParams({}, ["A"])
    assert told.cost_of("A").values() == bare.cost_of("A").values()
    tick: dict[str, Any] = {
        "weights": [1.0],
        "current_usd": [40.0],
        "backoff": [Backoff(1)],
        "hwm_equity_usd": 1e5,
    }
    seen = [SymbolInputs(imbalance=0.3, sigma=2.0, mid_usd=7.0, color_breach=True)]
    account = AllocatorInputs(now_sec=0.0, symbols={}, equity_usd=9.5e4)
    ran = [allocator_tick(params, account, seen, **tick) for params in (told, bare)]
    assert ran[0].targets == ran[1].targets
    assert ran[0].stages == ran[1].stages
    assert ran[0].figures == ran[1].figures


@pytest.mark.spec("03-5")
def test_overrides_hold_for_traded_symbols_and_the_own_fee_wins_wherever_it_stands():
    override = CostOverride(fee_bps=3.0, fee_bps_default=2.0, turnover_floor=0.5)
    config = CostConfig(per_symbol={"A": override, "Z": CostOverride(fee_bps=9.0)})
    flat = allocator_params(PortfolioConfig(cost=config), SmoothingConfig(), SignalsConfig())
    for values in (flat, dict(reversed(list(flat.items())))):
        params = PortfolioParams(values, ["B", "A"])
        own = params.cost_of("A").values()
        assert (own["fee_bps"], own["turnover_floor"]) == (3.0, 0.5)
        assert params.cost_of("B").values()["fee_bps"] == 1.0
        with pytest.raises(CoreError, match="E_ALLOC_INPUT"):
            params.cost_of("Z")


@pytest.mark.parametrize("now_sec", [math.nan, math.inf, 1e300])
def test_a_time_that_is_none_is_refused(now_sec):
    costs = PortfolioParams({}, ["A"]).cost_of("A")
    account = AllocatorInputs(now_sec=now_sec, symbols={})
    for call in (
        lambda: FillRate().after(1, now_sec, costs),
        lambda: Turnover().at(now_sec, costs),
        lambda: allocator_tick(
            PortfolioParams({}, []),
            account,
            [],
            weights=[],
            current_usd=[],
            backoff=[],
            hwm_equity_usd=0.0,
        ),
    ):
        with pytest.raises(CoreError, match="E_ALLOC_INPUT"):
            call()


def test_every_sequence_of_a_tick_has_one_entry_per_symbol():
    whole: dict[str, Any] = {
        "symbols": [SymbolInputs()],
        "weights": [1.0],
        "current_usd": [0.0],
        "backoff": [Backoff()],
        "hwm_equity_usd": 0.0,
    }
    account = AllocatorInputs(now_sec=0.0, symbols={})
    params = PortfolioParams({}, ["A"])
    assert len(allocator_tick(params, account, **whole).targets) == 1
    for name in ("symbols", "weights", "current_usd", "backoff"):
        with pytest.raises(CoreError, match="E_ALLOC_INPUT"):
            allocator_tick(params, account, **{**whole, name: []})


def test_values_compare_by_their_fields_and_print_like_dataclasses():
    assert Backoff(1, 2) == Backoff(level=1, clean_ticks=2) != Backoff(1, 3)
    assert repr(Backoff(1, 2)) == "Backoff(level=1, clean_ticks=2)"
    assert repr(SlippageOverride(0.5)) == "SlippageOverride(k_eff=0.5, cap_eff_bps=None)"
    one = SymbolCalibration(samples=1, slip_bps=-0.25)
    values: dict[str, Any] = one.values()
    assert SymbolCalibration(**values) == one
    assert "samples=1" in repr(one)
    ran = allocator_tick(
        PortfolioParams({}, ["A"]),
        AllocatorInputs(now_sec=0.0, symbols={}),
        [SymbolInputs()],
        weights=[1.0],
        current_usd=[0.0],
        backoff=[Backoff()],
        hwm_equity_usd=0.0,
    )
    assert repr(ran.targets[0]).startswith("PortfolioTarget(target_usd=")
    assert "cost=Cost(" in repr(ran.figures[0])
    assert "bound=False" in repr(ran.figures[0])
