"""Whatever bytes come on the private side: a record or a counted error, never anything else."""

from __future__ import annotations

import json
from contextlib import suppress

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from mmbot.units import NS_PER_SEC
from mmbot.venues.budget.stores import LocalBudget
from mmbot.venues.budget.turnstile import Turnstile
from mmbot.venues.bybit.answers import Asked, acks_of, decode_result, read_answer
from mmbot.venues.bybit.limits import BYBIT_BUDGET
from mmbot.venues.bybit.private_stream import (
    PRIVATE_TOPICS,
    PrivateDialogue,
    UnreadableFrameError,
    private_events,
)
from mmbot.venues.bybit.public_stream import PublicDialogue, sight_of
from mmbot.venues.bybit.rows import (
    ExecutionRow,
    FeeRow,
    InstrumentRow,
    OrderRow,
    PositionRow,
    WalletRow,
)
from mmbot.venues.bybit.signing import ApiCredentials
from mmbot.venues.bybit.trade_socket import TradeDialogue
from mmbot.venues.failures import FailureKind, Operation
from mmbot.venues.ports import CallError, GapReason
from mmbot.venues.stream.venue_clock import VenueClock

WALL_NS = 1_700_000_000 * NS_PER_SEC
SHAPES = (ExecutionRow, FeeRow, InstrumentRow, OrderRow, PositionRow, WalletRow)
GOOD: dict[str, dict[str, object]] = {
    "order": {
        "category": "linear",
        "symbol": "BTCUSDT",
        "orderId": "o",
        "orderLinkId": "c",
        "side": "Buy",
        "price": "50000.0",
        "qty": "0.010",
        "cumExecQty": "0",
        "orderStatus": "New",
        "updatedTime": "1700000000000",
    },
    "execution": {
        "category": "linear",
        "symbol": "BTCUSDT",
        "execId": "e",
        "orderId": "o",
        "side": "Buy",
        "execPrice": "50000.0",
        "execQty": "0.010",
        "execFee": "0.1",
        "isMaker": True,
        "execType": "Trade",
        "execTime": "1700000000000",
        "seq": 1,
    },
    "position": {
        "category": "linear",
        "symbol": "BTCUSDT",
        "side": "Buy",
        "size": "1",
        "entryPrice": "1",
        "positionIdx": 0,
        "updatedTime": "1700000000000",
    },
    "wallet": {"totalEquity": "1", "coin": [{"coin": "USDT", "walletBalance": "1"}]},
}
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["", "0", "-1", "1e5", "NaN", "Infinity", "9" * 40, "Buy", "Filled"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def damaged(draw) -> tuple[str, bytes]:
    """A frame's data with one field replaced, added or gone, or with bytes flipped or cut."""
    topic = draw(st.sampled_from(PRIVATE_TOPICS))
    row = dict(GOOD[topic])
    name = draw(st.sampled_from(sorted(row)))
    if draw(st.booleans()):
        row[name] = draw(json_values)
    else:
        row.pop(name)
    data = bytearray(json.dumps([row]).encode())
    for at in draw(st.lists(st.integers(0, len(data) - 1), max_size=2)):
        data[at] ^= 1 << draw(st.integers(0, 7))
    end = draw(st.integers(0, len(data))) if draw(st.booleans()) else len(data)
    return topic, bytes(data[:end])


def test_what_is_damaged_below_is_good_before():
    for topic, row in GOOD.items():
        assert private_events(topic, json.dumps([row]).encode(), "linear")


def check_records(topic, data):
    """Records whose numbers are numbers, or the one error."""
    try:
        events = private_events(topic, data, "linear")
    except UnreadableFrameError:
        return
    for event in events:
        for name in ("price", "qty", "filled_qty", "fee", "total", "available"):
            text = getattr(event, name, None)
            assert text is None or float(text) == float(text)


@given(frame=damaged())
def test_a_damaged_frame_is_records_or_the_one_error(frame):
    check_records(*frame)


@given(topic=st.sampled_from([*PRIVATE_TOPICS, "", "greeks"]), data=st.binary(max_size=200))
def test_any_bytes_are_records_or_the_one_error(topic, data):
    check_records(topic, data)


@given(value=json_values, shape=st.sampled_from(SHAPES))
def test_any_json_is_a_row_or_an_error_of_the_call(value, shape):
    raw = msgspec.Raw(json.dumps(value).encode())
    found: object
    try:
        found = decode_result(raw, shape, Asked(Operation.QUERY))
    except CallError as exc:
        found = exc.failure.kind
    assert isinstance(found, shape) or found is FailureKind.MALFORMED


@given(body=st.binary(max_size=200) | json_values.map(lambda v: json.dumps(v).encode()))
def test_any_body_is_an_envelope_or_none(body):
    answer = read_answer(body)
    if answer is None:
        return
    for asked in (
        Asked(Operation.CREATE, "A", ("c",)),
        Asked(Operation.CREATE, "A", ("c", "d"), is_batch=True),
    ):
        with suppress(CallError):
            assert len(acks_of(answer, asked)) == len(asked.cids)


def dialogues():
    clock = VenueClock(local_clock=lambda: 0, wall_clock=lambda: WALL_NS)
    clock.observe(sent_ns=0, recv_ns=0, venue_ns=WALL_NS, grain_ns=0)
    keys = ApiCredentials("k", "s")
    private = PrivateDialogue(keys, category="linear", clock=clock, wall_clock=lambda: WALL_NS)
    public = PublicDialogue(["A"], depth=50, clock=clock, wall_clock=lambda: WALL_NS)
    trade = TradeDialogue(keys, clock=clock, budget=Turnstile(LocalBudget(BYBIT_BUDGET)))
    return private, public, trade


frames = st.binary(max_size=120) | st.builds(
    lambda extra, base: json.dumps({**base, **extra}).encode(),
    st.dictionaries(
        st.sampled_from(
            ["op", "topic", "data", "success", "ret_msg", "retCode", "args", "reqId", "header"]
        ),
        json_values,
        max_size=4,
    ),
    st.sampled_from([{}, {"op": "auth"}, {"op": "pong"}, {"op": "subscribe"}, {"retCode": 0}]),
)


@given(heard=st.lists(frames, max_size=6))
def test_no_frame_makes_a_dialogue_fail(heard):
    for dialogue in dialogues():
        dialogue.opened(0)
        for number, frame in enumerate(heard):
            assert all(isinstance(one, bytes) for one in dialogue.received(frame, number))
            dialogue.ticked(number)
        dialogue.lost(dialogue.ticked(10**10).lost or GapReason.DISCONNECTED)
        assert not dialogue.is_ready


@given(data=st.binary(max_size=200))
def test_any_bytes_have_a_sight_or_none(data):
    heads = (b"", b'{"topic":"', b'{"topic":"publicTrade.A","ts":')
    for sight in (sight_of(head + data) for head in heads):
        assert sight is None or (sight.symbol and sight.made_ns >= 0)
