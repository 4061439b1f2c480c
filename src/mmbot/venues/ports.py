"""What a venue offers, as protocols: the same three faces for every adapter.

An adapter is tables and pure functions behind this port. REST answers to create, amend and cancel
only acknowledge: what happened to an order arrives as an event on the private stream. A call that
fails raises `CallError`, which holds the facts that `mmbot.venues.retry` needs to class it; an
adapter never retries by itself. What an adapter cannot do is declared in `Capabilities`; the order
manager falls back (amend: cancel and create; batch: single calls).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from mmbot.errors import VenueError
from mmbot.venues.connector_faults import ConnectorFaults
from mmbot.venues.failures import Failure, Operation
from mmbot.venues.records import (
    AccountEquity,
    Ack,
    AmendOrder,
    BalanceRecord,
    CancelOrder,
    CreateOrder,
    ExecutionRecord,
    FeeRates,
    InstrumentRules,
    OrderRecord,
    PositionRecord,
)

if TYPE_CHECKING:
    from mmbot.core import OrderRequest

__all__ = [
    "CallError",
    "Capabilities",
    "ConnectorHealth",
    "GapReason",
    "LimitInForce",
    "PrivateEvent",
    "PublicEvent",
    "PublicFrame",
    "PublicGap",
    "StreamChange",
    "VenueOrders",
    "VenuePort",
    "VenueQueries",
    "VenueStreams",
]


class CallError(VenueError):
    """A call to the venue failed; `failure` says how, `str(error)` is one line for the log."""

    def __init__(self, failure: Failure, *, symbol: str = "", message: str = "") -> None:
        super().__init__(
            "E_VENUE_CALL",
            f"op={failure.operation} symbol={symbol or '-'}",
            message or "failed",
            detail=failure.label,
        )
        self.failure = failure
        self.symbol = symbol
        self.text = message

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling."""
        return _call_error, (self.failure, self.symbol, self.text)


def _call_error(failure: Failure, symbol: str, message: str) -> CallError:
    return CallError(failure, symbol=symbol, message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an adapter can do beyond placing, cancelling and asking.

    `create_batch_max`, `amend_batch_max` and `cancel_batch_max` are orders per request, 1 without
    batches; `InstrumentRules.batch_max` of a symbol may be lower.
    """

    amend: bool
    cancel_all: bool
    post_only: bool
    private_executions: bool
    create_batch_max: int
    amend_batch_max: int
    cancel_batch_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorHealth:
    """The connections at one moment.

    Attributes:
        ws_connected: every socket that was opened is up.
        lag_ms: age of the newest market data by the venue's clock; None before any.
        reconnects: of all sockets so far.
        rest_ok: not every REST call of the last minute failed.
        rest_error_rate: share of them that had no readable answer.
    """

    ws_connected: bool = False
    lag_ms: int | None = None
    reconnects: int = 0
    rest_ok: bool = True
    rest_error_rate: float = 0.0


class PublicFrame(msgspec.Struct, frozen=True):
    """A frame of market data as it came, for the decoders of the core; local receive time."""

    recv_ns: int
    data: bytes


class GapReason(StrEnum):
    """Why market data are not to be believed."""

    DISCONNECTED = "disconnected"
    """The socket was closed or broke."""
    HALF_OPEN = "half_open"
    """The socket looked connected and nothing came: neither data nor the answer to a ping."""
    LAGGING = "lagging"
    """Frames come, but what they tell is too old by the venue's clock."""
    BOOK_STUCK = "book_stuck"
    """The book does not begin, or stands still while trades of the symbol move on."""
    RESUBSCRIBED = "resubscribed"
    """The session asked for the book anew."""
    STORAGE = "storage"
    """Nothing could be written down, so that nothing was taken in."""


@dataclass(frozen=True, slots=True)
class PublicGap:
    """From here on the books of `symbols` are invalid, until the snapshot of each."""

    recv_ns: int
    symbols: tuple[str, ...]
    reason: GapReason


PublicEvent = PublicFrame | PublicGap


class LimitInForce(NamedTuple):
    """A limit of requests: what the venue grants now, and what it grants as published."""

    in_force: int
    published: int


@dataclass(frozen=True, slots=True)
class StreamChange:
    """The private stream connected or was lost; after a reconnect orders must be reconciled."""

    recv_ns: int
    is_connected: bool


PrivateEvent = OrderRecord | ExecutionRecord | PositionRecord | BalanceRecord | StreamChange


class VenueQueries(Protocol):
    """Questions. Every answer is complete (all pages) or the call raises."""

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, InstrumentRules]:
        """Grids and limits by symbol; a symbol that the venue does not trade is missing."""
        ...

    async def server_time_ns(self) -> int:
        """The venue's clock."""
        ...

    async def equity(self) -> AccountEquity:
        """Balances and equity of the account."""
        ...

    async def fee_rates(self, symbols: Sequence[str]) -> Mapping[str, FeeRates]:
        """The account's fees by symbol."""
        ...

    async def positions(self) -> Sequence[PositionRecord]:
        """All positions of the account that are not zero."""
        ...

    async def open_orders(self) -> Sequence[OrderRecord]:
        """All open orders of the account, ours and others'."""
        ...

    async def order_history(self, *, since_ns: int) -> Sequence[OrderRecord]:
        """Orders that ended at or after `since_ns`."""
        ...

    async def executions(self, *, since_ns: int) -> Sequence[ExecutionRecord]:
        """Executions at or after `since_ns`, in the venue's order."""
        ...

    async def order_limits(self) -> Mapping[Operation, LimitInForce]:
        """Requests a second by what they do, as far as the venue says; without asking it."""
        ...

    async def find_order(self, *, symbol: str, cid: str) -> OrderRecord | None:
        """One order, open or ended; None if the venue does not know it."""
        ...


class VenueOrders(Protocol):
    """Requests. A batch answers once per order and in their order, an error for those refused."""

    def begin(
        self, requests: Sequence[OrderRequest], cids: Sequence[str]
    ) -> Awaitable[Sequence[Ack | CallError]] | None:
        """Send requests of one kind and symbol before this returns, if that needs no waiting.

        Args:
            requests: one or a batch.
            cids: their `client_order_id`.

        Returns:
            What waits for the answers, one per request, and raises `CallError` as the other
            methods do; None, and nothing was sent, when the caller has to take one of those.
        """
        ...

    def rehearse(self, requests: Sequence[OrderRequest], cids: Sequence[str]) -> None:
        """Do what `begin` does before a request leaves, without sending or counting anything.

        A processor forgets code that it has not run for a while; a rehearsal keeps it at hand.
        """
        ...

    async def create(self, order: CreateOrder) -> Ack:
        """Place an order."""
        ...

    async def amend(self, change: AmendOrder) -> Ack:
        """Change an order; only with `Capabilities.amend`."""
        ...

    async def cancel(self, order: CancelOrder) -> Ack:
        """Cancel an order."""
        ...

    async def cancel_all(self, symbol: str) -> None:
        """Cancel all orders of a symbol; only with `Capabilities.cancel_all`."""
        ...

    async def create_batch(self, orders: Sequence[CreateOrder]) -> Sequence[Ack | CallError]:
        """Place orders of one symbol."""
        ...

    async def amend_batch(self, changes: Sequence[AmendOrder]) -> Sequence[Ack | CallError]:
        """Change orders of one symbol."""
        ...

    async def cancel_batch(self, orders: Sequence[CancelOrder]) -> Sequence[Ack | CallError]:
        """Cancel orders of one symbol."""
        ...


class VenueStreams(Protocol):
    """Streams that reconnect by themselves, for ever, and say so."""

    def public_frames(self, symbols: Sequence[str], *, depth: int) -> AsyncIterator[PublicEvent]:
        """Books and trades of the symbols, and where they are not to be believed.

        After a gap each book begins again with a snapshot, without anything being asked.
        """
        ...

    async def follow(
        self, symbols: Sequence[str], *, depth: int, take: Callable[[PublicEvent], None]
    ) -> None:
        """`public_frames` for a reader that never waits: each event as soon as it is there.

        Raises:
            Exception: what `take` raised, which ends the stream.
        """
        ...

    async def resubscribe(self, symbols: Sequence[str]) -> None:
        """Ask for new snapshots of books that the decoder found broken; a gap says since when."""
        ...

    def private_events(self) -> AsyncIterator[PrivateEvent]:
        """Orders, executions, positions, wallet, and changes of the connection."""
        ...


class VenuePort(VenueQueries, VenueOrders, VenueStreams, Protocol):
    """One venue session."""

    @property
    def name(self) -> str:
        """The venue's name in files, metrics and records."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    @property
    def faults(self) -> ConnectorFaults:
        """What went wrong with its connections so far."""
        ...

    async def aclose(self) -> None:
        """End the streams and close the connections."""
        ...
