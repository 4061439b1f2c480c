"""Rolling windows against a list of times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.venues.simulated.rig import Rig, decoded

from mmbot.venues.simulated.limits import AccountLimits, AddressLimits, Exceeded, RollingWindow


@given(
    st.integers(1, 6),
    st.integers(1, 50),
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 4)), max_size=60),
)
def test_a_window_admits_what_a_list_of_times_admits(limit, span, asks):
    window, now = RollingWindow(limit, span), 0
    taken: list[int] = []
    for wait, count in asks:
        now += wait
        taken = [at for at in taken if at > now - span]
        fits = len(taken) + count <= limit
        assert window.take(now, count) is fits
        if fits:
            taken += [now] * count
        assert window.left == limit - len(taken)


def test_accounts_and_endpoints_have_windows_of_their_own():
    limits = AccountLimits()
    for left in range(9, -1, -1):
        quota = limits.take(1, "/v5/order/create", 1000)
        assert quota is not None
        assert (quota.limit, quota.left) == (10, left)
    with pytest.raises(Exceeded) as refusal:
        limits.take(1, "/v5/order/create", 1500)
    assert refusal.value.quota.headers() == {
        "X-Bapi-Limit": "10",
        "X-Bapi-Limit-Status": "0",
        "X-Bapi-Limit-Reset-Timestamp": "2000",
    }
    assert limits.take(2, "/v5/order/create", 1500) is not None
    assert limits.take(1, "/v5/order/amend", 1500) is not None
    assert limits.take(1, "/v5/order/create", 2000) is not None
    assert limits.take(1, "/v5/order/unlimited", 2000) is None


def test_a_batch_counts_its_orders():
    limits = AccountLimits()
    limits.take(1, "/v5/order/create-batch", 0, 8)
    with pytest.raises(Exceeded):
        limits.take(1, "/v5/order/create-batch", 1, 3)
    quota = limits.take(1, "/v5/order/create-batch", 2, 2)
    assert quota is not None
    assert quota.left == 0


def test_an_address_above_600_requests_in_5_seconds_is_banned_for_ten_minutes():
    limits = AddressLimits()
    assert all(limits.may_request("a", at) for at in range(600))
    assert not limits.may_request("a", 600)
    assert not limits.may_request("a", 599_000)
    assert limits.may_request("b", 600)
    assert limits.may_request("a", 600_600)


def test_an_address_may_open_500_sockets_in_5_minutes():
    limits = AddressLimits()
    assert all(limits.may_connect("a", 0) for _ in range(500))
    assert not limits.may_connect("a", 299_999)
    assert limits.may_connect("a", 300_000)


def test_answers_carry_the_quota_and_403_has_no_json():
    rig = Rig()
    answer = rig.ask("GET", "/v5/account/fee-rate", "category=linear")
    assert answer.headers["X-Bapi-Limit-Status"] == "9"
    for _ in range(9):
        rig.ask("GET", "/v5/account/fee-rate", "category=linear")
    answer = rig.ask("GET", "/v5/account/fee-rate", "category=linear")
    assert decoded(answer)["retCode"] == 10006
    assert answer.headers["X-Bapi-Limit-Reset-Timestamp"] == str(rig.now_ms + 1000)
    for _ in range(600):
        rig.ask("GET", "/v5/market/time", address="10.0.0.9")
    answer = rig.ask("GET", "/v5/market/time", address="10.0.0.9")
    assert (answer.status, answer.body) == (403, "403, access too frequent")
