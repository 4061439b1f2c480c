"""The execution recorder's lines of a session."""

import json
from typing import Any

import pytest
from tests.unit.trading.made_session_rows import LOT, TICK, fill, order_event, taken

from mmbot.market.exec_recorder import ExecRecorder
from mmbot.trading.execution_records import (
    ExecutionCompanion,
    ExecutionSymbol,
    OrderMemory,
    exec_events,
)

MS = 1_000_000
SYMBOL = ExecutionSymbol("BTCUSDT", TICK, LOT, lambda cid: f"mm-{cid}")
ENGINE: Any = None


def lines(*steps):
    memory = OrderMemory()
    return [event for step in steps for event in exec_events(SYMBOL, memory, step)]


@pytest.mark.spec("01-9.2")
def test_an_order_its_acceptance_and_its_executions_are_lines():
    found = lines(
        taken([order_event(5 * MS, 256, "intent_place", px=499_971, color="green")]),
        taken([order_event(9 * MS, 256, "ack", px=499_971, color="green")]),
        taken([], [fill(12 * MS, 256, px=49_997.1), fill(13 * MS, 256, px=49_997.1)]),
    )
    assert [(event.kind, event.ts_ms) for event in found] == [
        ("order", 5),
        ("fill", 9),
        ("exec", 12),
        ("exec", 13),
    ]
    for event in found:
        assert (event.cid, event.color, event.symbol) == ("mm-256", "green", "BTCUSDT")
        assert (event.price, event.qty, event.side) == (49_997.1, 0.029, "Buy")


@pytest.mark.spec("01-9.2")
@pytest.mark.parametrize(
    ("events", "kinds"),
    [
        (["intent_place", "reject"], ["order", "reject"]),
        (["intent_place", "unknown", "reject"], ["order", "reject"]),
        # A refused change or cancel is no refusal of the order.
        (["intent_place", "ack", "intent_amend", "reject"], ["order", "fill"]),
        (["intent_place", "ack", "intent_cancel", "reject", "canceled"], ["order", "fill"]),
        (["intent_place", "ack", "intent_amend", "amended"], ["order", "fill"]),
        # An answer that comes twice counts once.
        (["intent_place", "ack", "ack"], ["order", "fill"]),
        (["ack"], []),
    ],
)
def test_only_answers_to_new_orders_count(events, kinds):
    steps = [taken([order_event(at * MS, 256, event)]) for at, event in enumerate(events)]
    assert [event.kind for event in lines(*steps)] == kinds


def test_sides_are_those_of_the_venue():
    found = lines(
        taken([order_event(MS, 256, "intent_place", side=1)], [fill(2 * MS, 256, side=-1)])
    )
    assert [event.side for event in found] == ["Sell", "Sell"]


@pytest.mark.spec("01-9.2")
def test_the_file_has_a_line_per_event_of_every_symbol(tmp_path):
    other = ExecutionSymbol("ETHUSDT", 0.01, 0.01, lambda cid: f"mm-{cid + 1}")
    said: list[str] = []
    companion = ExecutionCompanion(ExecRecorder(tmp_path), [SYMBOL, other], said.append)
    companion.begin(ENGINE, 0)
    both = [
        taken([order_event(MS, 256, "intent_place")]),
        taken([order_event(MS, 256, "intent_place")], symbol="ETHUSDT"),
    ]
    companion.step(ENGINE, MS, both)
    companion.close(ENGINE, 2 * MS, [taken([], [fill(2 * MS, 256)]), taken(symbol="ETHUSDT")])
    (path,) = tmp_path.iterdir()
    assert path.name == "exe_19700101.jsonl"
    text = path.read_text("ascii")
    rows = [json.loads(line) for line in text.splitlines()]
    assert [(row["cid"], row["kind"]) for row in rows] == [
        ("mm-256", "order"),
        ("mm-257", "order"),
        ("mm-256", "exec"),
    ]
    assert sorted(rows[0]) == list(rows[0])
    assert said == []
