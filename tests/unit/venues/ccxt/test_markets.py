import ccxt
import pytest

from mmbot.errors import VenueError
from mmbot.venues.ccxt.markets import find_market


def market(**more):
    row = {
        "id": "BTCUSDT",
        "symbol": "BTC/USDT:USDT",
        "type": "swap",
        "contract": True,
        "linear": True,
        "active": True,
        "contractSize": 1.0,
        "precision": {"price": 0.1, "amount": 0.001},
        "limits": {"amount": {"min": 0.001}, "cost": {"min": 5.0}},
    }
    return {**row, **more}


SPOT = market(symbol="BTC/USDT", type="spot", contract=False, linear=None, contractSize=None)


def find(symbol, *rows, kind="swap", mode=ccxt.TICK_SIZE):
    by_id: dict[str, list[dict[str, object]]] = {}
    for row in rows:
        by_id.setdefault(row["id"], []).append(row)
    unified = {row["symbol"]: row for row in rows}
    return find_market(unified, by_id, symbol, market_type=kind, precision_mode=mode)


def test_the_venues_symbol_means_the_market_of_the_type_that_is_traded():
    assert find("BTCUSDT", SPOT, market()).unified == "BTC/USDT:USDT"
    assert find("BTCUSDT", SPOT, market(), kind="spot").unified == "BTC/USDT"
    assert find("BTC/USDT", SPOT, market()).unified == "BTC/USDT"
    assert find("ETHUSDT", SPOT, market()) is None
    assert find("BTCUSDT", SPOT) is None
    assert find("BTCUSDT", market(active=False)) is None


def test_contracts_are_counted_in_the_base_asset():
    found = find("BTCUSDT", market(contractSize=0.01, precision={"price": 0.1, "amount": 1.0}))
    assert found.rules.lot_size == "0.01"
    assert found.rules.min_qty == "0.00001"
    assert found.qty(3.0) == "0.03"
    assert found.qty(None) == "0"
    assert found.amount("0.03") == 3.0
    with pytest.raises(VenueError, match="E_VENUE_GRID"):
        found.amount("0.035")


def test_grids_by_places_and_by_steps_and_limits_that_are_not_told():
    bare = market(precision={"price": 2, "amount": 3}, limits={})
    rules = find("BTCUSDT", bare, mode=ccxt.DECIMAL_PLACES).rules
    assert (rules.tick_size, rules.lot_size) == ("0.01", "0.001")
    assert (rules.min_qty, rules.min_notional) == ("0.001", "0")
    rules = find("BTCUSDT", market()).rules
    assert (rules.tick_size, rules.min_notional, rules.batch_max) == ("0.1", "5", 1)


@pytest.mark.parametrize(
    ("row", "mode"),
    [
        (market(linear=False), ccxt.TICK_SIZE),
        (market(precision={"price": None, "amount": 0.001}), ccxt.TICK_SIZE),
        (market(precision={"price": 0.0, "amount": 0.001}), ccxt.TICK_SIZE),
        (market(precision={}), ccxt.TICK_SIZE),
        (market(), ccxt.SIGNIFICANT_DIGITS),
    ],
)
def test_markets_without_a_usable_grid_are_refused_with_their_name(row, mode):
    with pytest.raises(VenueError, match="E_VENUE_GRID: symbol=BTCUSDT"):
        find("BTCUSDT", row, mode=mode)
