"""Lines of an edge audit: what is used, what is rejected, what stops the run."""

import json

import pytest

from mmbot.errors import InputError
from mmbot.research.edge_lines import read_actions, read_quotes, read_trades

TRADE = {"symbol": "A", "ts_ms": 1, "side": "B", "price": 10, "qty": 2}
QUOTE = {"symbol": "A", "ts_ms": 1, "best_bid": 9, "best_ask": 11}


def written(tmp_path, *lines):
    path = tmp_path / "lines.jsonl"
    texts = [text if isinstance(text, str) else json.dumps(text) for text in lines]
    path.write_text("\n".join(texts) + "\n")
    return path


@pytest.mark.parametrize(("word", "side"), [("B", 1), ("buy", 1), ("S", -1), ("Sell", -1)])
def test_sides(tmp_path, word, side):
    trades, rejected = read_trades(written(tmp_path, {**TRADE, "side": word}))
    assert rejected == 0
    assert trades[0].side == side
    assert trades[0].is_maker


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "{",
        "[]",
        "5",
        "\x00",
        {},
        {**TRADE, "side": "x"},
        {**TRADE, "side": 1},
        {**TRADE, "price": 0},
        {**TRADE, "price": -1},
        {**TRADE, "qty": 0},
        {**TRADE, "qty": "2"},
        {**TRADE, "qty": True},
        {**TRADE, "ts_ms": None},
        '{"symbol":"A","ts_ms":1,"side":"B","price":NaN,"qty":2}',
        '{"symbol":"A","ts_ms":1,"side":"B","price":Infinity,"qty":2}',
        {**TRADE, "symbol": ""},
        {**TRADE, "mid_before": -3},
        {**TRADE, "fee_bps": "1"},
        {**TRADE, "is_maker": "yes"},
    ],
)
def test_a_bad_trade_is_counted_and_left_out(tmp_path, bad):
    trades, rejected = read_trades(written(tmp_path, TRADE, bad, TRADE))
    assert len(trades) == 2
    assert rejected == (0 if bad == "" else 1)


@pytest.mark.parametrize("bad", [{**QUOTE, "best_bid": 12}, {**QUOTE, "best_ask": 0}, {"ts_ms": 1}])
def test_a_bad_quote_is_counted_and_left_out(tmp_path, bad):
    quotes, rejected = read_quotes(written(tmp_path, QUOTE, bad))
    assert [quote.mid for quote in quotes] == [10.0]
    assert rejected == 1


def test_an_unreadable_file_stops_the_audit(tmp_path):
    for read in (read_trades, read_quotes, read_actions):
        with pytest.raises(InputError) as caught:
            read(tmp_path / "none.jsonl")
        assert caught.value.code == "E_EDGE_IO"


def test_actions_are_counted_by_symbol(tmp_path):
    def record(kind, **fields):
        return {"kind": kind, "symbol": "A", "ts": "x", "fields": fields}

    path = written(
        tmp_path,
        record("REPLACE", allowed=1),
        record("REPLACE", allowed=0, reason="risk", count=4),
        record("REPLACE", allowed=0, reason="backoff"),
        record("CANCEL", batch=3, tail_age_ms=700),
        {"kind": "MUX", "symbol": "-", "fields": {}},
        "{",
    )
    counts, rejected = read_actions(path)
    assert rejected == 1
    found = counts["A"]
    assert (found.replaces, found.cancels, found.attempts) == (1, 3, 9)
    assert found.blocks == {"risk": 4}
