"""One step of the whole exchange: faults that begin and end, markets, publication.

The conductor is told the time and says what is to be sent and which sockets are to be closed. It is
all of the exchange but its sockets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from mmbot.errors import ConfigError
from mmbot.venues.simulated.accounts import Account
from mmbot.venues.simulated.auth import Keys
from mmbot.venues.simulated.engine import LocalExchange
from mmbot.venues.simulated.faults import FaultPlan, Stream
from mmbot.venues.simulated.gate import Gate
from mmbot.venues.simulated.hub import Delivery, Hub
from mmbot.venues.simulated.limits import AccountLimits, AddressLimits
from mmbot.venues.simulated.protection import PROTECTION_TOPIC, Protection
from mmbot.venues.simulated.rest import RestApi
from mmbot.venues.simulated.sockets import PrivateSocket, PublicSocket, Socket, TradeSocket

__all__ = ["Conductor", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """What a step asks for: texts to send in order, connections to close after that."""

    deliveries: list[Delivery]
    closing: list[str]


@dataclass(slots=True)
class Conductor:
    """The exchange and everything that speaks for it.

    `start_ms` is the wall time to which the times of the faults are relative.
    """

    exchange: LocalExchange
    accounts: Sequence[Account]
    start_ms: int
    plan: FaultPlan = field(default_factory=FaultPlan)
    account_limits: AccountLimits = field(default_factory=AccountLimits)
    address_limits: AddressLimits = field(default_factory=AddressLimits)
    gate: Gate = field(default_factory=Gate)
    protection: Protection = field(default_factory=Protection)
    hub: Hub = field(init=False)
    keys: Keys = field(init=False)
    api: RestApi = field(init=False)
    _last_ms: int = -1
    _connections: int = 0

    def __post_init__(self) -> None:
        for fault in self.plan.faults:
            self._check_relist(fault.kind, fault.symbol)
        self.hub = Hub(self.exchange)
        self.keys = Keys.of(self.accounts)
        self.api = RestApi(
            self.exchange, self.keys, self.account_limits, self.address_limits, self.gate
        )

    def _check_relist(self, kind: str, symbol: str) -> None:
        if kind != "relist":
            return
        market = self.exchange.markets.get(symbol)
        if market is None or market.source.relist is None:
            raise ConfigError(
                "E_CFG_RANGE",
                "--faults",
                f"relist needs a symbol with a synthetic market: {symbol}",
            )

    def since_start_ms(self, wall_ms: int) -> int:
        """The time of the faults' file."""
        return wall_ms - self.start_ms

    def clock_ms(self, wall_ms: int) -> int:
        """The exchange's clock, which a fault may put wrong."""
        return wall_ms + self.plan.skew_ms(self.since_start_ms(wall_ms))

    def connect(self, stream: Stream, *, prefix: str = "c") -> Socket:
        """A socket for a new connection."""
        self._connections += 1
        conn_id = f"{prefix}{self._connections:08d}"
        socket: Socket
        if stream == "public":
            socket = PublicSocket(conn_id, self.hub.first_frames)
        elif stream == "private":
            socket = PrivateSocket(conn_id, self.keys)
        else:
            socket = TradeSocket(conn_id, self.keys, self.exchange, self.account_limits, self.gate)
        self.hub.join(socket, stream)
        return socket

    def step(self, wall_ms: int, market_ns: int) -> Step:
        """Let everything happen up to a time."""
        since, until = self._last_ms, self.since_start_ms(wall_ms)
        self._last_ms = until
        closing = self._faults(since, until)
        self._set_gate(until)
        self.exchange.advance(market_ns, wall_ms)
        self.protection.step(self.exchange, self._protected(), self.clock_ms(wall_ms))
        deliveries = self.hub.step()
        restarts = (
            *self.plan.beginning("restart", since, until),
            *self.plan.ending("maintenance", since, until),
        )
        if restarts:
            deliveries += self.hub.restart()
        return Step(deliveries, closing)

    def _protected(self) -> set[int]:
        """Accounts with a socket that asks for protection."""
        sockets = self.hub.sockets.values()
        asking = (one for one in sockets if PROTECTION_TOPIC in one.topics)
        return {one.account.uid for one in asking if one.account is not None}

    def _faults(self, since: int, until: int) -> list[str]:
        for fault in self.plan.beginning("relist", since, until):
            self.exchange.stop_symbol(fault.symbol, status="Closed")
        for fault in self.plan.ending("relist", since, until):
            self.exchange.relist(fault.symbol, Decimal(fault.tick_size))
        closing: list[str] = []
        if any(self.plan.beginning("maintenance", since, until)):
            closing += self.hub.sockets
        for fault in self.plan.beginning("disconnect", since, until):
            streams = self.hub.streams.items()
            closing += [c for c, stream in streams if fault.stream in (None, stream)]
        if any(self.plan.beginning("revoke", since, until)):
            closing += [c for c, stream in self.hub.streams.items() if stream != "public"]
        return list(dict.fromkeys(closing))

    def _set_gate(self, at_ms: int) -> None:
        gate, plan = self.gate, self.plan
        gate.is_forbidden = plan.active("forbidden", at_ms) is not None
        gate.is_in_maintenance = plan.active("maintenance", at_ms) is not None
        gate.is_rate_limited = plan.active("rate_limit", at_ms) is not None
        rejecting = plan.active("reject", at_ms)
        gate.reject_code = rejecting.ret_code if rejecting else None
        self.keys.is_revoked = plan.active("revoke", at_ms) is not None
        cut = plan.active("limit_cut", at_ms)
        self.account_limits.percent = cut.percent if cut else 100
