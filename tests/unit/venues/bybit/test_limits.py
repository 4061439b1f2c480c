import pytest

from mmbot.units import NS_PER_MIN, NS_PER_MS, NS_PER_SEC
from mmbot.venues.budget.ledger import Granted, Ledger, Wait
from mmbot.venues.budget.rules import LimitSight, Scope
from mmbot.venues.bybit.limits import BYBIT_BUDGET, HTTP_ADDRESS, ON_SOCKET, limit_sights
from mmbot.venues.failures import Operation
from mmbot.venues.simulated import limits as simulated

CREATE = "/v5/order/create"
NOW_MS = 1_700_000_000_000


def headers(limit="10", left="9", reset=NOW_MS):
    return {
        "X-Bapi-Limit": limit,
        "X-Bapi-Limit-Status": left,
        "X-Bapi-Limit-Reset-Timestamp": str(reset),
    }


def sights(told, *, http_status=200, ret_code=0, venue_now_ms=NOW_MS):
    return limit_sights(told, http_status=http_status, ret_code=ret_code, venue_now_ms=venue_now_ms)


def test_headers_of_an_answer_are_the_limit_and_what_is_left():
    assert sights(headers()) == [LimitSight(scope=Scope.UID, limit=10, left=9)]
    lower = {name.lower(): value for name, value in headers().items()}
    assert sights(lower, http_status=None) == sights(headers())


@pytest.mark.parametrize("text", ["", "-1", "ten", "1e3", "9" * 19, "\u0661"])
def test_headers_that_are_no_numbers_say_nothing(text):
    assert sights(headers(limit=text, left=text)) == []
    assert sights({}) == []


@pytest.mark.parametrize(
    ("reset_ms", "venue_now_ms", "blocked_ns"),
    [
        (NOW_MS + 700, NOW_MS, 700 * NS_PER_MS),
        (NOW_MS, NOW_MS, 50 * NS_PER_MS),
        (NOW_MS - 5_000, NOW_MS, 50 * NS_PER_MS),
        (NOW_MS + 10**9, NOW_MS, NS_PER_MIN),
        (NOW_MS + 700, None, NS_PER_SEC),
    ],
)
def test_10006_blocks_the_endpoint_until_the_venues_reset(reset_ms, venue_now_ms, blocked_ns):
    told = headers(left="0", reset=reset_ms)
    found = sights(told, ret_code=10006, venue_now_ms=venue_now_ms)
    assert found == [LimitSight(scope=Scope.UID, limit=10, left=0, blocked_ns=blocked_ns)]


def test_10006_without_headers_blocks_for_a_second():
    found = sights({}, ret_code=10006)
    assert found == [LimitSight(scope=Scope.UID, left=0, blocked_ns=NS_PER_SEC)]


def test_403_blocks_the_address_for_ten_minutes():
    ledger = Ledger(BYBIT_BUDGET)
    for sight in sights({}, http_status=403, ret_code=None):
        ledger.observe("/v5/account/info", sight, now_ns=0)
    answer = ledger.acquire("/v5/order/cancel", Operation.CANCEL, now_ns=0)
    assert answer == Wait(10 * NS_PER_MIN, HTTP_ADDRESS)
    # the trade socket does not count for the address
    on_socket = f"{ON_SOCKET}/v5/order/cancel"
    assert ledger.acquire(on_socket, Operation.CANCEL, now_ns=0) == Granted()


def test_rest_and_trade_socket_share_the_accounts_bucket():
    ledger = Ledger(BYBIT_BUDGET)
    for group in (CREATE, f"{ON_SOCKET}{CREATE}") * 5:
        assert ledger.acquire(group, Operation.CREATE, now_ns=0) == Granted()
    assert ledger.acquire(CREATE, Operation.CREATE, now_ns=0) == Wait(1_050 * NS_PER_MS, CREATE)
    status = ledger.status(0)
    assert (status[CREATE].left, status[HTTP_ADDRESS].left) == (0, 595)


def test_a_batch_costs_the_account_its_orders_and_the_address_one_request():
    ledger = Ledger(BYBIT_BUDGET)
    batch = "/v5/order/cancel-batch"
    assert ledger.acquire(batch, Operation.CANCEL, now_ns=0, orders=10) == Granted()
    status = ledger.status(0)
    assert (status[batch].left, status[HTTP_ADDRESS].left) == (0, 599)


def test_the_local_exchange_counts_by_the_same_limits():
    published = simulated._PER_SECOND
    ours = {p: r.limit for p, r in BYBIT_BUDGET.buckets.items() if r.scope is Scope.UID}
    assert {path: published[path] for path in ours} == ours
