"""What a session leaves in the audit."""

import json
from typing import Any

import numpy as np
import pytest
from tests.unit.trading.written_sessions import SYMBOLS, write_session

from mmbot.research.edge_lines import read_actions
from mmbot.store.audit_chain import verify
from mmbot.store.audit_log import AuditLog
from mmbot.trading.auditing import AuditCompanion, denial_records, event_records, order_records
from mmbot.trading.session import Taken
from mmbot.units import NS_PER_SEC


def taken(*rows):
    ts_ns, event, reason = zip(*rows, strict=True) if rows else ((), (), ())
    events: dict[str, Any] = {
        "ts_ns": np.array(ts_ns, dtype="int64"),
        "event": list(event),
        "reason": list(reason),
    }
    return Taken(symbol="BTCUSDT", fills={}, curve={}, order_events=events)


def shown(records):
    return [(one.kind, one.ts_ns, dict(one.fields)) for one in records]


@pytest.mark.spec("02-6", "02-7.2")
def test_replacements_are_single_and_cancels_are_batches():
    rows = (
        (1, "intent_place", "quote"),
        (1, "intent_amend", "replace"),
        (2, "intent_cancel", "tail_age"),
        (2, "intent_cancel", "tail_age"),
        (3, "intent_cancel", "tail_age"),
        (3, "intent_cancel", "replace"),
        (4, "intent_cancel", "no_target"),
        (5, "fill", ""),
    )
    found = shown(order_records(taken(*rows), tail_age_ms=700))
    assert found == [
        ("REPLACE", 1, {"allowed": 1}),
        ("CANCEL", 2, {"batch": 2, "tail_age_ms": 700}),
        ("REPLACE", 3, {"allowed": 1}),
        ("CANCEL", 3, {"batch": 1, "tail_age_ms": 700}),
    ]
    assert shown(order_records(taken(), tail_age_ms=700)) == []


@pytest.mark.spec("02-6")
def test_refusals_are_one_record_a_reason():
    before = {"risk": 2, "min_interval": 5, "backoff": 0}
    now = {"risk": 2, "min_interval": 9, "backoff": 1}
    assert shown(denial_records(before, now, "BTCUSDT", 7)) == [
        ("REPLACE", 7, {"allowed": 0, "count": 1, "reason": "backoff"}),
        ("REPLACE", 7, {"allowed": 0, "count": 4, "reason": "min_interval"}),
    ]


@pytest.mark.spec("02-11.3", "02-11.4", "02-3")
@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {"name": "pos_skew", "symbol": "BTCUSDT", "event": "breach", "value": 1.25},
            ("GUARD", "BTCUSDT", {"name": "pos_skew", "event": "breach", "value": 1.25}),
        ),
        (
            {"name": "intraday_caps", "symbol": None, "event": "block", "value": 1},
            ("GUARD", "-", {"name": "intraday_caps", "event": "block", "value": 1.0}),
        ),
        (
            {"name": "mux", "symbol": "BTCUSDT", "event": "mid", "weights": {"A": 0.7, "B": 0.3}},
            ("MUX", "-", {"regime": "mid", "weights": "A:0.700000,B:0.300000"}),
        ),
    ],
)
def test_guards_and_mux_have_their_records(event, expected):
    (found,) = event_records({"ts_ns": 5, "cause": None, **event})
    assert (found.kind, found.symbol, dict(found.fields)) == expected


def test_what_is_no_kind_of_the_audit_leaves_nothing():
    for name in ("risk", "runtime_guard", "autopolicy", "circuit", "shadow"):
        event = {"ts_ns": 5, "symbol": None, "name": name, "event": "x", "value": 0.0}
        assert list(event_records(event)) == []


@pytest.mark.spec("02-6", "05-5")
def test_the_audit_of_a_session_has_every_replacement_and_every_refusal_once(tmp_path):
    path = tmp_path / "audit.jsonl"
    said: list[str] = []
    companion = AuditCompanion(AuditLog(path, said.append), lambda: 300, said.append)
    last: dict[str, Any] = {}

    def on_second(engine, second):
        if second == 1:
            companion.begin(engine, 0)
        found = [
            Taken(symbol=symbol, fills={}, curve={}, order_events=engine.take_order_events(0, at))
            for at, symbol in enumerate(SYMBOLS)
        ]
        if second < 15:
            companion.step(engine, second * NS_PER_SEC, found)
        else:
            companion.close(engine, second * NS_PER_SEC, found)
            last.update(engine.session().state()["by_symbol"])

    write_session(
        tmp_path,
        seconds=15,
        on_second=on_second,
        sets=(
            "latency_boost.tail_batch.tail_age_ms=300",
            "latency_boost.replace.replace_rate_per_min=30",
        ),
    )
    lines = path.read_bytes().splitlines(keepends=True)
    assert verify(lines).broken == 0
    counts, rejected = read_actions(path)
    assert rejected == 0
    refused = 0
    for symbol in SYMBOLS:
        orders = last[symbol]["orders"]
        assert counts[symbol].replaces == orders["replaces_total"] > 0
        denied = orders["replace_denials"]
        assert sum(counts[symbol].blocks.values()) == sum(denied.values()) - denied["backoff"]
        refused += sum(denied.values())
        assert sum(denied.values()) <= sum(sum(r.values()) for r in orders["blocks"].values())
    assert refused > 0
    batches = [json.loads(line) for line in lines if b'"CANCEL"' in line]
    total = sum(last[symbol]["orders"]["cancel_batches_total"] for symbol in SYMBOLS)
    assert len(batches) == total > 0
    assert len([line for line in said if line.startswith("BATCH_CANCEL size=")]) == total
