"""What a live session needs of its venue before it begins."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from mmbot import core
from mmbot.clock import wall_ns
from mmbot.config import AppConfig
from mmbot.errors import ConfigError
from mmbot.ids import bot_prefix
from mmbot.trading.live.state_file import Liveness, found_states, is_running, liveness
from mmbot.venues.bybit.adapter import BybitVenue
from mmbot.venues.bybit.build import bybit_endpoints
from mmbot.venues.records import FeeRates, InstrumentRules

__all__ = [
    "ListedVenue",
    "ask_venue",
    "instrument_of",
    "own_prefix",
    "refuse_second",
    "venue_sets",
]

_RELIST_WAIT_SEC: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedVenue:
    """What the venue says before a session begins."""

    port: BybitVenue
    rules: dict[str, InstrumentRules]
    fees: Mapping[str, FeeRates]


def venue_sets(venue: str | None, endpoint: str | None) -> tuple[str, ...]:
    """What ``--venue`` and ``--endpoint`` set.

    Raises:
        ConfigError: ``E_CFG_RANGE`` for an address that is none.
    """
    sets = () if venue is None else (f"trading.venue={venue}",)
    if endpoint is None:
        return sets
    scheme, _, place = endpoint.partition("://")
    if scheme not in {"http", "https"} or not place:
        raise ConfigError("E_CFG_RANGE", "--endpoint", "must be http://host:port or https://")
    stream = "wss" if scheme == "https" else "ws"
    return (
        *sets,
        "bybit.environment=custom",
        f"bybit.rest_url={endpoint}",
        f"bybit.stream_url={stream}://{place}",
    )


def refuse_second(config: AppConfig) -> None:
    """Two sessions of one bot would cancel each other's orders."""
    bot, rest = own_prefix(config), bybit_endpoints(config).rest
    for state in found_states()[0]:
        if state.pid == os.getpid() or (state.bot_prefix, state.endpoint) != (bot, rest):
            continue
        verdict = liveness(state, now_ns=wall_ns(), running=is_running(state))
        if state.mode == "live" and (verdict is Liveness.LIVE or verdict is Liveness.STALE):
            raise ConfigError(
                "E_OPS_LIVE_REFUSED",
                f"session={state.session} pid={state.pid}",
                "of this bot runs already: stop it first, or give another ha_failover.lock_key",
                detail="already_running",
            )


def own_prefix(config: AppConfig) -> str:
    """What client order ids of the bot begin with."""
    env = os.environ.get("MM_ENV") or "dev"
    return bot_prefix(env=env, lock_key=config.ha_failover.lock_key)


async def ask_venue(port: BybitVenue, config: AppConfig, log: Callable[[str], None]) -> ListedVenue:
    """Trading rules and fees; waits while a symbol is not traded."""
    symbols = config.trading.symbols
    told = False
    while True:
        found = dict(await port.instruments(symbols))
        missing = [symbol for symbol in symbols if symbol not in found]
        if not missing:
            return ListedVenue(port=port, rules=found, fees=await port.fee_rates(symbols))
        if not told:
            told = True
            log(f"| listing | WARN | not traded by the venue, waiting: {','.join(missing)} |")
        await asyncio.sleep(_RELIST_WAIT_SEC)


def instrument_of(rules: InstrumentRules) -> core.Instrument:
    """The core's view of the rules."""
    return core.Instrument(
        rules.symbol,
        rules.tick_size,
        rules.lot_size,
        min_qty=rules.min_qty,
        min_notional_usd=float(rules.min_notional),
    )
