"""Drift, regression, daily verdict, weekly rollup, weekly gate, radar."""

from typing import Any

import pytest

from mmbot.errors import InputError
from mmbot.soak.daily import DayInputs, alert_counts, daily_markdown, daily_report, day_verdict
from mmbot.soak.day_guards import DayFigures, Regression, day_figures, drift_reason, regression
from mmbot.soak.kpi_gate import gate_markdown, weekly_gate
from mmbot.soak.radar import Anomaly, check_width, find_anomalies
from mmbot.soak.weekly import WeekInputs, weekly_markdown, weekly_rollup
from mmbot.units import NS_PER_DAY, NS_PER_HOUR, format_utc


def day(net=3.0, age=300.0, taker=10.0, fills=1000):
    return DayFigures(net_bps=net, order_age_p95_ms=age, taker_share_pct=taker, fills=fills)


@pytest.mark.spec("07-17.2", "07-D26")
@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        (day(), "NONE"),
        (day(net=2.5, age=350.0, taker=15.0), "NONE"),
        (day(net=2.4999, age=999.0, taker=99.0), "DRIFT_EDGE"),
        (day(age=350.1, taker=99.0), "DRIFT_LAT"),
        (day(taker=15.1), "DRIFT_TAKER"),
        (day(net=-9.0, fills=49), "NONE"),
        (day(net=-9.0, fills=50), "DRIFT_EDGE"),
        (day(net=None, age=None, taker=None), "NONE"),
    ],
)
def test_drift_names_the_first_limit_that_is_broken(figures, reason):
    assert drift_reason(figures) == reason


HISTORY = [
    {"edge_net_bps": e, "order_age_p95_ms": 300.0, "taker_share_pct": 10.0} for e in (2.0, 3.0, 4.0)
]


@pytest.mark.spec("07-17.3", "07-D27")
@pytest.mark.parametrize(
    ("today", "reason"),
    [
        (day(net=2.7, age=330.0, taker=11.0), "NONE"),
        (day(net=2.69, age=999.0), "EDGE_REG"),
        (day(age=330.1, taker=99.0), "LAT_REG"),
        (day(taker=11.1), "TAKER_REG"),
    ],
)
def test_regression_is_more_than_a_tenth_worse_than_the_median(today, reason):
    assert regression(today, HISTORY).reason == reason


@pytest.mark.spec("07-17.3", "07-D27")
def test_a_negative_baseline_has_room_below_it():
    bad = [{**r, "edge_net_bps": -2.0} for r in HISTORY]
    assert regression(day(net=-2.2), bad).reason == "NONE"
    assert regression(day(net=-2.21), bad).reason == "EDGE_REG"


@pytest.mark.spec("07-17.3")
def test_a_short_history_is_not_judged_and_a_long_one_by_its_last_week():
    short = regression(day(net=-9.0), HISTORY[:2])
    assert (short.reason, short.note) == ("NONE", "insufficient_history")
    unknown = [{**r, "no_data": True} for r in HISTORY]
    assert regression(day(net=-9.0), unknown).note == "insufficient_history"
    old = [{**HISTORY[0], "edge_net_bps": 99.0}] * 9 + [{**HISTORY[0], "edge_net_bps": 2.0}] * 7
    assert regression(day(net=2.0), old).reason == "NONE"


@pytest.mark.spec("07-17.1")
@pytest.mark.parametrize(
    ("figures", "verdict"),
    [
        (day(net=2.5, age=350.0, taker=15.0), "OK"),
        (day(net=2.25, age=385.0, taker=16.5), "WARN"),
        (day(net=2.24), "FAIL"),
        (day(age=385.1), "FAIL"),
        (day(taker=16.6), "FAIL"),
        (day(net=None), "FAIL"),
    ],
)
def test_daily_verdict_at_its_limits(figures, verdict):
    assert day_verdict(figures) == verdict


def window(hour, *, net=3.0, turnover=1.0, day_ns=NS_PER_DAY):
    end = format_utc(day_ns + hour * NS_PER_HOUR)
    return {
        "iteration": hour,
        "window": {"to": end, "seconds": 3600.0},
        "summary": {
            "net_bps": net,
            "turnover_usd": turnover,
            "order_age_p95_ms": 300.0,
            "taker_share_pct": 5.0,
            "fills": 100,
        },
    }


@pytest.mark.spec("07-17.1")
def test_a_day_is_the_windows_that_end_in_it_weighted_by_turnover():
    windows = [
        window(0, net=-50.0),
        window(1, net=2.0),
        window(24, net=4.0, turnover=3.0),
        window(25, net=-50.0),
    ]
    found = day_figures(windows, NS_PER_DAY)
    assert found.net_bps == pytest.approx(3.5)
    assert found.fills == 200


@pytest.mark.spec("07-17.1")
def test_the_daily_report_fails_when_the_day_was_stopped_or_is_empty():
    inputs: dict[str, Any] = {
        "date": "1970-01-02",
        "day_start_ns": NS_PER_DAY,
        "summaries": [window(1)],
    }
    assert daily_report(DayInputs(**inputs))["verdict"] == "OK"
    stop = {"reason": "DRIFT_EDGE", "ts": "1970-01-02T05:00:00Z"}
    report = daily_report(DayInputs(**inputs, drift=stop))
    assert (report["verdict"], report["drift"]) == ("FAIL", stop)
    regressed = Regression("LAT_REG", {"edge_med": 1.0})
    assert daily_report(DayInputs(**inputs, regression=regressed))["verdict"] == "FAIL"
    empty = daily_report(DayInputs(**{**inputs, "summaries": []}))
    assert (empty["no_data"], empty["verdict"]) == (True, "FAIL")
    assert "Verdict: FAIL" in daily_markdown(empty)


@pytest.mark.spec("07-17.1")
def test_the_three_largest_anomalies_are_diagnosed():
    marks = [Anomaly(f"0{i}:00", "LAT", 1.0, 0.0, 1.0, z) for i, z in enumerate((4, -9, 5, 6))]
    inputs = DayInputs(date="d", day_start_ns=0, summaries=[], anomalies=marks)
    found = daily_report(inputs)["diagnostics"]["anomalies"]
    assert [a["z"] for a in found] == [-9, 6, 5]


@pytest.mark.spec("04-11.6", "07-17.1")
def test_alerts_are_counted_by_severity():
    kinds = ["soak_stop", "risk_kill", "order_lost", "leader_changed", "replay_started", "x"]
    counts = alert_counts([{"kind": kind} for kind in kinds])
    assert counts == {"critical": 2, "warning": 2}


def week(edges, age=300.0, taker=10.0):
    return {
        f"2026-03-{i:02d}": {
            "edge_net_bps": edge,
            "order_age_p95_ms": age,
            "taker_share_pct": taker,
        }
        for i, edge in enumerate(edges, 1)
    }


@pytest.mark.spec("07-17.5")
@pytest.mark.parametrize(
    ("reports", "previous", "verdict", "gate", "reasons"),
    [
        (week([3.0] * 7), None, "GO", "PASS", []),
        (week([3.0] * 6), None, "WARN", "PASS", []),
        (week([2.5] * 7, 350.0, 15.0), None, "GO", "PASS", []),
        (week([2.4] * 7), None, "NO-GO", "FAIL", ["EDGE"]),
        (week([2.4] * 7, 351.0, 16.0), None, "NO-GO", "FAIL", ["EDGE", "LAT", "TAKER"]),
        (week([2.6] * 7), {"edge_net_bps": {"median": 3.0}}, "WARN", "WARN", ["TREND"]),
        (week([2.7] * 7), {"edge_net_bps": {"median": 3.0}}, "GO", "PASS", []),
        (week([2.4] * 7), {"edge_net_bps": {"median": 3.0}}, "NO-GO", "FAIL", ["EDGE", "TREND"]),
        (
            week([3.0] * 7, 331.0),
            {"order_age_p95_ms": {"median": 300.0}},
            "WARN",
            "WARN",
            ["TREND"],
        ),
    ],
)
def test_weekly_verdict_and_gate(reports, previous, verdict, gate, reasons):
    rollup = weekly_rollup(WeekInputs(reports=reports, previous=previous))
    assert rollup["verdict"] == verdict
    document = weekly_gate(rollup, "x")
    assert (document["verdict"], document["reasons"]) == (gate, reasons)
    assert f"Verdict: {gate}" in gate_markdown(document)
    assert f"Verdict: {verdict}" in weekly_markdown(rollup)


@pytest.mark.spec("07-17.5")
def test_the_rollup_takes_the_seven_newest_dates_and_their_ledger():
    ledger = [
        {"date": f"2026-03-{d:02d}", "pnl": 10.0, "fees": 1.0, "rebates": 2.0, "transfers": 5.0}
        for d in range(1, 9)
    ]
    reports = week([9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    rollup = weekly_rollup(WeekInputs(reports=reports, ledger=ledger))
    assert rollup["period"] == {"from": "2026-03-02", "to": "2026-03-08"}
    assert rollup["edge_net_bps"]["median"] == 4.0
    assert (rollup["edge_net_bps"]["p25"], rollup["edge_net_bps"]["p75"]) == (2.0, 6.0)
    assert rollup["ledger"] == {
        "equity_change_base": 105.0,
        "fees_base": 7.0,
        "rebates_base": 14.0,
    }


@pytest.mark.spec("07-17.5", "07-D19")
def test_amounts_under_their_earlier_names_are_read():
    ledger = [{"date": "2026-03-01", "equity_change_eur": 3.0, "fees_eur": 1.0, "rebates_eur": 2.0}]
    rollup = weekly_rollup(WeekInputs(reports=week([3.0]), ledger=ledger, base_ccy="EUR"))
    assert rollup["ledger"] == {
        "equity_change_base": 3.0,
        "fees_base": 1.0,
        "rebates_base": 2.0,
    }
    assert rollup["base_ccy"] == "EUR"


@pytest.mark.spec("07-17.5")
def test_a_rollup_without_reports_is_an_error():
    with pytest.raises(InputError) as caught:
        weekly_rollup(WeekInputs(reports={}))
    assert caught.value.code == "E_SOAK_ROLLUP_NO_DATA"


def bucket(index, **more):
    base = {"net_bps": 3.0, "order_age_p95_ms": 300.0, "taker_share_pct": 5.0}
    return {"bucket": f"{index // 4:02d}:{15 * (index % 4):02d}", **base, **more}


def noisy(index, **more):
    return bucket(index, net_bps=3.0 + 0.1 * (index % 3), **more)


@pytest.mark.spec("07-17.4", "07-D28")
def test_the_radar_flags_the_bad_side_only():
    buckets = [noisy(i) for i in range(20)]
    buckets[7] = bucket(7, net_bps=-5.0)
    buckets[9] = bucket(9, net_bps=50.0)
    found = find_anomalies(buckets)
    assert [(a.bucket, a.kind) for a in found] == [("01:45", "EDGE")]
    assert found[0].z == pytest.approx((-5.0 - found[0].med) / (1.4826 * found[0].mad))


@pytest.mark.spec("07-17.4")
def test_without_spread_around_the_median_the_ordinary_z_decides():
    buckets = [bucket(i) for i in range(20)]
    assert find_anomalies(buckets) == []
    buckets[5] = bucket(5, order_age_p95_ms=900.0, taker_share_pct=90.0)
    assert [(a.bucket, a.kind, a.mad) for a in find_anomalies(buckets)] == [
        ("01:15", "LAT", 0.0),
        ("01:15", "TAKER", 0.0),
    ]


@pytest.mark.spec("07-17.4")
@pytest.mark.parametrize(
    ("names", "width"),
    [(["00:00", "00:15"], 30), (["00:00", "00:30"], 15), (["00:07"], 15), (["25:00"], 15)],
)
def test_buckets_of_another_width_are_refused(names, width):
    with pytest.raises(InputError) as caught:
        check_width([{"bucket": name} for name in names], width)
    assert caught.value.code == "E_SOAK_RADAR_BUCKET"


def test_buckets_of_the_right_width_may_have_gaps():
    check_width([{"bucket": name} for name in ("00:00", "00:15", "03:45")], 15)
    check_width([], 15)
