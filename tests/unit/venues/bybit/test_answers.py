"""Envelopes, refusals, batches."""

from __future__ import annotations

import json

import pytest

from mmbot.venues.bybit.answers import (
    Answer,
    Asked,
    acks_of,
    decode_result,
    raise_for_code,
    read_answer,
    retry_after_ms,
)
from mmbot.venues.bybit.rows import FeeRow
from mmbot.venues.failures import FailureKind, Operation
from mmbot.venues.ports import CallError
from mmbot.venues.records import Ack

CREATE = Asked(Operation.CREATE, "BTCUSDT", ("a",))
BATCH = Asked(Operation.CREATE, "BTCUSDT", ("a", "b"), is_batch=True)


def answer(**more) -> Answer:
    read = read_answer(json.dumps({"retCode": 0, "retMsg": "OK", **more}).encode())
    assert read is not None
    return read


@pytest.mark.parametrize(
    "body",
    [b"", b"403, access too frequent", b"[]", b"{}", b'{"retCode":"0"}', b'{"retCode":0', b"\xff"],
)
def test_what_is_no_envelope_is_none(body):
    assert read_answer(body) is None


def test_a_refusal_has_code_status_and_text():
    with pytest.raises(CallError) as caught:
        raise_for_code(
            answer(retCode=110007, retMsg="ab not enough"), CREATE, headers={}, http_status=200
        )
    failure = caught.value.failure
    assert (failure.code, failure.http_status, failure.is_sent) == (110007, 200, True)
    assert failure.kind is FailureKind.CODE
    assert str(caught.value) == "E_VENUE_CALL:110007: op=create symbol=BTCUSDT ab not enough"


@pytest.mark.parametrize(
    ("headers", "code", "expected"),
    [
        ({}, 10006, None),
        ({"Retry-After": "2"}, 10006, 2_000),
        ({"Retry-After": "soon"}, 10006, None),
        ({"Retry-After": "999999"}, 0, 60_000),
        ({"X-Bapi-Limit-Reset-Timestamp": "1700000000700"}, 10006, 700),
        ({"x-bapi-limit-reset-timestamp": "1699999999000"}, 10006, 0),
        ({"X-Bapi-Limit-Reset-Timestamp": "1700000000700"}, 110001, None),
        ({"X-Bapi-Limit-Reset-Timestamp": "-5"}, 10006, None),
    ],
)
def test_what_the_venue_asks_to_wait(headers, code, expected):
    told = answer(retCode=code, time=1_700_000_000_000)
    assert retry_after_ms(headers, answer=told) == expected


@pytest.mark.parametrize("way", ["result", "socket"])
def test_one_order_is_acknowledged_on_either_way(way):
    ids = {"orderId": "o-1", "orderLinkId": "a"}
    told = answer(result=ids) if way == "result" else answer(data=ids, op="order.create")
    assert acks_of(told, CREATE) == [Ack(cid="a", order_id="o-1")]


def test_a_batch_answers_in_its_order():
    rows = [{"orderId": "o-1"}, {"orderId": ""}]
    codes = [{"code": 0, "msg": "OK"}, {"code": 110007, "msg": "ab not enough"}]
    found = acks_of(answer(result={"list": rows}, retExtInfo={"list": codes}), BATCH)
    assert found[0] == Ack(cid="a", order_id="o-1")
    assert isinstance(found[1], CallError)
    assert found[1].failure.code == 110007


@pytest.mark.parametrize(
    ("rows", "codes"), [([], []), ([{}], [{"code": 0}]), ([{}, {}], [{"code": 0}])]
)
def test_a_batch_that_is_answered_in_part_says_nothing(rows, codes):
    with pytest.raises(CallError) as caught:
        acks_of(answer(result={"list": rows}, retExtInfo={"list": codes}), BATCH)
    assert caught.value.failure.kind is FailureKind.MALFORMED


def test_a_result_of_another_shape_names_the_field():
    with pytest.raises(CallError, match="makerFeeRate") as caught:
        decode_result(answer(result={"symbol": "A", "takerFeeRate": "1"}).result, FeeRow, CREATE)
    assert caught.value.failure.kind is FailureKind.MALFORMED
