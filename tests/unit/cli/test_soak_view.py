"""The live table of a soak run: rows, sparklines, what changed and why; plain lines elsewhere."""

import io

import pytest
from rich.console import Console

from mmbot.cli.soak_view import LineView, TableView, changes_text, make_view
from mmbot.soak.parameters import DEFAULTS
from mmbot.trading.screen.style import ASCII


def outcome(iteration, *, verdict="PASS", applied=None, skipped=None, net=3.0):
    changes = [
        {"rule": "DRIVER:block_minint", "field": "min_interval_ms", "accepted": True},
        {"rule": "AGE_RELIEF", "field": "min_interval_ms", "accepted": False},
    ]
    return {
        "iteration": iteration,
        "phase": "STEADY",
        "overrides": dict(DEFAULTS),
        "summary": {
            "net_bps": net,
            "risk_ratio": 0.25,
            "adverse_bps_p95": 1.0,
            "order_age_p95_ms": None,
            "kpi_verdict": verdict,
        },
        "tuning": {
            "applied": bool(applied),
            "applied_deltas": applied or {},
            "skipped_reason": skipped,
            "zone": "HOLD",
            "changes": changes,
        },
    }


def test_a_change_names_its_rules_and_a_skip_its_reason():
    applied = {"min_interval_ms": 20, "impact_cap_ratio": -0.01}
    text = changes_text(outcome(1, applied=applied)["tuning"])
    assert text == "interval +20, impact -0.01 (block_minint)"
    assert changes_text(outcome(1, skipped="cooldown_active")["tuning"]) == "cooldown_active"


def test_the_last_frame_shows_rows_series_and_values():
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=120, height=50, color_system=None)
    view = TableView(console, total=30, title="mmbot soak", glyphs=ASCII)
    for i in range(1, 16):
        view.line(f"| iter_watch | SUMMARY | iter={i} |")
        view.finished(outcome(i, applied={"min_interval_ms": i}, net=float(i)))
    view.close()
    last = file.getvalue().rsplit("iteration 15 of 30", 1)[1]
    assert "interval +15 (block_minint)" in last
    # Only the newest rows fit.
    assert "interval +3 " not in last
    assert "#" in last
    assert "tail_age_ms=650" in last


def test_outside_a_terminal_there_are_lines(capsys):
    view = make_view(total=3, plain=False, title="x")
    assert isinstance(view, LineView)
    view.line("  tail_age_ms: 650 -> 700 (delta=+50)")
    view.line("caf\u00e9")
    view.finished(outcome(1))
    view.close()
    assert capsys.readouterr().out == "  tail_age_ms: 650 -> 700 (delta=+50)\ncaf\\xe9\n"


@pytest.mark.parametrize("plain", [True, False])
def test_plain_lines_are_a_choice_on_a_terminal(plain, monkeypatch):
    monkeypatch.setattr("mmbot.cli.soak_view.Console", lambda: Console(force_terminal=True))
    view = make_view(total=3, plain=plain, title="x")
    view.close()
    assert isinstance(view, LineView) is plain
