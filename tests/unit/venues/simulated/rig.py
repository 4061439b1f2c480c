"""A small exchange with a market that tests write by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np

from mmbot import core
from mmbot.units import NS_PER_MS
from mmbot.venues.simulated.accounts import Account
from mmbot.venues.simulated.auth import sign
from mmbot.venues.simulated.conductor import Conductor
from mmbot.venues.simulated.engine import LocalExchange
from mmbot.venues.simulated.entry import create_order
from mmbot.venues.simulated.faults import Fault, FaultPlan
from mmbot.venues.simulated.listing import Listing
from mmbot.venues.simulated.market import MarketSource
from mmbot.venues.simulated.rest import RestAnswer, RestRequest

START_MS = 1_700_000_000_000
SYMBOL = "BTCUSDT"
LINEAR = {"category": "linear", "symbol": SYMBOL}
KINDS = {"depth": 0, "trade": 1, "reset": 2, "gap": 3}
BUY, SELL = 0, 1
# (kind, side, price in ticks of 0.1, lots of 0.001)
OPENING = [
    ("reset", BUY, 0, 0),
    ("depth", BUY, 499_990, 1_000),
    ("depth", BUY, 499_980, 2_000),
    ("depth", BUY, 1, 1),
    ("depth", SELL, 500_010, 1_000),
    ("depth", SELL, 500_020, 2_000),
]


def chunk(rows, at_ns: int) -> core.EventChunk:
    """One packet: rows of `(kind, side, px, qty)` at one time."""
    flags = [KINDS[kind] | side << 2 for kind, side, _, _ in rows]
    flags[-1] |= 8
    times = np.full(len(rows), at_ns, dtype=np.int64)
    return core.EventChunk.from_arrays(
        np.array(flags, dtype=np.uint8),
        np.array([px for _, _, px, _ in rows], dtype=np.int32),
        np.array([qty for _, _, _, qty in rows], dtype=np.int64),
        times,
        times,
    )


class Rig:
    """One symbol, two accounts, and a clock that the test moves."""

    def __init__(
        self, *faults: Fault, sim: dict[str, object] | None = None, balance: int = 100_000
    ):
        self.now_ms = START_MS
        self.accounts = [
            Account(uid, f"key-{uid}", f"secret-{uid}", Decimal(balance)) for uid in (1, 2)
        ]
        self._packets: list[core.EventChunk] = [chunk(OPENING, self.market_ns)]
        source = MarketSource(listing(), self._written(), self._relisted)
        self.exchange = LocalExchange([source], self.accounts, sim=sim, market_ns=self.market_ns)
        self.conductor = Conductor(self.exchange, self.accounts, START_MS, FaultPlan(tuple(faults)))
        self.exchange.advance(self.market_ns, self.now_ms)

    @property
    def market_ns(self) -> int:
        return self.now_ms * NS_PER_MS

    @property
    def market(self):
        return self.exchange.markets[SYMBOL]

    def _written(self) -> Iterator[core.EventChunk]:
        while True:
            if self._packets:
                yield self._packets.pop(0)
            else:
                # time passes without events: the level far away is told again
                yield chunk([("depth", BUY, 1, 1)], self.market_ns + 1)

    def _relisted(self, tick: Decimal, price: Decimal, ready_ns: int) -> MarketSource:
        ticks = int(price / tick)
        rows = [("reset", BUY, 0, 0), ("depth", BUY, ticks - 1, 5), ("depth", SELL, ticks + 1, 5)]

        def chunks() -> Iterator[core.EventChunk]:
            yield chunk(rows, ready_ns)

        return MarketSource(Listing(SYMBOL, tick, Decimal("0.001")), chunks())

    def say(self, *rows) -> None:
        """Rows of one packet that happen in the next step."""
        self._packets.append(chunk(rows, self.market_ns + 1))

    def step(self, ms: int = 1) -> None:
        """Let time pass; nothing is published."""
        self.now_ms += ms
        self.exchange.advance(self.market_ns, self.now_ms)

    def conduct(self, ms: int = 1):
        """Let time pass with faults and publication."""
        self.now_ms += ms
        return self.conductor.step(self.now_ms, self.market_ns)

    def place(self, uid: int = 1, **params: Any) -> str:
        """Place an order (a limit buy of 0.010 at 49990 unless told otherwise); its id."""
        base = {"side": "Buy", "orderType": "Limit", "qty": "0.010", "price": "49990"}
        return str(create_order(self.exchange, uid, {**LINEAR, **base, **params})["orderId"])

    def order(self, order_id: str, uid: int = 1):
        return self.exchange.desks[uid].orders[order_id]

    def position(self, uid: int = 1) -> int:
        return self.exchange.desks[uid].account.position(SYMBOL).lots

    def told(self, topic: str, uid: int = 1) -> list[dict[str, Any]]:
        """Records of a private topic since the last call."""
        updates = self.exchange.drain_private()
        return [dict(u.record) for u in updates if u.topic == topic and u.uid == uid]

    def ask(
        self, method: str, path: str, query: str = "", body: object = None, **more
    ) -> RestAnswer:
        """A REST request; signed by account 1 unless `key` is empty."""
        text = "" if body is None else json.dumps(body)
        uid, sent = more.get("uid", 1), str(more.get("timestamp", self.now_ms))
        window = str(more.get("window", 5000))
        payload = f"{sent}key-{uid}{window}{query if method == 'GET' else text}"
        headers = {
            "x-bapi-api-key": more.get("key", f"key-{uid}"),
            "x-bapi-timestamp": sent,
            "x-bapi-recv-window": window,
            "x-bapi-sign": more.get("sign", sign(f"secret-{uid}", payload)),
        }
        request = RestRequest(method, path, query, text, headers, more.get("address", "10.0.0.1"))
        return self.conductor.api.answer(request, self.conductor.clock_ms(self.now_ms))


def listing() -> Listing:
    return Listing(SYMBOL, Decimal("0.1"), Decimal("0.001"))


def decoded(answer: RestAnswer) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(answer.body)
    return result


def login(rig: Rig, socket, **more):
    """Answers to the login of account 1 on a socket."""
    expires = rig.now_ms + 1000
    args = ["key-1", expires, sign("secret-1", f"GET/realtime{expires}")]
    return socket.receive(json.dumps({"op": "auth", "args": args, **more}), rig.now_ms)
