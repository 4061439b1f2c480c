"""The core's order frames on the trade socket: what it asks for is what the exchange does."""

from __future__ import annotations

import itertools

from tests.unit.venues.simulated.rig import OPENING, SYMBOL, Rig, chunk, decoded, login

from mmbot import core

REPORTS = {"place": "accepted", "amend": "amended", "cancel": "cancelled"}


def session(rig: Rig) -> core.LiveSession:
    return core.LiveSession(
        [core.Instrument(SYMBOL, "0.1", "0.001", min_qty="0.001", min_notional_usd=5.0)],
        [{"strategy.order_ttl_ms": 60_000}],
        {},
        journal={
            "session_id": "x",
            "mode": "live",
            "ts_ns": rig.market_ns,
            "cid_prefix": "mm0abc-",
            "config": b"{}",
            "hash_every_ns": 1_000_000_000,
        },
    )


def send(rig: Rig, socket, live: core.LiveSession) -> list[core.OrderRequest]:
    """All requests that wait; the exchange takes every one and the core is told."""
    requests = live.take_requests()
    for _, group in itertools.groupby(requests, key=lambda one: one.kind):
        wanted = list(group)
        req_id = f"r-{wanted[0].cid}-{rig.now_ms}"
        frame = core.bybit_order_frame(wanted, timestamp_ms=rig.now_ms, req_id=req_id)
        (answer,) = socket.receive(frame.decode(), rig.now_ms)
        assert (answer["retCode"], answer["reqId"]) == (0, req_id), answer
        codes = answer.get("retExtInfo", {}).get("list", ())
        assert all(one["code"] == 0 for one in codes), answer
    rig.step(20)
    for request in requests:
        terms = {"px": request.price_ticks or 0, "open_qty": request.qty_lots or 0}
        fields = terms if request.kind == "amend" else {}
        report, now_ns = REPORTS[request.kind], rig.market_ns
        live.on_report(SYMBOL, now_ns, request.cid, report, ts_exch_ns=now_ns, **fields)
    return requests


def resting(rig: Rig) -> dict[str, tuple[str, str]]:
    """Price and quantity of open orders by client id, as the exchange tells them."""
    answer = rig.ask("GET", "/v5/order/realtime", f"category=linear&symbol={SYMBOL}")
    rows = decoded(answer)["result"]["list"]
    return {row["orderLinkId"]: (row["price"], row["qty"]) for row in rows}


def test_the_exchange_does_what_the_frames_of_the_core_ask_for():
    rig = Rig()
    socket = rig.conductor.connect("trade")
    login(rig, socket)
    live = session(rig)
    live.on_events(SYMBOL, chunk(OPENING, rig.market_ns))
    placed = send(rig, socket, live)
    assert {request.kind for request in placed} == {"place"}
    assert set(resting(rig)) == {request.client_order_id for request in placed}
    live.set_params(SYMBOL, live.now_ns, {"trading.base_spread_bps": 40.0})
    amended = []
    for _ in range(10):
        rig.step(100)
        live.on_events(SYMBOL, chunk(OPENING, rig.market_ns))
        amended += send(rig, socket, live)
    assert "amend" in {request.kind for request in amended}
    expected = {order["client_order_id"]: order["price_ticks"] for order in live.orders(SYMBOL)}
    found = {cid: round(float(price) * 10) for cid, (price, _) in resting(rig).items()}
    assert found == expected
    live.on_gap(SYMBOL, rig.market_ns)
    assert {request.kind for request in send(rig, socket, live)} == {"cancel"}
    assert resting(rig) == {}
