"""Signatures and clocks."""

import pytest
from tests.unit.venues.simulated.rig import Rig, decoded

from mmbot.venues.simulated.auth import check_time, sign
from mmbot.venues.simulated.codes import Refusal

NOW = 1_700_000_000_000


@pytest.mark.parametrize(
    ("sent", "window", "is_in_time"),
    [
        (NOW, "", True),
        (NOW - 5000, "", True),
        (NOW - 5001, "", False),
        (NOW + 999, "", True),
        (NOW + 1000, "", False),
        (NOW - 100, "100", True),
        (NOW - 101, "100", False),
        (NOW, "0", True),
    ],
)
def test_a_request_is_in_time_within_its_window_and_a_second_ahead(sent, window, is_in_time):
    if is_in_time:
        check_time(str(sent), window, NOW)
        return
    with pytest.raises(Refusal) as refusal:
        check_time(str(sent), window, NOW)
    assert refusal.value.ret_code == 10002
    assert f"req_timestamp[{sent}],server_timestamp[{NOW}]" in refusal.value.ret_msg


@pytest.mark.parametrize("sent", ["", "abc", "1.5", None, "1_0", " 1", "\u0661", "9" * 40])
def test_what_is_no_time_is_a_wrong_parameter(sent):
    with pytest.raises(Refusal) as refusal:
        check_time(sent, "", NOW)
    assert refusal.value.ret_code == 10001


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"sign": "00"}, 10004),
        ({"sign": "\xe9"}, 10004),
        ({"key": "nobody"}, 10003),
        ({"timestamp": 1}, 10002),
    ],
)
def test_rest_tells_wrong_keys_signatures_and_clocks_apart(wrong, code):
    rig = Rig()
    path = "/v5/account/wallet-balance"
    assert decoded(rig.ask("GET", path, "accountType=UNIFIED"))["retCode"] == 0
    assert decoded(rig.ask("GET", path, "accountType=UNIFIED", **wrong))["retCode"] == code


def test_the_signed_query_is_the_one_that_was_sent():
    rig = Rig()
    signed = rig.ask("GET", "/v5/order/realtime", "category=linear&symbol=BTCUSDT")
    assert decoded(signed)["retCode"] == 0
    payload = f"{rig.now_ms}key-15000symbol=BTCUSDT&category=linear"
    other = rig.ask(
        "GET",
        "/v5/order/realtime",
        "category=linear&symbol=BTCUSDT",
        sign=sign("secret-1", payload),
    )
    assert decoded(other)["retCode"] == 10004


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["key-1", NOW + 1000, "bad"], 10004),
        (["nobody", NOW + 1000, "bad"], 10003),
        (["key-1", NOW - 1, sign("secret-1", f"GET/realtime{NOW - 1}")], 10002),
        (["key-1", "soon", "bad"], 10001),
        (["key-1"], 10001),
        ("key-1", 10001),
        (None, 10001),
    ],
)
def test_sockets_refuse_what_is_wrong_or_expired(args, code):
    keys = Rig().conductor.keys
    assert keys.socket(["key-1", NOW + 1, sign("secret-1", f"GET/realtime{NOW + 1}")], NOW).uid == 1
    with pytest.raises(Refusal) as refusal:
        keys.socket(args, NOW)
    assert refusal.value.ret_code == code
