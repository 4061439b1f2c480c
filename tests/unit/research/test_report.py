"""The backtest report: every key, its value for a result made by hand, and its Markdown."""

from typing import Any

import pytest
from tests.unit.research.made_results import made_run

from mmbot.research.gates import evaluate
from mmbot.research.models import Thresholds
from mmbot.research.report import HEADLINE, ReportFacts, build_report
from mmbot.research.report_markdown import report_markdown
from mmbot.store.canonical import canonical_json

CALIBRATION = dict.fromkeys(
    (
        "latency_ms_mean",
        "latency_ms_std",
        "amend_latency_ms",
        "cancel_latency_ms",
        "toxic_sweep_prob",
        "extra_slippage_bps",
    ),
    0.0,
)


def facts(**changes):
    given = {
        "runtime": {"mode": "backtest", "utc": "1970-01-01T00:00:00Z", "version": "0"},
        "metadata": {
            "git_sha": "x",
            "cfg_hash": "c",
            "seed": 42,
            "mode": "queue_aware",
            "queue_model": "power",
            "data_hash": "d",
            "params_hash": "p",
        },
        "source": "ticks",
        "bad_lines": 2,
        "calibration": CALIBRATION,
        "budget_usd": 100.0,
        "bar_minutes": 5,
        "thresholds": Thresholds(),
    }
    return ReportFacts(**{**given, **changes})


def test_headline_numbers():
    document = build_report([made_run()], facts()).document
    assert {key: document[key] for key in HEADLINE} == {
        "fills_total": 4,
        "net_bps": 10.0,
        "taker_share_pct": 10.0,
        "order_age_p95_ms": 300.0,
        "fees_bps": -1.0,
        "turnover_usd": 1000.0,
    }


def test_every_key_of_the_schema_is_there():
    document = build_report([made_run()], facts()).document
    expected = set(HEADLINE) | {
        *("runtime", "symbols", "time_bounds", "net_pnl_usd", "sharpe", "hit_rate"),
        *("max_drawdown", "max_drawdown_usd", "cvar95_usd", "maker_share", "fill_rate"),
        *("quotes", "orders", "replace_rate_per_min", "order_age_p50_ms", "order_age_p99_ms"),
        *("avg_queue_wait_ms", "fill_statistics", "component_breakdown", "block_reasons"),
        *("inventory_summary", "calibration_used", "data", "gates", "metadata"),
    }
    assert expected <= set(document)
    assert set(document["data"]) == {"source", "rows", "bad_lines", "coverage", "gaps"}
    assert set(document["metadata"]) == {
        *("git_sha", "cfg_hash", "seed", "mode", "queue_model", "data_hash", "params_hash")
    }
    assert canonical_json(document).endswith(b"}\n")


def test_numbers_worked_out_by_hand():
    document = build_report([made_run()], facts()).document
    assert document["hit_rate"] == 0.75
    assert document["fill_rate"] == 0.25
    assert document["maker_share"] == 0.9
    assert document["replace_rate_per_min"] == 0.8
    assert document["avg_queue_wait_ms"] == 325.0
    # equity 100 -> 103 -> 101
    assert document["max_drawdown_usd"] == 2.0
    assert document["max_drawdown"] == pytest.approx(2 / 103)
    assert document["cvar95_usd"] == -2.0
    assert document["data"]["coverage"] == 0.9
    assert document["block_reasons"]["min_interval"] == {"count": 30, "ratio": 0.75}
    assert document["fill_statistics"]["maker_ratio"] == 0.75
    assert document["time_bounds"]["to"] == "1970-01-01T00:10:00.000000000Z"


def test_a_run_without_fills_divides_by_nothing():
    nothing: dict[str, Any] = {
        **dict.fromkeys(("turnover_usd", "maker_turnover_usd", "taker_turnover_usd"), 0.0),
        **dict.fromkeys(("fills_total", "maker_fills", "taker_fills", "round_trips"), 0),
        **dict.fromkeys(("profitable_round_trips", "orders_accepted", "duration_ns"), 0),
        "gaps": [],
    }
    document = build_report([made_run(**nothing)], facts()).document
    assert document["net_bps"] == 0.0
    assert document["hit_rate"] == 0.0
    assert document["data"]["coverage"] == 1.0
    canonical_json(document)


def test_several_symbols_are_added_and_told_apart():
    document = build_report([made_run("B"), made_run("A")], facts()).document
    assert document["symbols"] == ["A", "B"]
    assert document["fills_total"] == 8
    assert document["net_bps"] == 10.0
    assert document["inventory_summary"]["final_position"] is None
    assert document["inventory_summary"]["unrealized_pnl_usd"] == -1.0
    assert document["by_symbol"]["A"]["inventory_summary"]["final_position"] == -0.25


@pytest.mark.parametrize(
    ("limits", "reasons"),
    [
        (Thresholds(net_bps=10.0, taker_share_pct=10.0, order_age_p95_ms=300.0), ()),
        (Thresholds(net_bps=10.1), ("net_bps 10.000000 < 10.1",)),
        (Thresholds(taker_share_pct=9.5), ("taker_share_pct 10.000000 > 9.5",)),
        (
            Thresholds(net_bps=11, order_age_p95_ms=299),
            ("net_bps 10.000000 < 11", "order_age_p95_ms 300.000000 > 299"),
        ),
    ],
)
def test_gates_hold_at_their_limits(limits, reasons):
    gates = build_report([made_run()], facts(thresholds=limits)).gates
    assert gates.reasons == reasons
    assert gates.passed is (reasons == ())


def test_a_number_that_is_none_fails_its_gate():
    headline = {"net_bps": float("nan"), "taker_share_pct": 0.0, "order_age_p95_ms": 0.0}
    assert not evaluate(headline, Thresholds()).passed


def test_markdown_begins_with_the_headline_in_order():
    text = report_markdown(build_report([made_run()], facts()).document)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[0][2:] for row in rows[2:8]] == list(HEADLINE)
    assert "| net_bps | 10.000000 |" in rows
    assert "## Gates\n\nPASS" in text
    sections = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert sections == ["Performance Metrics", "Fill Statistics", "Inventory Summary", "Gates"]


def test_markdown_shows_a_calibration_that_does_something():
    used = {**CALIBRATION, "latency_ms_mean": 20.0}
    text = report_markdown(build_report([made_run()], facts(calibration=used)).document)
    assert "## Calibration Parameters" in text
    assert "| latency_ms_mean | 20.000000 |" in text
