"""ccxt, as it is installed, trades on the local exchange: REST and websocket."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import Any

import ccxt
import ccxt.pro
import pytest

from mmbot.clock import monotonic_ns, wall_ns

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("conformance")]

SYMBOL = "BTC/USDT:USDT"
PATIENCE_S = 20.0


def settings(venue, account: int, secret: str | None = None) -> dict[str, Any]:
    key, its_secret = venue.keys[account]
    streams = {
        "public": {"linear": venue.socket("public/linear")},
        "private": {"contract": venue.socket("private"), "trade": venue.socket("trade")},
    }
    streams["private"]["spot"] = {"unified": venue.socket("private")}
    rest = dict.fromkeys(("spot", "futures", "v2", "public", "private"), venue.rest)
    return {
        "apiKey": key,
        "secret": secret or its_secret,
        "enableRateLimit": False,
        "urls": {"api": {**rest, "ws": streams}},
        "options": {"defaultType": "swap"},
    }


@pytest.fixture(scope="module")
def client(venue):
    exchange = ccxt.bybit(settings(venue, 0))
    exchange.load_markets()
    return exchange


@pytest.fixture
def trader(client):
    yield client
    time.sleep(1.1)
    client.cancel_all_orders(SYMBOL)
    for held in client.fetch_positions([SYMBOL]):
        if held["contracts"]:
            side = "sell" if held["side"] == "long" else "buy"
            reduce = {"reduceOnly": True}
            client.create_order(SYMBOL, "market", side, held["contracts"], None, reduce)


def eventually(ask, holds):
    deadline = monotonic_ns() + PATIENCE_S * 1e9
    while True:
        answer = ask()
        if holds(answer):
            return answer
        assert monotonic_ns() < deadline, answer
        time.sleep(0.1)


def of_id(rows, order_id):
    return next((row for row in rows if row["id"] == order_id), None)


def test_the_market_is_loaded_with_its_grid(client):
    market = client.market(SYMBOL)
    assert market["linear"]
    assert market["settle"] == "USDT"
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.1, 0.001)
    assert abs(client.fetch_time() - wall_ns() / 1e6) < 60_000


def test_public_data_can_be_fetched(client):
    book = client.fetch_order_book(SYMBOL, 50)
    assert book["bids"][0][0] < book["asks"][0][0]
    ticker = client.fetch_ticker(SYMBOL)
    assert ticker["bid"] < ticker["ask"]
    trades = eventually(lambda: client.fetch_trades(SYMBOL, limit=5), bool)
    assert {trade["side"] for trade in trades} <= {"buy", "sell"}


def test_an_order_is_placed_edited_and_cancelled(trader):
    price = trader.fetch_order_book(SYMBOL, 1)["bids"][0][0] - 100
    placed = trader.create_order(SYMBOL, "limit", "buy", 0.01, price, {"postOnly": True})
    row = eventually(lambda: of_id(trader.fetch_open_orders(SYMBOL), placed["id"]), bool)
    assert (row["status"], row["amount"], row["remaining"]) == ("open", 0.01, 0.01)
    assert row["postOnly"]
    trader.edit_order(placed["id"], SYMBOL, "limit", "buy", 0.02, price - 10)
    row = eventually(
        lambda: of_id(trader.fetch_open_orders(SYMBOL), placed["id"]),
        lambda row: row["amount"] == 0.02,
    )
    assert row["price"] == pytest.approx(price - 10)
    trader.cancel_order(placed["id"], SYMBOL)
    row = eventually(lambda: of_id(trader.fetch_canceled_orders(SYMBOL), placed["id"]), bool)
    assert row["status"] == "canceled"
    with pytest.raises(ccxt.OrderNotFound):
        trader.cancel_order(placed["id"], SYMBOL)


def test_a_fill_shows_in_trades_position_and_balance(trader):
    before = trader.fetch_balance()["USDT"]["total"]
    placed = trader.create_order(SYMBOL, "market", "sell", 0.05)
    fills = eventually(
        lambda: [t for t in trader.fetch_my_trades(SYMBOL) if t["order"] == placed["id"]], bool
    )
    assert sum(fill["amount"] for fill in fills) == pytest.approx(0.05)
    fee = sum(fill["fee"]["cost"] for fill in fills)
    assert fee == pytest.approx(sum(fill["cost"] for fill in fills) * 0.00055)
    held = trader.fetch_positions([SYMBOL])[0]
    assert (held["side"], held["contracts"]) == ("short", 0.05)
    assert trader.fetch_balance()["USDT"]["total"] < before


def test_errors_become_the_exceptions_of_ccxt(venue, trader):
    price = trader.fetch_order_book(SYMBOL, 1)["bids"][0][0] - 100
    with pytest.raises(ccxt.InsufficientFunds):
        trader.create_order(SYMBOL, "limit", "buy", 100, price)
    stranger = ccxt.bybit(settings(venue, 0, secret="nonsense"))
    with pytest.raises(ccxt.AuthenticationError):
        stranger.fetch_balance()


def test_the_rate_limit_is_its_own_exception(venue):
    exchange = ccxt.bybit(settings(venue, 1))
    exchange.load_markets()
    with pytest.raises(ccxt.RateLimitExceeded):
        for _ in range(200):
            exchange.fetch_trading_fee(SYMBOL)


@asynccontextmanager
async def streaming(venue, account: int):
    exchange = ccxt.pro.bybit(settings(venue, account))
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


def test_public_streams_are_watched(venue):
    async def watch():
        async with streaming(venue, 0) as exchange:
            books = [await exchange.watch_order_book(SYMBOL, 50) for _ in range(20)]
            trades = await exchange.watch_trades(SYMBOL)
            ticker = await exchange.watch_ticker(SYMBOL)
            return books[-1], trades, ticker

    book, trades, ticker = asyncio.run(asyncio.wait_for(watch(), PATIENCE_S))
    assert book["bids"][0][0] < book["asks"][0][0]
    assert trades[0]["side"] in ("buy", "sell")
    assert ticker["bid"] < ticker["ask"]


def test_own_orders_fills_positions_and_balance_are_watched(venue, trader):
    async def watch():
        async with streaming(venue, 0) as exchange:
            told = [
                asyncio.create_task(exchange.watch_orders(SYMBOL)),
                asyncio.create_task(exchange.watch_my_trades(SYMBOL)),
                asyncio.create_task(exchange.watch_balance()),
            ]
            await asyncio.sleep(2)
            placed = await exchange.create_order(SYMBOL, "market", "buy", 0.02)
            return placed["id"], *[await task for task in told]

    order_id, orders, fills, balance = asyncio.run(asyncio.wait_for(watch(), PATIENCE_S))
    assert of_id(orders, order_id) is not None
    assert fills[-1]["order"] == order_id
    assert fills[-1]["takerOrMaker"] == "taker"
    assert balance["USDT"]["total"] > 0


def test_orders_go_through_the_trade_socket(venue, trader):
    price = trader.fetch_order_book(SYMBOL, 1)["bids"][0][0] - 100

    async def trade():
        async with streaming(venue, 0) as exchange:
            placed = await exchange.create_order_ws(SYMBOL, "limit", "buy", 0.01, price)
            await asyncio.sleep(0.3)
            edited = await exchange.edit_order_ws(
                placed["id"], SYMBOL, "limit", "buy", 0.02, price - 5
            )
            await asyncio.sleep(0.3)
            await exchange.cancel_order_ws(placed["id"], SYMBOL)
            return placed["id"], edited["id"]

    placed, edited = asyncio.run(asyncio.wait_for(trade(), PATIENCE_S))
    assert placed == edited
    eventually(lambda: of_id(trader.fetch_canceled_orders(SYMBOL), placed), bool)
