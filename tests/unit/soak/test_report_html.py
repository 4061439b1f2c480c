"""The page of a soak run: complete, well formed, honest about what was not measured."""

from html.parser import HTMLParser
from typing import Any

import pytest

from mmbot.soak.iteration import IterationFacts, evaluate, finish
from mmbot.soak.mock import mock_totals
from mmbot.soak.models import Phase
from mmbot.soak.parameters import DEFAULTS
from mmbot.soak.report_html import soak_html
from mmbot.soak.run_report import RunFacts, closing_lines, report_markdown, run_report
from mmbot.soak.source import WindowResult
from mmbot.soak.state import TuningState
from mmbot.units import NS_PER_SEC

from tests.unit.soak.made import SETTINGS  # isort: skip

VOID = {"meta", "br", "img", "link", "hr", "line", "path", "rect", "circle", "polyline"}
FACTS = RunFacts(
    run_id="r-1",
    mode="mock",
    mock=True,
    iterations=7,
    kpi_mode="hard",
    strict_last8=True,
    stop_reason=None,
    aborted=False,
    overrides=DEFAULTS,
    metadata={
        "git_sha": "abc",
        "runtime": {"version": "1"},
        "options": {"profile": "<b>&"},
        "sources": {"tail_age_ms": "cli"},
    },
    run_totals={},
)


class Balance(HTMLParser):
    """Every element that opens closes, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def records(count: int, *, silent: frozenset[int] = frozenset()) -> list[dict[str, Any]]:
    state = TuningState(run_id="r")
    values = dict(DEFAULTS)
    made = []
    for i in range(1, count + 1):
        report = None if i in silent else {"totals": mock_totals(i, 42)[0]}
        window = WindowResult(
            report=report, from_ns=(i - 1) * 300 * NS_PER_SEC, to_ns=i * 300 * NS_PER_SEC
        )
        facts = IterationFacts(
            iteration=i,
            total_iterations=count,
            run_id="r",
            runtime_utc="1970-01-01T00:00:00Z",
            phase=Phase.STEADY,
            values=values,
            in_force=values,
            start_values=DEFAULTS,
            auto_tune=True,
            hash_before=None,
        )
        done = evaluate(state, window, facts, SETTINGS)
        state = finish(done.state, done.outcome, now_sec=done.now_sec, state_hash=None)
        values = dict(done.decision.after)
        assert state.last_outcome is not None
        made.append(dict(state.last_outcome))
    return made


@pytest.mark.parametrize("count", [0, 1, 7])
def test_the_page_is_whole_and_fetches_nothing(count):
    summaries = records(count)
    page = soak_html(run_report(summaries, FACTS), summaries)
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert parser.seen.count("svg") >= 12
    assert "profile=&lt;b&gt;&amp;" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert page.isascii()
    assert ("Before and after" in page) is (count >= 6)


def test_windows_without_a_report_leave_holes_not_zeros():
    summaries = records(7, silent=frozenset({3}))
    document = run_report(summaries, FACTS)
    assert document["kpi"]["unknown"] == 1
    assert "n/a" in soak_html(document, summaries)
    lines = closing_lines(document, summaries)
    assert "| 3 | n/a | n/a% | n/a | n/a | n/a | n/a |" in lines
    assert "| skipped: no_report | 1 |" in report_markdown(document, summaries)
