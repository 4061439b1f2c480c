"""The venue that a configuration names, as a session needs it: Bybit's own adapter, or ccxt's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from mmbot.clock import monotonic_ns
from mmbot.config import AppConfig
from mmbot.errors import ConfigError
from mmbot.trading.live.shell import Shell
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.clock_offset import ClockVerdict
from mmbot.venues.failures import VenueCodes
from mmbot.venues.ports import CallError, ConnectorHealth, VenuePort
from mmbot.venues.stream.venue_clock import VenueClock

__all__ = ["ClockPoll", "NamedVenue", "open_venue", "place_of"]

_POLL_NS: Final = 30 * NS_PER_SEC


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedVenue:
    """An adapter, and what a session has to know of it.

    Attributes:
        codes: meaning of its failures.
        verdict: whether quoting may go on as far as the clocks are concerned.
        poll: keeps the verdict; None where the adapter does so itself.
        health: how its connections are; None where the adapter does not say.
    """

    port: VenuePort
    codes: VenueCodes
    verdict: Callable[[], ClockVerdict]
    poll: ClockPoll | None = None
    health: Callable[[], ConnectorHealth] | None = None


@dataclass(slots=True)
class ClockPoll:
    """A `Watch` that asks a venue for its time, for adapters that do not learn it by the way."""

    port: VenuePort
    clock: VenueClock = field(default_factory=VenueClock)
    _next_ns: int = 0

    async def look(self, shell: Shell, now_ns: int) -> None:
        """See `mmbot.trading.live.shell_records.Watch`."""
        del now_ns
        sent_ns = monotonic_ns()
        if sent_ns < self._next_ns:
            return
        self._next_ns = sent_ns + _POLL_NS
        try:
            venue_ns = await self.port.server_time_ns()
        except CallError as exc:
            shell.asker.failed(exc)
            return
        recv_ns = monotonic_ns()
        self.clock.observe(sent_ns=sent_ns, recv_ns=recv_ns, venue_ns=venue_ns, grain_ns=NS_PER_MS)


def open_venue(config: AppConfig, *, seed: int = 0, is_private: bool = True) -> NamedVenue:
    """The adapter of `trading.venue`, inside a running event loop.

    Args:
        config: sections `trading`, `bybit`, `ccxt`, `ha_failover`, `rate_budget`.
        seed: of back-offs.
        is_private: False for market data alone, which need no key.

    Raises:
        ConfigError: ``E_CFG_SECRET`` without a key; a venue that is none.
        ModuleNotFoundError: the extra of the venue is not installed.
    """
    venue = config.trading.venue
    if venue == "bybit":
        return _bybit(config, seed=seed, is_private=is_private)
    if venue == "simulated":
        raise ConfigError("E_CFG_RANGE", "trading.venue", "simulated is no venue to connect to")
    return _ccxt(config, seed=seed, is_private=is_private)


def place_of(config: AppConfig) -> str:
    """Where the account is: two sessions of a bot must not have the same."""
    if config.trading.venue == "bybit":
        from mmbot.venues.bybit.build import bybit_endpoints  # noqa: PLC0415 -- another extra

        return bybit_endpoints(config).rest
    test = "-testnet" if config.trading.use_testnet else ""
    return config.ccxt.rest_url or f"{config.trading.venue}{test}"


def _bybit(config: AppConfig, *, seed: int, is_private: bool) -> NamedVenue:
    from mmbot.venues.bybit.build import build_bybit  # noqa: PLC0415 -- another extra
    from mmbot.venues.bybit.codes import BYBIT_CODES  # noqa: PLC0415

    port = build_bybit(config, seed=seed, is_private=is_private)
    return NamedVenue(port=port, codes=BYBIT_CODES, verdict=port.clock_verdict, health=port.health)


def _ccxt(config: AppConfig, *, seed: int, is_private: bool) -> NamedVenue:
    from mmbot.venues.ccxt.build import build_ccxt, ccxt_options  # noqa: PLC0415 -- another extra
    from mmbot.venues.ccxt.codes import CCXT_CODES  # noqa: PLC0415

    port = build_ccxt(config, ccxt_options(config, is_private=is_private), seed=seed)
    poll = ClockPoll(port)
    return NamedVenue(port=port, codes=CCXT_CODES, verdict=poll.clock.verdict, poll=poll)
