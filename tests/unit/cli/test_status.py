"""`mmbot status`: which sessions it shows, as what, and its exit code."""

import json
import os
from dataclasses import replace

import pytest
from tests.unit.trading.live.states import SEC, session_state, symbol_state

from mmbot.cli.app import run_cli
from mmbot.clock import wall_ns
from mmbot.errors import VenueError
from mmbot.trading.live.start_failures import note_start_failure
from mmbot.trading.live.state_file import StageMark, state_path, write_state


@pytest.fixture
def states(tmp_path, monkeypatch):
    """Writes a state as of so many seconds ago."""
    monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path))

    def write(age_s: float = 0.0, **changes):
        at_ns = wall_ns() - int(age_s * SEC)
        symbol = symbol_state(at_ns=at_ns, market_ns=at_ns)
        fields = {"heartbeat_ns": at_ns, "started_ns": at_ns - 10 * SEC, "symbols": (symbol,)}
        state = session_state(**(fields | changes))
        write_state(state)
        return state

    return write


def shown(capsys, *args: str) -> tuple[int, str]:
    code = run_cli(["status", *args])
    return code, capsys.readouterr().out


def gone() -> dict[str, object]:
    return {"pid": os.getpid(), "process": "1"}


def ended(unconfirmed: int = 0) -> dict[str, object]:
    return {"stages": (StageMark("ended", 1),), "unconfirmed_orders": unconfirmed, "exit_code": 0}


def test_without_a_session_it_says_so(states, capsys):
    assert shown(capsys) == (0, "no session\n")


@pytest.mark.spec("09-1")
def test_every_figure_of_a_running_session_has_its_age(states, capsys):
    states()
    code, text = shown(capsys)
    assert code == 0
    assert text.startswith("LIVE  live on bybit")
    assert text.isascii()
    code, text = shown(capsys, "--json")
    assert code == 0
    (session,) = json.loads(text)["sessions"]
    assert session["liveness"] == "live"
    assert 0 <= session["heartbeat_age_sec"] < 5
    assert {"age_sec", "market_age_sec"} <= session["symbols"][0].keys()
    assert session["private_age_sec"] > 0
    assert session["reconciled_age_sec"] is None


@pytest.mark.parametrize(
    ("age_s", "changes", "expected"),
    [
        (6, {}, (2, "STALE")),
        (0, gone(), (2, "DEAD")),
        (0, gone() | {"mode": "paper"}, (0, "DEAD")),
        (60, ended(unconfirmed=1), (2, "ENDED")),
        (60, ended(), (0, "no session")),
    ],
    ids=["hung", "killed", "killed in paper", "left orders", "ended well"],
)
def test_a_session_that_needs_care_is_shown_and_negative(states, capsys, age_s, changes, expected):
    states(age_s, **changes)
    code, text = shown(capsys)
    assert (code, text[: len(expected[1])]) == expected


def test_a_killed_session_whose_orders_a_later_one_took_over_is_history(states, capsys):
    states(60, session="killed", **gone())
    states(0, session="later")
    code, text = shown(capsys)
    assert code == 0
    assert "killed" not in text
    code, text = shown(capsys, "--all")
    assert code == 0
    assert "took over" in text


def test_a_later_session_of_another_bot_takes_over_nothing(states, capsys):
    states(60, session="killed", **gone())
    states(0, session="later", bot_prefix="mmother")
    assert shown(capsys)[0] == 2


def test_one_session_is_found_by_the_beginning_of_its_id(states, capsys):
    states(1, session="aaa")
    states(0, session="bbb")
    _, text = shown(capsys, "--json", "--session", "aa")
    assert [one["session"] for one in json.loads(text)["sessions"]] == ["aaa"]


def test_holds_and_orders_left_are_told(states, capsys):
    state = states(holds=("clock_skew", "market_stale:BTCUSDT"))
    write_state(
        replace(state, unconfirmed_orders=3, faults={"reject_trips": 1, "late_requests": 2})
    )
    _, text = shown(capsys)
    assert "not quoting: clock_skew, market_stale:BTCUSDT" in text
    assert "could not be confirmed gone: 3" in text
    assert "so far: late_requests 2  reject_trips 1" in text


def test_faults_are_told_with_their_names_and_what_is_not_over_with_its_age(states, capsys):
    counts = {f"requests_failed.{code}": code for code in range(110_000, 110_030)}
    begun_ns = wall_ns() - 3 * SEC
    states(faults=counts, open_faults={"holds.disk": begun_ns})
    _, text = shown(capsys)
    assert "now: holds.disk since 3." in text
    lines = text.splitlines()
    first = next(at for at, line in enumerate(lines) if "so far:" in line)
    told = " ".join(lines[first : first + 12]).split()
    assert {f"requests_failed.{code}" for code in range(110_000, 110_030)} <= set(told)
    assert max(map(len, lines)) <= 110
    _, text = shown(capsys, "--json")
    (session,) = json.loads(text)["sessions"]
    assert session["faults"] == counts
    assert session["open_faults"] == {"holds.disk": begun_ns}


def test_starts_that_failed_are_told_until_a_session_has_begun(states, capsys):
    note_start_failure(VenueError("E_VENUE_CALL", "op=query", "no", detail="10003"), print)
    _, text = shown(capsys)
    assert "starts that failed: E_VENUE_CALL:10003 1" in text
    assert "E_VENUE_CALL:10003: op=query no" in text
    states(started_ns=wall_ns())
    assert "starts that failed" not in shown(capsys)[1]
    report = json.loads(shown(capsys, "--json")[1])
    assert report["failed_starts"]["counts"] == {"E_VENUE_CALL:10003": 1}


def test_a_damaged_file_is_one_line_and_hides_no_session(states, capsys):
    state = states()
    state_path("bad").write_text("{", encoding="ascii")
    assert run_cli(["status"]) == 1
    out, err = capsys.readouterr()
    assert state.session in out
    assert err.startswith("E_STORE_TYPE: file=")
    assert err.count("\n") == 1
