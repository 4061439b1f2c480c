"""The running session: what it shows, and what an operator does to it."""

from itertools import pairwise

import pytest
from tests.unit.core.sessions import World, config_of

from mmbot.core import CoreError

WARM_S = 20.0


@pytest.fixture
def world():
    made = World(config_of())
    state = made.run(WARM_S)
    assert made.orders()
    assert state["by_symbol"]["AUSDT"]["orders"]["fills_total"] > 0
    return made


def events(world, name):
    return [event for event in world.control.take_events() if event["name"] == name]


@pytest.mark.spec("02-11.2")
def test_a_kill_takes_all_orders_out_and_only_a_resume_lets_it_quote_again(world):
    world.control.kill("venue")
    state = world.run(2)
    assert world.orders() == []
    assert (state["risk"]["grade"], state["risk"]["kills_total"]) == ("HALTED", 1)
    assert world.run(120)["risk"]["grade"] == "HALTED"
    assert world.orders() == []
    world.control.resume()
    assert world.run(2)["risk"]["grade"] == "NORMAL"
    assert world.orders()
    changes = [(event["event"], event["cause"]) for event in events(world, "risk")]
    assert changes == [("HALTED", "kill_venue"), ("NORMAL", "resumed")]
    assert world.control.take_events() == []


@pytest.mark.spec("02-11.1/2")
def test_a_floor_of_reduce_only_leaves_reducing_orders_alone(world):
    world.control.set_risk_floor("REDUCE_ONLY")
    seen = 0
    for _ in range(60):
        state = world.run(0.5)["by_symbol"]["AUSDT"]["orders"]
        position, active = state["position_usd"], state["active_usd"]
        expanding, reducing = ("buy", "sell") if position > 0 else ("sell", "buy")
        assert active[expanding] == 0
        assert active[reducing] <= abs(position) * 1.01
        seen += active[reducing] > 0
    assert seen > 0
    world.control.set_risk_floor(None)
    assert world.run(70)["risk"]["grade"] == "NORMAL"
    state = world.control.state()["by_symbol"]["AUSDT"]["orders"]
    assert state["blocks"]["risk"]["reduce_only"] > 0


@pytest.mark.spec("02-11.2")
def test_a_manual_pause_cancels_and_outlives_a_reload_until_its_key_changes(world):
    world.control.set_manual_pause(paused=True)
    state = world.run(2)
    assert world.orders() == []
    guard = state["guard"]
    assert (guard["manual_override"], guard["paused_effective"], guard["paused"]) == (
        True,
        True,
        False,
    )
    assert guard["last_reason_bits"] == 128
    assert guard["cancels_total"] > 0
    assert guard["cancels_total"] == state["by_symbol"]["AUSDT"]["orders"]["guard_cancels_total"]
    world.reload(config_of("risk.recovery_minutes=7"))
    assert world.run(70)["guard"]["paused_effective"]
    assert world.orders() == []
    world.control.set_manual_pause(paused=False)
    # the pause was a grade of risk, which is kept for a minute at least
    assert not world.run(70)["guard"]["paused_effective"]
    assert world.orders()


@pytest.mark.spec("02-11.2")
def test_a_dry_run_set_by_hand_lets_a_pause_only_count():
    world = World(config_of("runtime_guard.ws_lag_ms_max=0.001"))
    state = world.run(5)
    assert (state["guard"]["paused"], state["guard"]["paused_effective"]) == (True, True)
    assert state["guard"]["last_reason_bits"] == 32
    assert world.orders() == []
    world.control.set_guard_dry_run(on=True)
    state = world.run(65)
    assert (state["guard"]["paused"], state["guard"]["paused_effective"]) == (True, False)
    assert state["guard"]["dry_run"]
    assert world.orders()
    paused = events(world, "runtime_guard")
    assert [(event["event"], event["value"]) for event in paused] == [("paused", 32.0)]


@pytest.mark.spec("02-5.3/1")
def test_an_instance_that_does_not_lead_takes_its_orders_out(world):
    world.control.set_leader(leads=False)
    state = world.run(2)
    assert world.orders() == []
    assert not state["leader"]
    assert state["by_symbol"]["AUSDT"]["orders"]["blocks"]["risk"]["not_leader"] > 0
    world.control.set_leader(leads=True)
    world.run(2)
    assert world.orders()


@pytest.mark.spec("02-10.2")
def test_an_autopolicy_level_by_hand_means_fewer_levels_that_rest_longer():
    world = World(config_of("portfolio.levels_per_side_max=3", "autopolicy.min_levels_cap=1"))
    before = world.run(WARM_S)["autopolicy"]
    assert before["level"] == 0
    assert before["levels_per_side_max_eff"] == 3
    assert max(levels(world)) == 3
    assert world.control.set_autopolicy_level(3)
    assert not world.control.set_autopolicy_level(3)
    after = world.run(2)["autopolicy"]
    assert (after["level"], after["active"], after["steps_total"]) == (3, True, 1)
    assert after["levels_per_side_max_eff"] < 3
    assert after["min_time_in_book_ms_eff"] > before["min_time_in_book_ms_eff"]
    assert after["replace_threshold_bps_eff"] > before["replace_threshold_bps_eff"]
    assert max(levels(world)) <= after["levels_per_side_max_eff"]
    assert world.control.reset_autopolicy()
    assert world.run(2)["autopolicy"]["level"] == 0
    world.control.set_autopolicy_enabled(on=False)
    world.control.set_autopolicy_level(2)
    assert world.run(2)["autopolicy"]["level"] == 0
    assert [event["value"] for event in events(world, "autopolicy")] == [3.0, 0.0]


def levels(world):
    active = world.control.state()["by_symbol"]["AUSDT"]["orders"]["active"]
    return active.values()


@pytest.mark.spec("02-11.4", "02-11.3")
def test_breaches_of_caps_and_skew_are_told_once():
    world = World(
        config_of(
            "guards.intraday_caps.daily_turnover_cap=30000",
            "guards.pos_skew.per_symbol_abs_limit=2000",
        )
    )
    state = world.run(60)
    assert state["intraday_caps"]["breached"]
    assert state["intraday_caps"]["latched_at"]["daily_turnover_cap"] == 30_000
    assert not state["allocation"]["has_targets"]
    told = world.control.take_events()
    blocked = [event for event in told if event["name"] == "intraday_caps"]
    assert [(event["event"], event["cause"]) for event in blocked] == [
        ("block", "daily_turnover_cap")
    ]
    assert blocked[0]["value"] >= 1
    skewed = [event for event in told if event["name"] == "pos_skew"]
    assert skewed[0]["event"] == "breach"
    assert skewed[0]["symbol"] == "AUSDT"
    assert all(one["event"] != two["event"] for one, two in pairwise(skewed))
    starts = sum(event["event"] == "breach" for event in skewed)
    assert state["pos_skew"]["breach_total"] == starts


@pytest.mark.spec("02-11.4")
def test_the_totals_of_a_day_go_on_after_a_restart():
    sets = ("guards.intraday_caps.daily_turnover_cap=30000",)
    first = World(config_of(*sets))
    assert first.run(60)["intraday_caps"]["breached"]
    totals = first.control.day_totals()
    second = World(config_of(*sets))
    second.control.restore_day(totals)
    state = second.run(5)
    assert state["intraday_caps"]["breached"]
    assert state["intraday_caps"]["turnover_usd"] == totals["turnover_usd"]
    assert second.orders() == []
    third = World(config_of(*sets))
    third.control.restore_day({**totals, "utc_day": totals["utc_day"] - 1})
    assert not third.run(1)["intraday_caps"]["breached"]


@pytest.mark.spec("02-14")
def test_virtual_orders_are_compared_with_the_displayed_best_level():
    world = World(config_of("shadow.enabled=true", "shadow.min_count=5"))
    state = world.run(WARM_S)
    one = state["by_symbol"]["AUSDT"]
    assert one["shadow"]["orders_total"] == one["orders"]["creates_total"]
    assert one["shadow"]["count"] > 5
    assert state["shadow_stats"] == {
        "avg_price_diff_bps": one["shadow"]["price_diff_bps_avg"],
        "avg_size_diff_pct": one["shadow"]["size_diff_pct_avg"],
        "count": one["shadow"]["count"],
    }
    beyond = events(world, "shadow")
    assert [event["symbol"] for event in beyond] == ["AUSDT"], "once per crossing"
    off = World(config_of()).run(WARM_S)
    assert off["by_symbol"]["AUSDT"]["shadow"]["orders_total"] == 0
    assert off["shadow_stats"] is None


@pytest.mark.spec("02-15", "01-8.4")
def test_fills_are_followed_by_colour(world):
    world = World(config_of("rollout.traffic_split_pct=50"))
    orders = world.run(90)["by_symbol"]["AUSDT"]["orders"]
    fills = orders["fills_total"]
    for horizon in ("200", "500"):
        of = orders["markouts"][horizon]
        assert of["blue"]["count"] > 0
        assert of["green"]["count"] > 0
        seen = sum(of[color][key] for color in of for key in ("count", "skipped"))
        assert fills - 3 <= seen <= fills
        for color in of.values():
            assert color["up"] + color["down"] <= color["count"]
    assert 0 <= orders["adverse_fill_rate"] <= 1
    held = orders["position_usd_by_color"]
    assert held["blue"] + held["green"] == pytest.approx(orders["position_usd"])


def test_looking_changes_nothing(world):
    before = world.control.state_hash
    assert world.control.state() == world.control.state()
    world.control.throttle_snapshot()
    assert world.control.state_hash == before
    twin = World(config_of())
    for _ in range(40):
        twin.run(WARM_S / 40)
        twin.control.state()
        twin.control.take_events()
    assert twin.hashes() == world.hashes()


def test_the_state_hash_covers_the_guards_of_the_session(world):
    before = world.hashes()
    world.control.set_guard_dry_run(on=True)
    assert world.hashes() != before


def test_unknown_names_and_lanes_are_refused(world):
    for refuse in (
        lambda: world.control.kill("whim"),
        lambda: world.control.set_risk_floor("CALM"),
        lambda: world.engine.session(1),
        lambda: world.control.load_allocator(-1.0),
        lambda: world.control.seed_backoff_max_ms(float("nan")),
    ):
        with pytest.raises(CoreError):
            refuse()
