"""The ccxt connector on the local exchange: how it is opened, and orders to try it with."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from decimal import Decimal

from mmbot.clock import monotonic_ns
from mmbot.units import NS_PER_SEC
from mmbot.venues.ccxt.adapter import CcxtVenue
from mmbot.venues.ccxt.client import CcxtOptions
from mmbot.venues.ccxt.numbers import text_of
from mmbot.venues.namespace import CidNamespace
from mmbot.venues.records import CreateOrder, Side

SYMBOL = "BTCUSDT"
PATIENCE_S = 60.0


def options_of(venue, account: int = 0, **more) -> CcxtOptions:
    key, secret = venue.keys[account]
    streams = {
        "public": {"linear": venue.socket("public/linear")},
        "private": {"contract": venue.socket("private"), "trade": venue.socket("trade")},
    }
    streams["private"]["spot"] = {"unified": venue.socket("private")}
    rest = dict.fromkeys(("spot", "futures", "v2", "public", "private"), venue.rest)
    settings = {"api_key": key, "api_secret": secret, "urls": {"api": {**rest, "ws": streams}}}
    return CcxtOptions(exchange="bybit", **{**settings, **more})


@asynccontextmanager
async def trading(venue, account: int = 0, *, turnstile=None, **more):
    options = options_of(venue, account, **more)
    port = CcxtVenue(
        options,
        [SYMBOL],
        namespace=CidNamespace("mmtest"),
        draws=random.Random(1),
        turnstile=turnstile,
    )
    try:
        yield port
    finally:
        await port.aclose()


def play(story):
    return asyncio.run(asyncio.wait_for(story(), PATIENCE_S))


async def eventually(ask, holds=bool):
    deadline = monotonic_ns() + 20 * NS_PER_SEC
    while True:
        answer = await ask()
        if holds(answer):
            return answer
        assert monotonic_ns() < deadline, answer
        await asyncio.sleep(0.1)


async def far_price(port, side: Side = Side.BUY) -> str:
    """A price that rests, ten steps of 10 below or above the best."""
    book = await port._client.exchange.fetch_order_book("BTC/USDT:USDT", 1)
    best = Decimal(str(book["bids"][0][0] if side is Side.BUY else book["asks"][0][0]))
    return text_of(best - 100 * side.sign)


def order(cid: str, price: str, *, qty="0.010", side=Side.BUY, post_only=True, reduce_only=False):
    return CreateOrder(
        cid=cid,
        symbol=SYMBOL,
        side=side,
        price=price,
        qty=qty,
        post_only=post_only,
        reduce_only=reduce_only,
    )


def fresh_cid() -> str:
    return f"mmtest-{monotonic_ns() % 10**12}"
