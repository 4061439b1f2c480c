"""Edge accounting over recorded fills: the identity, filled-in values, windows, buckets."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.research.made_results import made_result

from mmbot.errors import InvariantError
from mmbot.research import edge_accounts
from mmbot.research.edge_accounts import AuditedFill, Stretch, components, turnover_usd
from mmbot.research.edge_audit import AuditInput, AuditOptions, audit
from mmbot.research.edge_lines import ActionCounts, QuoteLine, TradeLine
from mmbot.research.edge_report import build_edge_report, edge_markdown

prices = st.floats(1e-4, 1e5, allow_nan=False)


def line(**changes):
    given_values = {
        "symbol": "BTCUSDT",
        "ts_ms": 10_000.0,
        "side": 1,
        "price": 100.0,
        "qty": 2.0,
        "fee_bps": 0.0,
        "is_maker": True,
        "mid_before": None,
        "mid_after": None,
        "mid_decision": None,
        "ref_price": None,
        "ts_decision_ms": None,
        "order_age_ms": None,
        "cid": None,
    }
    return TradeLine(**{**given_values, **changes})


def quotes(*pairs, symbol="BTCUSDT"):
    return [QuoteLine(symbol, float(ts_ms), mid) for ts_ms, mid in pairs]


fills = st.builds(
    lambda side, price, qty, fee, *mids: AuditedFill(
        line=line(side=side, price=price, qty=qty, fee_bps=fee),
        **dict(zip(("decision", "reference", "before", "after"), mids, strict=True)),
    ),
    st.sampled_from([1, -1]),
    prices,
    st.floats(1e-6, 1e4),
    st.floats(-5.0, 10.0),
    *[prices] * 4,
)
stretches = st.builds(
    lambda rows, qty, opening, closing: Stretch(
        fills=rows, opening_qty=qty, opening_mid=opening, closing_mid=closing
    ),
    st.lists(fills, max_size=20),
    st.floats(-1e3, 1e3),
    prices,
    prices,
)


def ledger_usd(stretch):
    """Cash and marked position of a plain account, change over the stretch."""
    position, cash = stretch.opening_qty, 0.0
    for fill in stretch.fills:
        signed = fill.line.side * fill.line.qty
        position += signed
        cash -= signed * fill.line.price + fill.fee_usd
    return cash + position * stretch.closing_mid - stretch.opening_qty * stretch.opening_mid


@given(st.lists(stretches, max_size=4))
def test_components_add_up_to_the_ledger(given_stretches):
    found = components(given_stretches)
    costs = ("fees_usd", "slippage_usd", "adverse_usd", "inventory_usd")
    assert found["net_usd"] == found["gross_usd"] - math.fsum(found[name] for name in costs)
    scale = sum(
        turnover_usd(s.fills)
        + sum(f.line.qty for f in s.fills) * s.closing_mid
        + abs(s.opening_qty) * (s.opening_mid + s.closing_mid)
        for s in given_stretches
    )
    ledger = sum(ledger_usd(stretch) for stretch in given_stretches)
    assert abs(found["net_usd"] - ledger) <= 1e-9 * max(1.0, scale)


@given(st.lists(fills, min_size=1, max_size=20))
def test_identity_to_a_billionth_of_turnover_when_mids_are_near_the_prices(rows):
    """As in a market: every mid within a few percent of the fill's price."""

    def near(fill, value):
        return fill.line.price * (1 + 0.03 * math.sin(value))

    rows = [
        AuditedFill(
            line=fill.line,
            decision=near(fill, fill.decision),
            reference=near(fill, fill.reference),
            before=near(fill, fill.before),
            after=near(fill, fill.after),
        )
        for fill in rows
        if 50 <= fill.line.price <= 200
    ]
    stretch = Stretch(fills=rows, opening_qty=0.0, opening_mid=100.0, closing_mid=101.0)
    found = components([stretch])
    difference = abs(found["net_usd"] - ledger_usd(stretch))
    assert difference <= 1e-9 * max(turnover_usd(rows), 1e-3)


def test_a_broken_identity_is_a_defect_of_ours(monkeypatch):
    monkeypatch.setattr(edge_accounts, "_of_fill", lambda fill, mark: (1.0, 0.0, 0.0, 0.0, 0.0))
    fill = AuditedFill(line=line(), decision=100, reference=100, before=100, after=100)
    stretch = Stretch(fills=[fill], opening_qty=0, opening_mid=100, closing_mid=100)
    with pytest.raises(InvariantError, match="E_SIM_IDENTITY"):
        components([stretch])


def test_components_worked_out_by_hand():
    # Bid quoted at 100 against a mid of 101; the mid drifts to 100.5, then to 99 after the fill,
    # and ends at 99.5. Rebate 1 bps of 200 USD.
    trade = line(mid_decision=101.0, mid_before=100.5, mid_after=99.0, fee_bps=-1.0)
    report = audit(AuditInput(trades=[trade], quotes=quotes((20_000, 99.5))), AuditOptions())
    totals = report["totals"]
    assert totals["turnover_usd"] == 200.0
    assert totals["gross_bps"] == pytest.approx(100.0)
    assert totals["slippage_bps"] == pytest.approx(50.0)
    assert totals["adverse_bps"] == pytest.approx(150.0)
    assert totals["inventory_bps"] == pytest.approx(-50.0)
    assert totals["fees_eff_bps"] == pytest.approx(-1.0)
    assert totals["net_bps"] == pytest.approx(-49.0)
    assert totals["pnl_usd"] == pytest.approx(-0.98)
    assert totals["neg_edge_drivers"] == ["adverse_bps", "slippage_bps"]
    assert totals["adverse_bps_p95"] == pytest.approx(150.0)


def test_values_that_are_missing_come_from_quotes():
    given_quotes = quotes(
        (9_000, 101.0), (9_500, 100.5), (10_000, 70.0), (11_000, 99.0), (12_000, 99.5)
    )
    trade = line(ts_decision_ms=9_000.0)
    filled_in = audit(AuditInput(trades=[trade], quotes=given_quotes), AuditOptions())
    given_whole = line(mid_decision=101.0, mid_before=100.5, mid_after=99.0, ref_price=100.0)
    whole = audit(AuditInput(trades=[given_whole], quotes=given_quotes), AuditOptions())
    assert filled_in["totals"] == whole["totals"]


def test_without_quotes_a_fill_has_only_its_fee():
    report = audit(AuditInput(trades=[line(fee_bps=2.0)]), AuditOptions())
    assert report["totals"]["net_bps"] == pytest.approx(-2.0)
    assert report["totals"]["gross_bps"] == 0.0


def test_repeated_fills_are_counted_once_when_they_can_be_told_apart():
    named, unnamed = line(cid="7"), line()
    trades = [named, named, line(cid="7", qty=1.0), unnamed, unnamed]
    assert audit(AuditInput(trades=trades), AuditOptions())["totals"]["fills"] == 4


def test_no_usable_trade_gives_zeros():
    report = audit(AuditInput(trades=[], rejected_lines=3), AuditOptions())
    assert report["rejected_lines"] == 3
    assert report["symbols"] == {}
    assert report["window"] == {"from": None, "to": None}
    totals = report["totals"]
    assert totals["fills"] == 0
    numbers = [value for value in totals.values() if isinstance(value, float)]
    assert len(numbers) > 10
    assert set(numbers) == {0.0}


def test_total_is_weighted_by_turnover():
    trades = [
        line(symbol="A", mid_decision=101.0, qty=1.0),
        line(symbol="B", mid_decision=100.5, qty=3.0),
    ]
    report = audit(AuditInput(trades=trades), AuditOptions())
    gross = {name: report["symbols"][name]["gross_bps"] for name in "AB"}
    assert report["totals"]["gross_bps"] == pytest.approx((gross["A"] + 3 * gross["B"]) / 4)


def test_a_window_opens_with_the_position_of_earlier_fills():
    # Long 2 before the window; the mid rises from 100 to 104 inside of it.
    trades = [line(ts_ms=1_000.0), line(ts_ms=10_000.0, side=-1, qty=1.0, price=103.0)]
    given_quotes = quotes((500, 100.0), (4_000, 100.0), (9_000, 103.0), (12_000, 104.0))
    options = AuditOptions(from_ns=5_000_000_000, to_ns=15_000_000_000)
    totals = audit(AuditInput(trades=trades, quotes=given_quotes), options)["totals"]
    assert totals["fills"] == 1
    # The two held earn 4 each, the one sold too early loses 1.
    assert totals["pnl_usd"] == pytest.approx(7.0)


@given(
    st.lists(st.tuples(st.integers(0, 3_599), st.sampled_from([1, -1])), min_size=1, max_size=40)
)
def test_buckets_add_up_to_the_whole_when_every_bucket_has_fills(trades):
    trades = [*trades, *((minute * 60 + 1, 1) for minute in range(60))]
    lines = [
        line(ts_ms=1000.0 * second, side=side, price=100.0 + math.sin(second), qty=1.0)
        for second, side in trades
    ]
    mids = quotes(*((1000 * s, 100.0 + math.sin(s)) for s in range(0, 3600, 7)))
    options = AuditOptions(bucket_min=1, from_ns=0, to_ns=3_600_000_000_000)
    totals = audit(AuditInput(trades=lines, quotes=mids), options)["totals"]
    assert len(totals["buckets"]) == 60
    assert totals["buckets"][1]["bucket"] == "00:01"
    assert sum(bucket["fills"] for bucket in totals["buckets"]) == len(lines)
    notional = {bucket["bucket"]: 0.0 for bucket in totals["buckets"]}
    for trade in lines:
        notional[f"00:{int(trade.ts_ms // 60_000):02d}"] += trade.price
    net = sum(bucket["net_bps"] * notional[bucket["bucket"]] for bucket in totals["buckets"])
    assert net == pytest.approx(totals["net_bps"] * totals["turnover_usd"], abs=1e-3)


def test_actions_give_ratios_and_blocks():
    actions = {"BTCUSDT": ActionCounts(replaces=6, cancels=2, attempts=20)}
    actions["BTCUSDT"].blocks.update(risk=3, min_interval=9)
    totals = audit(AuditInput(trades=[line()], actions=actions), AuditOptions())["totals"]
    assert totals["replace_ratio"] == 0.75
    assert totals["cancel_ratio"] == 0.25
    assert totals["risk_ratio"] == 0.25
    assert totals["attempts"] == 20


def test_report_of_results_has_every_field():
    report = build_edge_report(
        {"X": made_result(), "A": made_result()}, horizon_ms=1000, mode="sim"
    )
    assert set(report["totals"]) == {
        *("gross_bps", "fees_eff_bps", "slippage_bps", "adverse_bps", "inventory_bps", "net_bps"),
        *("component_breakdown", "neg_edge_drivers", "adverse_bps_p95", "slippage_bps_p95"),
        *("order_age_p95_ms", "ws_lag_p95_ms", "p95_latency_ms", "cancel_ratio", "replace_ratio"),
        *("maker_share_pct", "taker_share_pct", "maker_taker_ratio", "fills", "turnover_usd"),
        *("pnl_usd", "attempts", "block_reasons", "risk_ratio"),
    }
    assert report["totals"]["turnover_usd"] == 2000.0
    assert report["totals"]["net_bps"] == 10.0
    assert report["symbols"]["X"]["cancel_ratio"] == 0.3
    assert report["runtime"]["mode"] == "sim"
    rows = [row.split(" | ")[0] for row in edge_markdown(report).splitlines() if row[:2] == "| "]
    assert rows == ["| symbol", "| ---", "| A", "| X", "| TOTAL"]
