"""What a live session needs of its venue before it begins."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mmbot import core
from mmbot.cli.venue_wire import NamedVenue, open_venue, place_of
from mmbot.clock import wall_ns
from mmbot.config import AppConfig
from mmbot.errors import ConfigError
from mmbot.ids import bot_prefix
from mmbot.research.calibration import live_sim_params
from mmbot.trading.live.state_file import Liveness, found_states, is_running, liveness
from mmbot.venues.ports import VenuePort
from mmbot.venues.records import FeeRates, InstrumentRules
from mmbot.venues.virtual import VirtualVenue

__all__ = [
    "ListedVenue",
    "ask_venue",
    "instrument_of",
    "open_source",
    "own_prefix",
    "refuse_second",
    "venue_sets",
]

_RELIST_WAIT_SEC: Final = 1.0
_BPS: Final = 10_000
# Frictions of a backtest that a market with a public tape can not have.
_NOT_ON_A_TAPE: Final = ("toxic_sweep_prob", "extra_slippage_bps")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedVenue:
    """What the venue says before a session begins."""

    source: NamedVenue
    port: VenuePort
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
    section = "bybit" if venue in {None, "bybit"} else "ccxt"
    custom = ("bybit.environment=custom",) if section == "bybit" else ()
    return (
        *sets,
        *custom,
        f"{section}.rest_url={endpoint}",
        f"{section}.stream_url={stream}://{place}",
    )


def refuse_second(config: AppConfig) -> None:
    """Two sessions of one bot would cancel each other's orders."""
    bot, place = own_prefix(config), place_of(config)
    for state in found_states()[0]:
        if state.pid == os.getpid() or (state.bot_prefix, state.endpoint) != (bot, place):
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


def open_source(config: AppConfig, *, mode: str, seed: int) -> NamedVenue:
    """The venue's adapter; with a key in mode live alone; errors as `open_venue`."""
    return open_venue(config, seed=seed, is_private=mode == "live")


async def ask_venue(
    source: NamedVenue,
    config: AppConfig,
    *,
    mode: str,
    seed: int,
    calibration: Path | None,
    log: Callable[[str], None],
) -> ListedVenue:
    """Trading rules and fees; waits while a symbol is not traded."""
    symbols = config.trading.symbols
    told = False
    while True:
        found = dict(await source.port.instruments(symbols))
        missing = [symbol for symbol in symbols if symbol not in found]
        if not missing:
            break
        if not told:
            told = True
            log(f"| listing | WARN | not traded by the venue, waiting: {','.join(missing)} |")
        await asyncio.sleep(_RELIST_WAIT_SEC)
    if mode == "live":
        fees = await source.port.fee_rates(symbols)
        return ListedVenue(source=source, port=source.port, rules=found, fees=fees)
    fees = {symbol: _configured_fees(config, symbol) for symbol in symbols}
    sim = {
        key: value
        for key, value in live_sim_params(config, calibration).items()
        if key not in _NOT_ON_A_TAPE
    }
    port = VirtualVenue(source.port, found, fees, sim=sim, seed=seed, clock=wall_ns)
    return ListedVenue(source=source, port=port, rules=found, fees=fees)


def _configured_fees(config: AppConfig, symbol: str) -> FeeRates:
    trading = config.trading
    return FeeRates(
        symbol=symbol,
        maker=str(trading.maker_fee_bps / _BPS),
        taker=str(trading.taker_fee_bps / _BPS),
    )


def instrument_of(rules: InstrumentRules) -> core.Instrument:
    """The core's view of the rules."""
    return core.Instrument(
        rules.symbol,
        rules.tick_size,
        rules.lot_size,
        min_qty=rules.min_qty,
        min_notional_usd=float(rules.min_notional),
    )
