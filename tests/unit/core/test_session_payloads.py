"""What a session keeps over a restart: windows, high-water mark, calibration."""

import copy

import pytest
from tests.unit.core.sessions import START_NS, World, config_of

from mmbot.core import CoreError


def totals(payload, op):
    """Requests per symbol in the rings."""
    return {symbol: sum(rings[op]["ring"]) for symbol, rings in payload["symbols"].items()}


@pytest.fixture(scope="module")
def traded():
    world = World(config_of(symbols=("AUSDT", "BUSDT")))
    world.run(45.25)
    return world


@pytest.mark.spec("02-8.4")
def test_the_session_ring_sums_the_symbols_and_every_ring_stands_at_the_last_second(traded):
    payload = traded.control.throttle_snapshot()
    assert payload["version"] == 2
    assert sorted(payload["symbols"]) == ["*", "AUSDT", "BUSDT"]
    second = START_NS // 10**9 + 45
    for rings in payload["symbols"].values():
        for ring in rings.values():
            assert len(ring["ring"]) == payload["window_sec"]
            assert ring["base_ts"] + ring["idx"] == second
    for op in ("create", "amend", "cancel"):
        by_symbol = totals(payload, op)
        assert by_symbol["*"] == by_symbol["AUSDT"] + by_symbol["BUSDT"]
        assert (
            traded.control.state()["by_symbol"]["AUSDT"]["throttle"]["events_in_window"][op]
            == (by_symbol["AUSDT"])
        )


@pytest.mark.spec("02-8.4", "03-10")
def test_loading_what_was_saved_continues_identically():
    symbols = ("AUSDT", "BUSDT")
    undisturbed, reloaded = (World(config_of(symbols=symbols)) for _ in range(2))
    for world in (undisturbed, reloaded):
        world.run(45.25)
    control = reloaded.control
    control.load_throttle(control.throttle_snapshot())
    control.load_allocator(control.allocator_snapshot()["hwm_equity_usd"])
    control.load_cost_calibration(control.cost_calibration())
    control.restore_day(control.day_totals())
    for world in (undisturbed, reloaded):
        world.run(45)
    assert reloaded.hashes() == undisturbed.hashes()


@pytest.mark.spec("02-8.4")
@pytest.mark.parametrize("window_sec", [1, 2, 3, 7])
def test_another_window_keeps_the_newest_seconds_that_fit(window_sec):
    ring = {"base_ts": START_NS // 10**9 - 2, "idx": 2, "ring": [1, 2, 4]}
    rings = {"amend": ring, "cancel": ring, "create": ring}
    payload = {"symbols": {"*": rings, "GONE": rings}, "version": 2, "window_sec": 3}
    world = World(config_of(f"throttle.window_sec={window_sec}", "throttle.max_creates_per_sec=99"))
    world.control.kill()
    world.run(0.25)
    world.control.load_throttle(payload)
    loaded = world.control.throttle_snapshot()
    assert loaded["window_sec"] == window_sec
    kept = sum([4, 2, 1][:window_sec])
    assert totals(loaded, "create") == {"*": kept, "AUSDT": 0}
    later = world.run(1)["throttle"]["events_in_window_total"]
    # a second later the oldest that a ring of this length held is gone
    assert later == 3 * sum([4, 2, 1][: window_sec - 1])


def broken(change):
    payload = World(config_of()).control.throttle_snapshot()
    change(payload)
    return payload


@pytest.mark.spec("02-8.4")
@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.update(version=1),
        lambda p: p.update(version=True),
        lambda p: p.pop("window_sec"),
        lambda p: p.update(more=1),
        lambda p: p.update(window_sec=0),
        lambda p: p.update(window_sec=p["window_sec"] + 1),
        lambda p: p.update(symbols=[]),
        lambda p: p["symbols"].update({"": p["symbols"]["*"]}),
        lambda p: p["symbols"]["*"].pop("amend"),
        lambda p: p["symbols"]["*"]["amend"].update(idx=99),
        lambda p: p["symbols"]["*"]["amend"].update(idx=-1),
        lambda p: p["symbols"]["*"]["amend"].update(base_ts=-5),
        lambda p: p["symbols"]["*"]["amend"].update(ring=[1.5]),
        lambda p: p["symbols"]["*"]["amend"].update(ring=[2**32, 0, 0]),
        lambda p: p["symbols"]["AUSDT"].update(amend=None),
    ],
)
def test_another_shape_is_refused_and_changes_nothing(traded, change):
    payload, before = broken(change), traded.hashes()
    with pytest.raises(CoreError) as caught:
        traded.control.load_throttle(payload)
    assert caught.value.code == "E_STORE_TYPE:invalid_payload"
    assert traded.hashes() == before


@pytest.mark.spec("02-8.4")
def test_a_reset_empties_the_windows_and_forgets_the_largest_backoff():
    world = World(config_of())
    world.run(5)
    world.control.seed_backoff_max_ms(1_234.0)
    assert world.control.state()["throttle"]["backoff_ms_max_observed"] == 1_234.0
    world.control.clear_throttle()
    assert world.control.state()["throttle"]["events_in_window_total"] == 0
    assert world.control.state()["throttle"]["backoff_ms_max_observed"] == 1_234.0
    world.control.reset_throttle()
    assert world.control.state()["throttle"]["backoff_ms_max_observed"] == 0


@pytest.mark.spec("03-5.3")
def test_calibration_moves_to_another_session_by_symbol(traded):
    payload = traded.control.cost_calibration()
    assert payload["symbols"]["AUSDT"]["state"]["samples"] > 0
    other = World(config_of(symbols=("BUSDT",)))
    payload["symbols"]["BUSDT"]["override"]["k_eff"] = 3.5
    other.control.load_cost_calibration(payload)
    assert other.control.cost_calibration()["symbols"] == {"BUSDT": payload["symbols"]["BUSDT"]}
    assert other.control.state()["by_symbol"]["BUSDT"]["calibration"]["k_eff"] == 3.5


@pytest.mark.spec("03-5.3")
@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.update(version=2),
        lambda p: p["symbols"]["AUSDT"].pop("state"),
        lambda p: p["symbols"]["AUSDT"]["state"].update(samples=-1),
        lambda p: p["symbols"]["AUSDT"]["state"].update(spread_bps=float("inf")),
        lambda p: p["symbols"]["AUSDT"]["override"].update(k_eff=1000.5),
        lambda p: p["symbols"]["AUSDT"]["override"].update(cap_eff_bps="much"),
    ],
)
def test_a_broken_calibration_is_refused_as_a_whole(traded, change):
    payload = copy.deepcopy(traded.control.cost_calibration())
    payload["symbols"]["BUSDT"]["override"]["k_eff"] = 9.0
    change(payload)
    before = traded.hashes()
    with pytest.raises(CoreError):
        traded.control.load_cost_calibration(payload)
    assert traded.hashes() == before


@pytest.mark.parametrize(
    "change",
    [
        {"pnl_usd": float("nan")},
        {"latched_at": {}},
        {"sum_sq_returns": {"AUSDT": None}},
        {"utc_day": "today"},
    ],
)
def test_broken_totals_of_a_day_are_refused(traded, change):
    before = traded.hashes()
    with pytest.raises(CoreError):
        traded.control.restore_day({**traded.control.day_totals(), **change})
    assert traded.hashes() == before
