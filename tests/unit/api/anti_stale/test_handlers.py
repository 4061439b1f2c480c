import pytest

from mmbot.api import AdminError
from mmbot.api.anti_stale.handlers import (
    AntiStalePass,
    AntiStaleSettings,
    get_anti_stale,
    post_anti_stale,
)
from mmbot.api.anti_stale.models import AntiStaleReason, StaleOrderAction


def action(cid: str, reason: AntiStaleReason, *, success: bool = True) -> StaleOrderAction:
    return StaleOrderAction(
        client_order_id=cid, drift_bps=1.5, reason=reason, success=success, symbol="BTCUSDT"
    )


class Session:
    def __init__(self, *actions, enabled=True, check_errors=0) -> None:
        self.settings = AntiStaleSettings(enabled=enabled, order_ttl_ms=800, price_drift_bps=2.0)
        self.done = AntiStalePass(actions=actions, check_errors=check_errors)
        self.passes: list[str | None] = []

    def anti_stale_settings(self):
        return self.settings

    def active_orders_count(self):
        return 7

    def traded_symbols(self):
        return ("BTCUSDT", "ETHUSDT")

    def run_anti_stale(self, symbol):
        self.passes.append(symbol)
        return self.done


@pytest.mark.spec("02-9")
def test_settings_and_watched_orders():
    assert get_anti_stale(Session()).model_dump() == {
        "active_orders_count": 7,
        "enabled": True,
        "order_ttl_ms": 800,
        "price_drift_bps": 2.0,
    }


@pytest.mark.spec("02-9")
@pytest.mark.parametrize(
    ("body", "symbol", "shown"),
    [({}, None, "all"), ({"symbol": "btcusdt"}, "BTCUSDT", "BTCUSDT")],
)
def test_a_pass_answers_with_its_actions_and_counts(body, symbol, shown):
    session = Session(
        action("a", "ttl_expired"),
        action("b", "price_drift"),
        action("c", "price_drift", success=False),
        check_errors=2,
    )
    answer = post_anti_stale(session, body).model_dump()
    assert session.passes == [symbol]
    assert answer.pop("actions")[0] == {
        "client_order_id": "a",
        "drift_bps": 1.5,
        "reason": "ttl_expired",
        "success": True,
        "symbol": "BTCUSDT",
    }
    assert answer == {
        "drift_refreshes": 1,
        "enabled": True,
        "errors": 3,
        "symbol": shown,
        "ttl_cancels": 1,
    }


@pytest.mark.spec("02-9")
def test_a_disabled_guard_checks_nothing():
    session = Session(action("a", "ttl_expired"), enabled=False)
    answer = post_anti_stale(session, {}).model_dump(mode="json")
    assert answer == {"actions": [], "enabled": False}
    assert session.passes == []


@pytest.mark.spec("02-9")
@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"symbol": "XRPUSDT"}, "invalid_symbol"),
        ({"symbol": ""}, "invalid_symbol"),
        ({"symbol": None}, "invalid_symbol"),
        ({"symbol": 1}, "invalid_symbol"),
        ({"sym": "BTCUSDT"}, "invalid_payload"),
    ],
)
def test_an_unknown_symbol_is_refused(body, reason, enabled):
    session = Session(enabled=enabled)
    with pytest.raises(AdminError) as caught:
        post_anti_stale(session, body)
    assert (caught.value.status, caught.value.reason) == (400, reason)
    assert session.passes == []
