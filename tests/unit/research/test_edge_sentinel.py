"""The sentinel: one advice per finding, money ranks, totals before symbols."""

import pytest

from mmbot.research.edge_sentinel import SentinelBucket, edge_sentinel


def fields(**more):
    base = {
        "gross_bps": 2.0,
        "fees_eff_bps": 0.1,
        "adverse_bps": 0.0,
        "slippage_bps": 0.0,
        "inventory_bps": 0.0,
        "net_bps": 1.9,
        "fills": 10,
        "turnover_usd": 1000.0,
        "replace_ratio": 0.1,
    }
    return {**base, **more}


def codes(document):
    return [(item["code"], item["symbol"]) for item in document["advice"]]


def one(**more):
    found = fields(**more)
    return edge_sentinel([SentinelBucket("BTCUSDT", "2026-01-01T00:00Z", found)], found)


@pytest.mark.spec("06-7")
@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ({}, ["HOLD"]),
        ({"slippage_bps": 1.0, "replace_ratio": 0.3}, ["RAISE_MIN_INTERVAL"]),
        ({"slippage_bps": 1.0, "replace_ratio": None}, ["RAISE_MIN_INTERVAL"]),
        ({"slippage_bps": 1.0, "replace_ratio": 0.29}, ["WIDEN_SPREAD"]),
        ({"adverse_bps": 0.5, "slippage_bps": 0.4}, ["LOWER_IMPACT_CAP"]),
        ({"adverse_bps": 0.4, "slippage_bps": 0.4}, ["WIDEN_SPREAD"]),
        ({"fees_eff_bps": 0.61}, ["RAISE_VIP_TILT"]),
        ({"fees_eff_bps": 0.6}, ["HOLD"]),
        ({"fees_eff_bps": 0.61, "gross_bps": 0.0}, ["HOLD"]),
        ({"inventory_bps": 3.0, "net_bps": -1.0}, ["RAISE_INVENTORY_TILT"]),
        ({"net_bps": -0.1}, []),
        (
            {"inventory_bps": 3.0, "adverse_bps": 1.0, "fees_eff_bps": 0.9, "net_bps": -3.0},
            ["LOWER_IMPACT_CAP", "RAISE_VIP_TILT", "RAISE_INVENTORY_TILT"],
        ),
    ],
)
def test_each_finding_has_its_advice_in_order(measured, expected):
    assert codes(one(**measured)) == [(code, "TOTAL") for code in expected]


@pytest.mark.spec("06-7")
def test_a_symbol_is_named_only_where_it_alone_is_concerned():
    bad = fields(adverse_bps=2.0, net_bps=-0.1)
    buckets = [SentinelBucket("A", "b", fields()), SentinelBucket("B", "b", bad)]
    assert codes(edge_sentinel(buckets, fields())) == [
        ("LOWER_IMPACT_CAP", "B"),
        ("HOLD", "TOTAL"),
    ]
    assert codes(edge_sentinel(buckets, bad)) == [("LOWER_IMPACT_CAP", "TOTAL"), ("HOLD", "A")]


@pytest.mark.spec("06-7")
def test_rankings_go_by_money_and_ties_by_name():
    rows = {"C": (-1.0, 100.0), "A": (-1.0, 100.0), "B": (-0.5, 1000.0), "D": (9.0, 1.0)}
    buckets = [
        SentinelBucket(name, "t", fields(net_bps=net, adverse_bps=-net, turnover_usd=turnover))
        for name, (net, turnover) in rows.items()
    ]
    top = edge_sentinel(buckets, fields())["top"]
    assert [row["symbol"] for row in top["top_symbols_by_net_drop"]] == ["B", "A", "C", "D"]
    contributors = top["contributors_by_component"]["adverse_bps"]
    assert [row["symbol"] for row in contributors] == ["B", "A", "C", "D"]
    assert contributors[0]["adverse_usd"] == pytest.approx(0.05)


@pytest.mark.spec("06-7")
def test_buckets_of_a_symbol_add_up_by_turnover_and_five_are_ranked():
    buckets = [
        SentinelBucket("A", f"t{at}", fields(net_bps=float(at), turnover_usd=100.0 * at))
        for at in range(1, 8)
    ]
    document = edge_sentinel(buckets, fields())
    whole = document["summary"]["symbols"]["A"]
    assert whole["fills"] == 70
    assert whole["turnover_usd"] == 2800.0
    assert whole["net_bps"] == pytest.approx(5.0)
    assert len(document["summary"]["buckets"]) == 7
    assert [r["bucket"] for r in document["top"]["top_buckets_by_net_drop"]] == [
        "t1",
        "t2",
        "t3",
        "t4",
        "t5",
    ]


def test_without_fills_there_is_nothing_to_say():
    document = edge_sentinel([], fields(net_bps=0.0, gross_bps=0.0, fees_eff_bps=0.0))
    assert document["summary"] == {"symbols": {}, "buckets": []}
    assert codes(document) == [("HOLD", "TOTAL")]
