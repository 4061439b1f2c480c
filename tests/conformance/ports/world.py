"""A real local exchange in this process: free port, a market like clockwork, faults on demand.

The book of each symbol is 49999.0 x 1 / 50001.0 x 1 with levels behind that change every 20 ms, so
streams never rest, and a small print at the ask twice a second. Orders of a test go between, at
50000.0, where nobody else is; `hit` lets the second account trade with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from mmbot import core
from mmbot.clock import monotonic_ns, wall_ns
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.namespace import CidNamespace
from mmbot.venues.records import CreateOrder, Side
from mmbot.venues.simulated.accounts import Account
from mmbot.venues.simulated.conductor import Conductor
from mmbot.venues.simulated.engine import LocalExchange
from mmbot.venues.simulated.entry import create_order
from mmbot.venues.simulated.faults import Fault, FaultPlan
from mmbot.venues.simulated.limits import AccountLimits, AddressLimits
from mmbot.venues.simulated.listing import Listing
from mmbot.venues.simulated.market import MarketSource
from mmbot.venues.simulated.server import ExchangeServer

SYMBOL, OTHER = "BTCUSDT", "ETHUSDT"
BEST_BID, INSIDE, BEST_ASK = "49999.0", "50000.0", "50001.0"
START_NS = 1_700_000_000 * NS_PER_SEC
PATIENCE_S = 30.0
OURS = CidNamespace.of(env="test", lock_key="conformance")
_UIDS = (1, 2)
_EVERY_NS = 20 * NS_PER_MS
_PRINT_EVERY = 25
_BUY, _SELL = 0, 1
Levels = tuple[dict[float, float], dict[float, float]]
_EVENTS = ("disconnect", "revoke", "maintenance", "relist", "restart")
_KINDS = {"depth": 0, "trade": 1, "reset": 2}


def _chunk(rows: list[tuple[str, int, int, int]], at_ns: int) -> core.EventChunk:
    flags = [_KINDS[kind] | side << 2 for kind, side, _, _ in rows]
    flags[-1] |= 8
    times = np.full(len(rows), at_ns, dtype=np.int64)
    return core.EventChunk.from_arrays(
        np.array(flags, dtype=np.uint8),
        np.array([px for _, _, px, _ in rows], dtype=np.int32),
        np.array([qty for _, _, _, qty in rows], dtype=np.int64),
        times,
        times,
    )


def clockwork(start_ns: int = START_NS) -> Iterator[core.EventChunk]:
    """The market of one symbol, without end."""
    rows = [("reset", _BUY, 0, 0)]
    for level in range(30):
        rows.append(("depth", _BUY, 499_990 - 10 * level, 1_000 + level))
        rows.append(("depth", _SELL, 500_010 + 10 * level, 1_000 + level))
    yield _chunk(rows, start_ns)
    count = 0
    while True:
        count += 1
        level, size = 1 + count % 29, 1_000 + count % 500
        packet = [
            ("depth", _BUY, 499_990 - 10 * level, size),
            ("depth", _SELL, 500_010 + 10 * level, size),
        ]
        if count % _PRINT_EVERY == 0:
            packet.insert(0, ("trade", _BUY, 500_010, 1))
        yield _chunk(packet, start_ns + count * _EVERY_NS)


@dataclass(slots=True)
class _Pace:
    """Market time at wall speed, until the test stops it."""

    market_ns: int = START_NS + 2 * NS_PER_SEC
    last_ns: int = field(default_factory=monotonic_ns)
    is_stopped: bool = False

    def target_ns(self, now_ns: int) -> int:
        if not self.is_stopped:
            self.market_ns += now_ns - self.last_ns
        self.last_ns = now_ns
        return self.market_ns

    def rest_ns(self, now_ns: int) -> int:
        return 5 * NS_PER_MS


class World:
    """The exchange and what a test does to it."""

    def __init__(self, *, has_limits: bool) -> None:
        self.accounts = [
            Account(uid, f"key-{uid}", f"secret-of-{uid}", Decimal(1_000_000)) for uid in _UIDS
        ]
        sources = [
            MarketSource(Listing(symbol, Decimal("0.1"), Decimal("0.001")), clockwork())
            for symbol in (SYMBOL, OTHER)
        ]
        self.pace = _Pace()
        self.exchange = LocalExchange(sources, self.accounts, market_ns=self.pace.market_ns)
        self._faults: list[Fault] = []
        self.conductor = Conductor(
            self.exchange,
            self.accounts,
            wall_ns() // NS_PER_MS,
            FaultPlan(self._faults),
            AccountLimits(is_enforced=has_limits),
            AddressLimits(is_enforced=has_limits),
        )
        self.port = 0
        self._cids = 0

    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stream_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def fault(self, kind: str, **more: Any) -> None:
        """Begin a fault now."""
        # What happens once happens in the next step, which may be in this millisecond no more.
        at_ms = self.conductor.since_start_ms(wall_ns() // NS_PER_MS) + (kind in _EVENTS)
        self._faults.append(Fault.model_validate({"at_ms": at_ms, "kind": kind, **more}))

    def heal(self) -> None:
        """End all faults."""
        self._faults.clear()

    def hit(self, qty: str, *, side: Side = Side.SELL, symbol: str = SYMBOL) -> None:
        """The second account trades at the market."""
        text = "Sell" if side is Side.SELL else "Buy"
        order = {"symbol": symbol, "side": text, "orderType": "Market", "qty": qty}
        create_order(self.exchange, _UIDS[1], {"category": "linear", **order})

    def place_foreign(self, link_id: str, *, price: str = "49000.0") -> str:
        """Somebody else with our account places an order; its id."""
        order = {"side": "Buy", "orderType": "Limit", "qty": "0.010", "price": price}
        order |= {"symbol": SYMBOL, "orderLinkId": link_id, "category": "linear"}
        return str(create_order(self.exchange, _UIDS[0], order)["orderId"])

    def cid(self) -> str:
        """A new client order id of ours."""
        self._cids += 1
        return f"{OURS.bot}00000000-{self._cids}"

    def order(self, **more: Any) -> CreateOrder:
        """An order of ours: 0.010 to buy at 50000.0 unless told otherwise."""
        base: dict[str, Any] = {
            "cid": self.cid(),
            "symbol": SYMBOL,
            "side": Side.BUY,
            "price": INSIDE,
            "qty": "0.010",
            "post_only": True,
            "reduce_only": False,
        }
        return CreateOrder(**{**base, **more})

    def open_cids(self) -> list[str]:
        """What rests at the exchange for our account."""
        return [order.terms.link_id for order in self.exchange.desks[_UIDS[0]].open.values()]

    def position_lots(self, symbol: str = SYMBOL) -> int:
        """What our account holds."""
        return int(self.accounts[0].position(symbol).lots)

    def cid_count(self, cid: str) -> int:
        """How many orders with one id our account ever had."""
        orders = self.exchange.desks[_UIDS[0]].orders.values()
        return sum(1 for order in orders if order.terms.link_id == cid)

    def levels(self, symbol: str = SYMBOL, depth: int = 50) -> Levels:
        """The truth: size by price of bids and asks."""
        market = self.exchange.markets[symbol]
        listing = market.listing
        bids, asks = (
            {float(listing.price_text(px)): float(listing.qty_text(qty)) for px, qty in side}
            for side in market.book.levels(depth)
        )
        return bids, asks


@asynccontextmanager
async def exchange(*, has_limits: bool = False) -> AsyncIterator[World]:
    """A served world."""
    world = World(has_limits=has_limits)
    server = ExchangeServer(world.conductor, world.pace, host="127.0.0.1", port=0)
    ready, stop = asyncio.Event(), asyncio.Event()

    def on_ready(port: int) -> None:
        world.port = port
        ready.set()

    task = asyncio.create_task(server.run(stop.is_set, on_ready=on_ready))
    try:
        await asyncio.wait_for(ready.wait(), PATIENCE_S)
        yield world
    finally:
        stop.set()
        await task


def play(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story; one that hangs fails."""

    async def whole() -> None:
        await asyncio.wait_for(story(), PATIENCE_S)

    asyncio.run(whole())


async def eventually(holds: Callable[[], object], within_s: float = 10.0) -> None:
    """Wait until something is so."""
    deadline_ns = monotonic_ns() + int(within_s * NS_PER_SEC)
    while not holds():
        assert monotonic_ns() < deadline_ns, "did not happen in time"
        await asyncio.sleep(0.005)
