"""The live driver from Python: inputs, requests, journal, views, order frames."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from mmbot import core

T = 1_700_000_000_000_000_000
MS = 1_000_000
HEADER = {
    "session_id": "live",
    "mode": "live",
    "ts_ns": T,
    "cid_prefix": "mm0abc-",
    "config": b"{}",
    "hash_every_ns": 1_000_000_000,
    "checkpoints": True,
}
Strategy = Callable[[dict[str, Any]], Sequence[tuple[str, float, float]]]


def session(strategy: Strategy | None = None, **params: Any) -> core.LiveSession:
    instruments = [
        core.Instrument(name, "0.1", "0.001", min_qty="0.001", min_notional_usd=5.0)
        for name in ("BTCUSDT", "ETHUSDT")
    ]
    return core.LiveSession(
        instruments, [params, params], {}, journal=HEADER, seed=3, strategy=strategy, record=True
    )


def book(name: str, u: int, *, kind: str = "snapshot", at_ms: int = 0) -> bytes:
    ts_ms = T // MS + at_ms
    frame = {
        "topic": f"orderbook.50.{name}",
        "type": kind,
        "ts": ts_ms,
        "data": {
            "s": name,
            "b": [["30000.0", "1"], ["29999.5", "2"]],
            "a": [["30000.1", "1"], ["30000.9", "2"]],
            "u": u,
            "seq": u,
        },
        "cts": ts_ms,
    }
    return json.dumps(frame, separators=(",", ":")).encode()


def trade(name: str) -> bytes:
    rows = [{"T": T // MS, "s": name, "S": "Buy", "v": "0.5", "p": "30000.1", "i": "x"}]
    frame = {"topic": f"publicTrade.{name}", "type": "snapshot", "ts": T // MS, "data": rows}
    return json.dumps(frame).encode()


def accept(live: core.LiveSession, requests: list[core.OrderRequest], at_ns: int) -> None:
    """The venue does all that it is asked for."""
    for request in requests:
        done = {"place": "accepted", "amend": "amended", "cancel": "cancelled"}[request.kind]
        terms = {"px": request.price_ticks or 0, "open_qty": request.qty_lots or 0}
        fields = terms if request.kind == "amend" else {}
        live.on_report(request.symbol, at_ns, request.cid, done, ts_exch_ns=at_ns - 100, **fields)


def quoting(strategy: Strategy | None = None, **params: Any) -> core.LiveSession:
    live = session(strategy, **{"strategy.order_ttl_ms": 60_000} | params)
    for at_ms in range(0, 2_000, 50):
        for name in live.symbols:
            kind = "delta" if at_ms else "snapshot"
            live.on_frame(book(name, 10 + at_ms // 50, kind=kind, at_ms=at_ms), T + at_ms * MS)
            accept(live, live.take_requests(), T + at_ms * MS + 1000)
    return live


def replayed(journal: bytes) -> dict[str, Any]:
    replay = core.JournalReplay()
    replay.feed(journal)
    replay.end_segment()
    return replay.outcome()


def test_frames_lead_to_requests_that_say_everything_a_venue_asks_for():
    live = session()
    waiting = live.on_frame(book("BTCUSDT", 10), T + MS)
    requests = live.take_requests()
    assert waiting == len(requests) > 0
    assert live.take_requests() == []
    first = requests[0]
    assert first.symbol == "BTCUSDT"
    assert (first.kind, first.time_in_force, first.cause) == ("place", "post_only", "quote")
    assert first.post_only
    assert not first.reduce_only
    assert first.client_order_id.startswith("mm0abc-")
    assert first.price_ticks is not None
    assert first.qty_lots is not None
    assert first.price == str(first.price_ticks / 10).removesuffix(".0")
    assert float(first.qty or "0") == pytest.approx(first.qty_lots / 1000)
    assert first.ts_ns == T + MS
    assert "BTCUSDT place mm0abc-" in repr(first)


def test_the_journal_replays_to_the_same_requests_and_state():
    live = quoting()
    live.control(live.now_ns, "grade", "WIDE")
    live.on_frame(trade("BTCUSDT"), T + 2_100 * MS)
    live.set_params("BTCUSDT", live.now_ns, {"strategy.levels_per_side": 2})
    live.set_session(live.now_ns, {"portfolio.budget_usd": 20_000.0})
    live.set_weights(live.now_ns, [0.25, 0.75])
    live.on_timer(T + 2_500 * MS)
    live.on_gap("BTCUSDT", T + 2_600 * MS)
    live.note(live.now_ns, "for whoever reads")
    live.control(live.now_ns, "stop")
    live.end(T + 2_700 * MS, "operator")
    outcome = replayed(live.take_journal())
    assert outcome["diff_seq"] is None
    assert outcome["hash"] == live.state_hash()
    assert live.take_journal() == b""
    assert live.take_checkpoints()


def test_a_stale_stream_pulls_its_own_quotes_within_the_same_call():
    live = quoting()
    open_orders = live.orders("BTCUSDT")
    waiting = live.on_gap("BTCUSDT", T + 2_000 * MS)
    requests = live.take_requests()
    assert waiting == len(open_orders) > 0
    assert {request.kind for request in requests} == {"cancel"}
    assert {request.symbol for request in requests} == {"BTCUSDT"}
    assert {request.cid for request in requests} == {order["cid"] for order in open_orders}
    assert live.take_resubscribes() == ["BTCUSDT"]
    assert live.snapshot("ETHUSDT")["synced"]


def test_frames_that_cannot_be_read_are_told_and_raise_nothing():
    live = quoting()
    waiting = live.on_frame(b'{"topic":"orderbook.50.BTCUSDT","type":7}', live.now_ns)
    assert waiting == len(live.orders("BTCUSDT")), "what it may have changed is not traded on"
    (reject,) = live.take_rejects()
    assert (reject["symbol"], reject["code"], reject["offset"]) == ("BTCUSDT", "E_MD_FRAME", 39)
    assert live.feed_counts("BTCUSDT")["rejected"] == 1
    assert live.feed_counts("ETHUSDT")["rejected"] == 0


@pytest.mark.spec("02-5.1")
def test_a_request_without_an_answer_leaves_its_order_unknown_until_a_report():
    live = session()
    live.on_frame(book("BTCUSDT", 10), T)
    request = live.take_requests()[0]
    live.on_unanswered("BTCUSDT", T + MS, request.cid)
    state = {order["cid"]: order["state"] for order in live.orders("BTCUSDT")}
    assert state[request.cid] == "Unknown"
    live.on_report("BTCUSDT", T + 2 * MS, request.cid, "accepted", ts_exch_ns=T)
    state = {order["cid"]: order["state"] for order in live.orders("BTCUSDT")}
    assert state[request.cid] == "Live"


@pytest.mark.spec("02-13/5", "08-5.4/5")
def test_a_mismatched_position_is_adopted_for_risk_and_its_symbol_held():
    live = quoting()
    before = live.session().state()["account"]["net_usd"]
    live.adopt_position("BTCUSDT", live.now_ns, -40)
    assert live.position_lots("BTCUSDT") == -40
    assert live.hold("BTCUSDT", live.now_ns, on=True) == len(live.orders("BTCUSDT"))
    assert {request.cause for request in live.take_requests()} == {"risk_pause"}
    live.on_timer(live.now_ns + 150 * MS)
    account = live.session().state()
    assert account["account"]["net_usd"] == pytest.approx(before, abs=1e-6)
    position = account["by_symbol"]["BTCUSDT"]["orders"]["position_usd"]
    assert position == pytest.approx(-0.04 * 30_000, rel=1e-4)
    assert account["by_symbol"]["BTCUSDT"]["orders"]["fills_total"] == 0
    assert replayed(live.take_journal())["diff_seq"] is None


def test_a_position_cannot_be_adopted_without_a_price():
    with pytest.raises(core.CoreError, match="no price"):
        session().adopt_position("BTCUSDT", T, 5)


def test_fills_move_the_position_once():
    live = quoting()
    order = live.orders("BTCUSDT")[0]
    fill = {
        "exec_px": order["price_ticks"] * 10_000,
        "qty": order["open_lots"],
        "cum_qty": order["open_lots"],
        "liquidity": "maker",
        "fee": 7,
    }
    for _ in range(2):
        live.on_report("BTCUSDT", live.now_ns, order["cid"], "filled", ts_exch_ns=T, **fill)
    sign = 1 if order["side"] == "buy" else -1
    assert live.position_lots("BTCUSDT") == sign * order["open_lots"]
    assert live.snapshot("BTCUSDT")["fills_total"] == 1
    assert len(live.snapshot("BTCUSDT")["last_fills"]) == 1
    with pytest.raises(core.CoreError, match="exec_px"):
        live.on_report("BTCUSDT", live.now_ns, order["cid"], "filled", ts_exch_ns=T, qty=1)


def test_a_strategy_from_outside_is_asked_and_one_that_fails_has_no_targets():
    asked: list[str] = []

    def quotes(view: dict[str, Any]) -> list[tuple[str, float, float]]:
        asked.append(view["symbol"])
        if len(asked) > 20:
            raise RuntimeError("out of ideas")
        return [("buy", view["best_bid"] - 0.1, 0.01)] if view["synced"] else []

    live = session(quotes, **{"strategy.kind": "external"})
    failures, sent = 0, []
    for at_ms in range(0, 5_000, 50):
        kind = "delta" if at_ms else "snapshot"
        try:
            live.on_frame(book("BTCUSDT", 10 + at_ms // 50, kind=kind, at_ms=at_ms), T + at_ms * MS)
        except RuntimeError:
            failures += 1
        requests = live.take_requests()
        sent += [request.kind for request in requests]
        accept(live, requests, T + at_ms * MS + 1000)
    assert set(asked) == {"BTCUSDT"}
    assert failures > 10
    assert sent[-1] == "cancel"
    assert live.orders("BTCUSDT") == []
    assert replayed(live.take_journal())["diff_seq"] is None


@pytest.mark.spec("08-5.4")
def test_a_session_goes_on_behind_its_journal():
    live = quoting()
    journal, orders = live.take_journal(), live.orders("BTCUSDT")
    replay = core.JournalReplay()
    replay.feed(journal)
    assert replay.end_segment() is None
    again = core.LiveSession.resume(
        replay,
        now_ns=T + 9_000 * MS,
        offset=len(journal),
        cid_prefix="mm0abc-",
        hash_every_ns=1_000_000_000,
        next_checkpoint=len(live.take_checkpoints()),
    )
    assert again.symbols == live.symbols
    assert again.take_requests() == []
    assert [order["cid"] for order in again.orders("BTCUSDT")] == [one["cid"] for one in orders]
    again.on_timer(T + 9_100 * MS)
    for name in again.symbols:
        again.on_frame(book(name, 999), T + 9_200 * MS)
    again.end(T + 9_300 * MS, "done")
    outcome = replayed(journal + again.take_journal())
    assert (outcome["diff_seq"], outcome["hash"]) == (None, again.state_hash())
    with pytest.raises(core.CoreError, match="E_STORE_JOURNAL"):
        core.LiveSession.resume(
            replay, now_ns=T, offset=0, cid_prefix="x", hash_every_ns=1_000_000_000
        )


def test_rows_decoded_elsewhere_lead_to_the_same_requests_as_frames():
    frames, rows = session(), session()
    frames.on_frame(book("BTCUSDT", 10), T + MS)
    buy, sell, last = 0, 1 << 2, 1 << 3
    flags = [2, buy, buy, sell, sell | last]
    chunk = core.EventChunk.from_arrays(
        np.array(flags, np.uint8),
        np.array([0, 300_000, 299_995, 300_001, 300_009], np.int32),
        np.array([0, 1000, 2000, 1000, 2000]),
        np.full(5, T),
        np.full(5, T + MS),
    )
    rows.on_events("BTCUSDT", chunk)
    assert list(map(repr, rows.take_requests())) == list(map(repr, frames.take_requests()))


def test_unknown_symbols_and_controls_are_refused():
    live = session()
    with pytest.raises(core.CoreError, match="XRPUSDT"):
        live.on_gap("XRPUSDT", T)
    with pytest.raises(core.CoreError, match="dance"):
        live.control(T, "dance")


def test_what_is_done_by_hand_is_in_the_journal_and_replays():
    live = quoting()
    steering = live.session()
    steering.set_manual_pause(paused=True)
    assert steering.set_autopolicy_level(2)
    assert not steering.set_autopolicy_level(2)
    live.on_timer(live.now_ns + 150 * MS)
    assert {request.kind for request in live.take_requests()} == {"cancel"}
    steering.resume()
    live.control(live.now_ns, "storage_hold", on=True)
    live.on_timer(live.now_ns + 1_200 * MS)
    live.end(live.now_ns, "done")
    outcome = replayed(live.take_journal())
    assert (outcome["diff_seq"], outcome["hash"]) == (None, live.state_hash())


def test_weights_are_asked_for_when_they_are_due():
    live = quoting()
    request = live.weight_request()
    assert request is not None
    assert len(request["volas"]) == len(live.symbols)
    live.set_weights(live.now_ns, [0.5, 0.5])
    assert live.weight_request() is None


def python_frame(request: core.OrderRequest, req_id: str) -> bytes:
    """The frame as Python would make it."""
    body: dict[str, Any] = {"category": "linear", "symbol": request.symbol}
    link = {"orderLinkId": request.client_order_id}
    terms = {"qty": request.qty, "price": request.price}
    if request.kind == "place":
        side = {"buy": "Buy", "sell": "Sell"}[request.side or ""]
        body |= {"side": side, "orderType": "Limit", **terms, "timeInForce": "PostOnly"}
        body |= link | {"reduceOnly": request.reduce_only, "positionIdx": 0}
    elif request.kind == "amend":
        body |= link | terms
    else:
        body |= link
    op = {"place": "order.create", "amend": "order.amend", "cancel": "order.cancel"}[request.kind]
    header = {"X-BAPI-TIMESTAMP": "1700000000123", "X-BAPI-RECV-WINDOW": "4000"}
    frame = {"reqId": req_id, "header": header, "op": op, "args": [body]}
    return json.dumps(frame, separators=(",", ":")).encode()


def test_order_frames_are_those_that_python_would_make():
    live = quoting()
    wider = {"trading.base_spread_bps": 9.0, "strategy.order_ttl_ms": 2_500}
    live.set_params("BTCUSDT", live.now_ns, wider)
    requests = []
    for at_ms in range(2_000, 4_000, 50):
        live.on_frame(book("BTCUSDT", 10 + at_ms // 50, kind="delta", at_ms=at_ms), T + at_ms * MS)
        made = live.take_requests()
        requests += made
        accept(live, made, T + at_ms * MS + 1000)
    assert {request.kind for request in requests} == {"place", "amend", "cancel"}
    for request in requests[:30]:
        frame = core.bybit_order_frame(
            [request], timestamp_ms=1_700_000_000_123, req_id="a-1z", recv_window_ms=4_000
        )
        assert frame == python_frame(request, "a-1z")


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"category": "options"}, "category"),
        ({"req_id": '"'}, "req_id"),
        ({"req_id": ""}, "req_id"),
    ],
)
def test_a_frame_of_an_order_names_what_it_cannot_be_made_from(changes, key):
    live = session()
    live.on_frame(book("BTCUSDT", 1), T)
    made = live.take_requests()
    with pytest.raises(core.CoreError, match=key):
        core.bybit_order_frame(made, **{"timestamp_ms": 1, "req_id": "a", **changes})


def test_a_frame_holds_orders_of_one_kind_and_symbol():
    live = quoting()
    live.on_gap("BTCUSDT", live.now_ns)
    cancels = live.take_requests()
    assert len(cancels) > 1
    live.on_gap("ETHUSDT", live.now_ns)
    others = live.take_requests()
    batch = json.loads(core.bybit_order_frame(cancels, timestamp_ms=1, req_id="a"))
    assert batch["op"] == "order.cancel-batch"
    links = [one["orderLinkId"] for one in batch["args"][0]["request"]]
    assert links == [one.client_order_id for one in cancels]
    for mixed in ([], [*cancels, *others]):
        with pytest.raises(core.CoreError, match="requests"):
            core.bybit_order_frame(mixed, timestamp_ms=1, req_id="a")
