"""The HTML report: one file, nothing fetched, well formed, the same for the same run."""

import re
from html.parser import HTMLParser

from tests.unit.research.made_results import made_run
from tests.unit.research.test_report import facts

from mmbot.research.models import Thresholds
from mmbot.research.report import build_report
from mmbot.research.report_html import PageFacts, backtest_html, run_html

VOID = frozenset({"meta", "link", "br", "img", "input"})


class Balance(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = []
        self.problems = []
        self.seen = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.add(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(tag)


def page(*runs, **changes):
    return backtest_html(build_report(runs or [made_run()], facts(**changes)))


def test_the_page_is_well_formed_and_has_its_charts():
    html = page()
    balance = Balance()
    balance.feed(html)
    assert balance.problems == []
    assert balance.open == []
    assert html.isascii()
    assert html.count("<svg") >= 8
    for title in (
        *("Equity", "Edge decomposition", "Markout by horizon", "Market and fills", "Position"),
        *("Spread", "Block reasons", "Queue wait", "Gates", "Headline"),
    ):
        assert f"<h3>{title}</h3>" in html


def test_nothing_is_fetched_from_anywhere():
    html = page()
    addresses = re.findall(r"https?://[^\s\"'<)]+", html)
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(?:link|img|iframe|script)[^>]+(?:src|href)", html)
    assert "@import" not in html
    assert "url(" not in html


def test_equal_runs_give_equal_bytes():
    assert page() == page()


def test_the_verdict_is_on_the_page():
    assert "All gates passed" in page()
    failed = page(thresholds=Thresholds(net_bps=11))
    assert "Gates failed" in failed
    assert "net_bps 10.000000 &lt; 11" in failed


def test_numbers_are_those_of_the_result():
    html = page()
    assert "+1.00 <small>USD</small>" in html
    assert "+10.000 <small>bps</small>" in html
    assert "all 4 fills" not in html
    assert "3 of 4 fills" in html


def test_names_are_escaped():
    html = page(made_run("<A&B>"))
    assert "<A&B>" not in html
    assert "&lt;A&amp;B&gt;" in html


def test_several_symbols_have_an_overview_and_a_section_each():
    html = page(made_run("AAA"), made_run("BBB"))
    assert "All symbols" in html
    assert html.count("<h2>AAA</h2>") == 1
    assert '<tr class="total"><td>TOTAL</td>' in html


def test_a_run_without_detail_or_fills_has_a_page_too():
    bare = made_run(fills_total=0, turnover_usd=0.0, markouts=[], block_details={})
    bare = type(bare)(symbol="A", result=bare.result, tick_size="1")
    html = run_html(
        [bare], PageFacts(title="Session", facts={"seed": "1"}, budget_usd=100.0, bar_minutes=5)
    )
    balance = Balance()
    balance.feed(html)
    assert balance.problems == []
    assert "no samples" in html
    assert "Gates" not in html
