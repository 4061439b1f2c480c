"""The adapters under test, each pointed at the world of a test, and readers of their streams."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

import pytest
from tests.conformance.ports.world import OTHER, OURS, SYMBOL, Levels, World, eventually

from mmbot.venues.budget.rules import BudgetRules
from mmbot.venues.budget.stores import LocalBudget
from mmbot.venues.bybit.adapter import BybitSettings, BybitVenue
from mmbot.venues.bybit.codes import BYBIT_CODES
from mmbot.venues.bybit.endpoints import Environment, endpoints
from mmbot.venues.bybit.limits import BYBIT_BUDGET
from mmbot.venues.bybit.rest import RestPolicy
from mmbot.venues.bybit.signing import ApiCredentials
from mmbot.venues.ccxt.adapter import CcxtVenue
from mmbot.venues.ccxt.client import CcxtOptions
from mmbot.venues.ccxt.codes import CCXT_CODES
from mmbot.venues.failures import VenueCodes
from mmbot.venues.ports import (
    PrivateEvent,
    PublicEvent,
    PublicFrame,
    PublicGap,
    StreamChange,
    VenuePort,
)
from mmbot.venues.records import ExecutionRecord, OrderRecord, OrderStatus
from mmbot.venues.stream.picows_link import PicowsDialer


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a test wants of its adapter."""

    key: str = "key-1"
    secret: str = "secret-of-1"
    timeout_ms: int = 3_000
    patience_ms: int = 5_000
    has_trade_socket: bool = True
    has_budget: bool = True


class Trait(StrEnum):
    """What an adapter does beyond the port's least; a test names what it needs."""

    BATCHES = "several orders in one request"
    NAMESPACE = "orders of others are refused before anything is sent"
    WATCHDOG = "dead and late connections are found by the adapter itself"
    BUDGET = "the rate budget is inside the adapter"
    WAIT_TOLD = "a rate limit says how long to wait"
    STRICT = "answers and private frames that cannot be read are noticed"
    REVOCATION = "a private stream whose key is revoked ends with the reason"
    FRAMES = "frames are handed on as they came"


class Adapter(Protocol):
    """One adapter: how it is built, when it is ready, how its book frames are read."""

    @property
    def name(self) -> str: ...

    @property
    def codes(self) -> VenueCodes: ...

    @property
    def traits(self) -> frozenset[Trait]: ...

    def build(self, world: World, options: Options) -> VenuePort: ...

    async def ready(self, port: VenuePort) -> None: ...

    def fold(self, books: dict[str, Any], event: PublicEvent) -> None: ...


def _unbounded(rules: BudgetRules) -> BudgetRules:
    buckets = {name: replace(rule, limit=1_000_000) for name, rule in rules.buckets.items()}
    return replace(rules, buckets=buckets)


@dataclass(frozen=True, slots=True)
class BybitAdapter:
    """The Bybit connector, with or without its trade socket."""

    name: str
    has_trade_socket: bool
    codes: VenueCodes = BYBIT_CODES
    traits: frozenset[Trait] = frozenset(Trait)

    def build(self, world: World, options: Options) -> BybitVenue:
        settings = BybitSettings(
            endpoints=endpoints(
                Environment.CUSTOM,
                "linear",
                rest_url=world.rest_url,
                stream_url=world.stream_url,
            ),
            category="linear",
            namespace=OURS,
            policy=RestPolicy(timeout_ms=options.timeout_ms, patience_ms=options.patience_ms),
            has_trade_socket=self.has_trade_socket and options.has_trade_socket,
        )
        rules = BYBIT_BUDGET if options.has_budget else _unbounded(BYBIT_BUDGET)
        return BybitVenue(
            settings,
            ApiCredentials(options.key, options.secret),
            budget=LocalBudget(rules),
            dialer=PicowsDialer(),
        )

    async def ready(self, port: VenuePort) -> None:
        assert isinstance(port, BybitVenue)
        if self.has_trade_socket:
            await eventually(lambda: port.is_trade_socket_up)

    def fold(self, books: dict[str, Any], event: PublicEvent) -> None:
        """See `fold_bybit`."""
        fold_bybit(books, event)


@dataclass(frozen=True, slots=True)
class CcxtAdapter:
    """The connector through ccxt, which speaks the same protocol here."""

    name: str = "ccxt"
    codes: VenueCodes = CCXT_CODES
    traits: frozenset[Trait] = frozenset({Trait.NAMESPACE, Trait.STRICT, Trait.REVOCATION})

    def build(self, world: World, options: Options) -> CcxtVenue:
        def stream(path: str) -> str:
            return f"{world.stream_url}/v5/{path}"

        streams = {
            "public": {"linear": stream("public/linear")},
            "private": {
                "contract": stream("private"),
                "trade": stream("trade"),
                "spot": {"unified": stream("private")},
            },
        }
        rest = dict.fromkeys(("spot", "futures", "v2", "public", "private"), world.rest_url)
        return CcxtVenue(
            CcxtOptions(
                exchange="bybit",
                api_key=options.key,
                api_secret=options.secret,
                urls={"api": {**rest, "ws": streams}},
                timeout_ms=options.timeout_ms,
                patience_ms=options.patience_ms,
            ),
            [SYMBOL, OTHER],
            namespace=OURS,
            draws=random.Random(1),
        )

    async def ready(self, port: VenuePort) -> None:
        await port.instruments([SYMBOL])

    def fold(self, books: dict[str, Any], event: PublicEvent) -> None:
        """Its frames have Bybit's form."""
        fold_bybit(books, event)


def fold_bybit(books: dict[str, Any], event: PublicEvent) -> None:
    """Keep books as a client of the venue's documentation would."""
    if isinstance(event, PublicGap):
        for symbol in event.symbols:
            books.pop(symbol, None)
        return
    if not event.data.endswith(b"}"):
        return
    frame = json.loads(event.data)
    if not frame["topic"].startswith("orderbook."):
        return
    data = frame["data"]
    sides = {side: {float(px): float(qty) for px, qty in data[side]} for side in ("b", "a")}
    if frame["type"] == "snapshot" or data["u"] == 1:
        books[data["s"]] = {"u": data["u"], **sides}
        return
    book = books.get(data["s"])
    if book is None:
        return
    assert data["u"] == book["u"] + 1, "the stream has a gap that it did not tell"
    book["u"] = data["u"]
    for side, changes in sides.items():
        book[side].update(changes)
        book[side] = {px: qty for px, qty in book[side].items() if qty}


ADAPTERS: tuple[Adapter, ...] = (
    BybitAdapter("bybit", has_trade_socket=True),
    BybitAdapter("bybit-rest", has_trade_socket=False),
    CcxtAdapter(),
)


def needs(adapter: Adapter, *traits: Trait) -> None:
    """Skip a test for an adapter that does not claim what the test is about."""
    missing = [trait.value for trait in traits if trait not in adapter.traits]
    if missing:
        pytest.skip(f"{adapter.name} does not claim: {'; '.join(missing)}")


@asynccontextmanager
async def connected(adapter: Adapter, world: World, **more: Any) -> AsyncIterator[VenuePort]:
    """The adapter, ready, and closed at the end."""
    port = adapter.build(world, Options(**more))
    try:
        await adapter.ready(port)
        yield port
    finally:
        await port.aclose()


@dataclass(slots=True)
class Private:
    """Everything that the private stream said."""

    events: list[PrivateEvent] = field(default_factory=list)
    error: Exception | None = None

    def fills(self, cid: str | None = None) -> list[ExecutionRecord]:
        found = [e for e in self.events if isinstance(e, ExecutionRecord)]
        return [e for e in found if cid is None or e.cid == cid]

    def orders(self, cid: str) -> list[OrderRecord]:
        return [e for e in self.events if isinstance(e, OrderRecord) and e.cid == cid]

    def has_ended(self, cid: str, status: OrderStatus) -> bool:
        return any(order.status is status for order in self.orders(cid))

    def changes(self) -> list[bool]:
        return [e.is_connected for e in self.events if isinstance(e, StreamChange)]


@asynccontextmanager
async def private_of(port: VenuePort) -> AsyncIterator[Private]:
    """Read the private stream in the background, once it is connected."""
    told = Private()

    async def read() -> None:
        try:
            async for event in port.private_events():
                told.events.append(event)
        except Exception as exc:  # noqa: BLE001 -- the test looks at it
            told.error = exc

    task = asyncio.create_task(read())
    try:
        await eventually(lambda: told.changes()[-1:] == [True] or told.error)
        yield told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@dataclass(slots=True)
class Public:
    """Books as the stream tells them, and every gap."""

    books: dict[str, Any] = field(default_factory=dict)
    gaps: list[PublicGap] = field(default_factory=list)
    frames: list[PublicFrame] = field(default_factory=list)
    error: Exception | None = None

    def is_equal(self, symbol: str, truth: Levels) -> bool:
        book = self.books.get(symbol)
        return book is not None and (book["b"], book["a"]) == truth


@asynccontextmanager
async def public_of(
    adapter: Adapter, port: VenuePort, symbols: list[str], depth: int = 50
) -> AsyncIterator[Public]:
    """Read books in the background, once all are there."""
    told = Public()

    async def read() -> None:
        try:
            async for event in port.public_frames(symbols, depth=depth):
                if isinstance(event, PublicGap):
                    told.gaps.append(event)
                else:
                    told.frames.append(event)
                adapter.fold(told.books, event)
        except Exception as exc:  # noqa: BLE001 -- the test looks at it
            told.error = exc

    task = asyncio.create_task(read())
    try:
        await eventually(lambda: told.error or set(told.books) == set(symbols))
        assert told.error is None, told.error
        yield told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
