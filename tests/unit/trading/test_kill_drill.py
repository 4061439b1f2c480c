"""What a kill drill takes for proof, and a session that is drilled."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.trading.written_sessions import SYMBOLS, write_session

from mmbot import core
from mmbot.store.journal import JournalReader
from mmbot.trading import drilling
from mmbot.trading.drilling import DrillCompanion
from mmbot.trading.kill_drill import DrillSample, DrillWatch
from mmbot.trading.live.drill_order import (
    DrillAnswer,
    DrillOrder,
    order_drill,
    read_answer,
    take_order,
)
from mmbot.trading.replaying import replay_journal
from mmbot.units import NS_PER_MS, NS_PER_SEC


def sample(ms, open_orders, created=10, amended=5):
    ts_ns = 1_000 * NS_PER_SEC + ms * NS_PER_MS
    return DrillSample(ts_ns=ts_ns, open_orders=open_orders, created=created, amended=amended)


def judged(*samples):
    watch = DrillWatch(sample(0, 6))
    results = [watch.see(one) for one in samples]
    assert all(result is None for result in results[:-1])
    return results[-1]


@pytest.mark.spec("09-1")
def test_a_drill_passes_once_all_orders_have_been_gone_for_a_while():
    result = judged(
        sample(100, 6, created=12),
        sample(200, 6, created=12),
        sample(900, 1, created=12),
        sample(1_000, 0, created=12),
        sample(3_999, 0, created=12),
        sample(4_000, 0, created=12),
    )
    assert result.as_dict() == {
        "verdict": "passed",
        "passed": True,
        "orders_at_kill": 6,
        "orders_left": 0,
        "created_after_gate": 0,
        "amended_after_gate": 0,
        "gate_closed_ms": 200.0,
        "gone_ms": 1_000.0,
        "watched_ms": 4_000.0,
    }


@pytest.mark.spec("09-1")
@pytest.mark.parametrize("what", ["created", "amended"])
def test_an_order_that_is_created_or_changed_behind_the_gate_fails_it_at_once(what):
    more = {"created": 11} if what == "created" else {"amended": 6}
    result = judged(sample(250, 6), sample(500, 0), sample(2_000, 0, **more))
    assert (result.verdict, result.passed) == ("order_created", False)
    assert (result.created_after_gate, result.amended_after_gate) == (
        int(what == "created"),
        int(what == "amended"),
    )


@pytest.mark.spec("09-1")
def test_orders_that_do_not_go_fail_it_after_ten_seconds():
    result = judged(sample(200, 6), sample(9_999, 2), sample(10_000, 2))
    assert (result.verdict, result.orders_left, result.gone_ms) == ("orders_left", 2, None)


def test_an_order_that_comes_back_has_not_gone():
    result = judged(sample(200, 0), sample(3_000, 1), sample(3_100, 0), sample(6_100, 0))
    assert (result.verdict, result.gone_ms) == ("passed", 3_100.0)


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 900), st.integers(0, 2), st.booleans(), st.booleans()),
        max_size=60,
    )
)
def test_a_drill_ends_with_the_verdict_that_its_samples_give(steps):
    watch, ms, created, amended = DrillWatch(sample(0, 3)), 0, 10, 5
    behind: list[tuple[int, int, int, int]] = []
    for wait, open_orders, creates, amends in steps:
        ms, created, amended = ms + wait, created + creates, amended + amends
        result = watch.see(sample(ms, open_orders, created, amended))
        if ms >= 200:
            behind.append((ms, open_orders, created, amended))
        if result is None:
            continue
        assert behind
        _, left, last_created, last_amended = behind[-1]
        is_quiet = (last_created, last_amended) == behind[0][2:]
        assert (result.verdict != "order_created") == is_quiet
        if result.passed:
            assert left == 0
            since = result.gone_ms
            assert since is not None
            assert all(orders == 0 for at, orders, _, _ in behind if at >= since)
            assert ms - since >= 3_000
        return


class Desk:
    """A session that is drilled at its fourth second."""

    def __init__(self, tmp_path, monkeypatch, *, stay_halted=False, hand=None):
        monkeypatch.setattr(drilling, "_LOOK_NS", 0)
        self.directory = tmp_path / "state"
        self.said: list[str] = []
        self.order = DrillOrder(
            session="s-1", at_ns=77, reason="monthly drill", stay_halted=stay_halted
        )
        self.companion = DrillCompanion("s-1", SYMBOLS, self.said.append, self.directory)
        self.hand = hand
        self.grades: list[str] = []
        self.path = write_session(tmp_path, seconds=20, on_second=self.on_second)

    def on_second(self, engine: core.Backtest, second: int) -> None:
        if second == 1:
            self.companion.begin(engine, 0)
        if second == 4:
            order_drill(self.order, self.directory)
        if self.hand is not None:
            self.hand(engine.session(), second)
        self.companion.step(engine, 0, ())
        self.grades.append(engine.session().state()["risk"]["grade"])

    @property
    def answer(self) -> DrillAnswer:
        answer = read_answer(self.order, self.directory)
        assert answer is not None
        return answer


@pytest.mark.spec("09-1")
def test_a_running_session_is_killed_watched_and_resumed(tmp_path, monkeypatch):
    desk = Desk(tmp_path, monkeypatch)
    answer = desk.answer
    assert answer.result is not None
    assert (answer.result["verdict"], answer.resumed, answer.held) == ("passed", True, None)
    assert answer.result["orders_at_kill"] > 0
    assert desk.said == ["kill drill: the session is killed", "kill drill: passed; resumed"]
    assert "HALTED" in desk.grades
    assert desk.grades[-1] == "NORMAL"
    assert take_order("s-1", desk.directory) is None
    controls = list(JournalReader(desk.path).records(kinds=["control", "intent", "sync"]))
    names = [one["control"] for one in controls if one["kind"] == "control"]
    assert names == ["kill", "lift_kill", "stop"]
    kill, lift = (
        next(at for at, one in enumerate(controls) if one.get("control") == name)
        for name in ("kill", "lift_kill")
    )
    assert controls[kill]["reason"] == "monthly drill"
    gate = next(at for at in range(kill, lift) if controls[at]["kind"] == "sync")
    between = [one["action"] for one in controls[gate:lift] if one["kind"] == "intent"]
    assert set(between) == {"cancel"}, "the journal says so, too"
    after = [one["action"] for one in controls[lift:] if one["kind"] == "intent"]
    assert "place" in after, "it quotes again"
    assert replay_journal(desk.path).diff_seq is None


@pytest.mark.spec("09-1")
def test_a_drilled_session_stays_halted_where_that_is_wanted(tmp_path, monkeypatch):
    desk = Desk(tmp_path, monkeypatch, stay_halted=True)
    assert (desk.answer.resumed, desk.answer.held) == (False, None)
    assert desk.grades[-1] == "HALTED"


@pytest.mark.spec("09-1")
def test_a_kill_that_comes_during_a_drill_is_not_lifted_with_it(tmp_path, monkeypatch):
    def hand(control: Any, second: int) -> None:
        if second == 6:
            control.kill(reason="in earnest")

    desk = Desk(tmp_path, monkeypatch, hand=hand)
    assert (desk.answer.resumed, desk.answer.held) == (False, "it was killed meanwhile")
    assert desk.grades[-1] == "HALTED"


@pytest.mark.spec("09-1")
def test_a_pause_that_comes_during_a_drill_stays(tmp_path, monkeypatch):
    def hand(control: Any, second: int) -> None:
        if second == 6:
            control.set_manual_pause(True)

    desk = Desk(tmp_path, monkeypatch, hand=hand)
    assert desk.answer.resumed
    assert desk.grades[-1] == "FLAT"


@pytest.mark.spec("09-1")
@pytest.mark.parametrize(
    ("do", "grade"),
    [
        (lambda control: control.kill(), "HALTED"),
        (lambda control: control.set_risk_floor("FLAT"), "FLAT"),
    ],
)
def test_a_session_that_is_held_already_is_not_drilled(tmp_path, monkeypatch, do, grade):
    def hand(control: Any, second: int) -> None:
        if second == 2:
            do(control)

    desk = Desk(tmp_path, monkeypatch, hand=hand)
    assert desk.answer.refused == f"the risk grade is {grade} already"
    assert desk.answer.result is None
    assert desk.grades[-1] == grade


def test_an_order_from_before_the_session_counts_for_nothing(tmp_path):
    order = DrillOrder(session="s-1", at_ns=1, reason="", stay_halted=False)
    order_drill(order, tmp_path)
    engine: Any = None
    DrillCompanion("s-1", SYMBOLS, print, tmp_path).begin(engine, 0)
    assert take_order("s-1", tmp_path) is None
    order_drill(order, tmp_path)
    assert take_order("s-1", tmp_path) == order
    (tmp_path / "s-1.drill-order").write_text("not json")
    assert take_order("s-1", tmp_path) is None
    assert read_answer(order, tmp_path) is None
