"""Whatever a client sends, the exchange answers with a code and goes on."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.venues.simulated.rig import LINEAR, SYMBOL, Rig, decoded, login

PATHS = [
    "/v5/order/create",
    "/v5/order/amend",
    "/v5/order/cancel",
    "/v5/order/cancel-all",
    "/v5/order/create-batch",
    "/v5/order/cancel-batch",
    "/v5/position/set-leverage",
    "/v5/position/switch-mode",
]
KEYS = [
    "category",
    "symbol",
    "side",
    "orderType",
    "qty",
    "price",
    "timeInForce",
    "reduceOnly",
    "orderId",
    "orderLinkId",
    "positionIdx",
    "request",
    "buyLeverage",
    "sellLeverage",
    "mode",
    "settleCoin",
    "limit",
    "cursor",
    "startTime",
]
SENSE = st.sampled_from(
    ["linear", "spot", SYMBOL, "Buy", "Sell", "Limit", "Market", "0.010", "49990", "-1", "1e5", "x"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | SENSE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SENSE, inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8)
ORDER = {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.010", "price": "49990"}


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(PATHS), OBJECTS, st.booleans()), max_size=6))
def test_any_body_has_an_answer_and_accounts_stay_whole(requests):
    rig = Rig()
    for path, body, is_nearly_right in requests:
        asked = {**ORDER, **body} if is_nearly_right else body
        answer = decoded(rig.ask("POST", path, body=asked))
        assert isinstance(answer["retCode"], int)
        rig.conduct()
    assert rig.market.book.position == rig.position(1) + rig.position(2)
    assert decoded(rig.ask("GET", "/v5/order/realtime", "category=linear"))["retCode"] == 0


@settings(max_examples=200)
@given(st.text(max_size=40), st.sampled_from(["/v5/order/realtime", "/v5/market/orderbook"]))
def test_any_query_has_an_answer(query, path):
    rig = Rig()
    for text in (query, f"category=linear&symbol={SYMBOL}&limit={query}"):
        assert isinstance(decoded(rig.ask("GET", path, text))["retCode"], int)


@settings(max_examples=200)
@given(
    st.sampled_from(["public", "private", "trade"]),
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "op": st.sampled_from(["subscribe", "auth", "ping", "order.create", "x"]) | VALUES,
                "args": VALUES | st.lists(OBJECTS, max_size=2),
                "header": VALUES,
                "req_id": VALUES,
                "reqId": VALUES,
            },
        ),
        max_size=5,
    ),
)
def test_any_frame_has_an_answer(stream, frames):
    rig = Rig()
    socket = rig.conductor.connect(stream)
    if stream != "public":
        login(rig, socket)
    for frame in frames:
        answers = socket.receive(json.dumps(frame), rig.now_ms)
        assert answers
        assert all(json.dumps(answer) for answer in answers)
        rig.conduct()


def test_nesting_without_end_is_answered():
    rig = Rig()
    deep = "[" * 100_000
    for stream in ("public", "private", "trade"):
        assert rig.conductor.connect(stream).receive(deep, rig.now_ms)
