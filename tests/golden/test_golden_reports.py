"""Reports and pictures byte by byte.

After a change that is meant, write the files anew with ``MMBOT_UPDATE_GOLDEN=1 pytest
tests/golden`` and read the difference.
"""

import os
from pathlib import Path

import pytest
from tests.unit.research.made_results import made_run
from tests.unit.research.test_report import facts

from mmbot.research import html_charts
from mmbot.research.edge_audit import AuditInput, AuditOptions, audit
from mmbot.research.edge_lines import read_quotes, read_trades
from mmbot.research.edge_report import edge_markdown
from mmbot.research.report import build_report
from mmbot.research.report_markdown import report_markdown
from mmbot.store.canonical import canonical_json, canonical_text

PLACE = Path(__file__).parent
UPDATE = os.environ.get("MMBOT_UPDATE_GOLDEN") == "1"


@pytest.fixture(autouse=True)
def _frozen(monkeypatch):
    monkeypatch.setenv("MM_FREEZE_UTC", "1")
    monkeypatch.setenv("MM_VERSION", "0.0.0")


def backtest_json():
    return canonical_json(build_report([made_run()], facts()).document)


def backtest_markdown():
    return canonical_text(report_markdown(build_report([made_run()], facts()).document))


def edge_document():
    trades, rejected = read_trades(PLACE / "edge_trades.jsonl")
    quotes, bad = read_quotes(PLACE / "edge_quotes.jsonl")
    return audit(
        AuditInput(trades=trades, quotes=quotes, rejected_lines=rejected + bad),
        AuditOptions(bucket_min=15),
    )


def edge_json():
    return canonical_json(edge_document())


def edge_text():
    return canonical_text(edge_markdown(edge_document()))


def waterfall_svg():
    result = made_run().result
    return canonical_text(html_charts.waterfall(result["edge"], result["turnover_usd"]))


def price_svg():
    return canonical_text(html_charts.price_chart(made_run()))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("backtest_report.json", backtest_json),
        ("backtest_report.md", backtest_markdown),
        ("edge_report.json", edge_json),
        ("edge_report.md", edge_text),
        ("waterfall.svg", waterfall_svg),
        ("price.svg", price_svg),
    ],
)
def test_bytes_are_those_of_the_golden_file(name, make):
    path = PLACE / name
    if UPDATE:
        path.write_bytes(make())
    assert make() == path.read_bytes()
