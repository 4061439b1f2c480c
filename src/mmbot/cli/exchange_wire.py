"""Builds everything concrete for `mmbot exchange serve`: markets, accounts, faults, the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mmbot import core
from mmbot.cli.markets import (
    SYNTHETIC_START_NS,
    MarketChoice,
    market_seeds,
    open_markets,
    synthetic_grid,
)
from mmbot.clock import monotonic_ns, wall_ns
from mmbot.errors import ConfigError, MarketDataError
from mmbot.market.catalog import read_info
from mmbot.research.calibration import load_calibration
from mmbot.trading.pacing import Pacer, parse_speed
from mmbot.trading.stopping import StopRequest
from mmbot.units import NS_PER_MIN, NS_PER_MS
from mmbot.venues.simulated.accounts import Account
from mmbot.venues.simulated.conductor import Conductor
from mmbot.venues.simulated.engine import LocalExchange
from mmbot.venues.simulated.faults import FaultPlan, read_faults
from mmbot.venues.simulated.limits import AccountLimits, AddressLimits
from mmbot.venues.simulated.listing import Listing
from mmbot.venues.simulated.market import MarketSource

if TYPE_CHECKING:
    from mmbot.venues.simulated.server import ExchangeServer

__all__ = ["ExchangeOptions", "build_conductor", "serve_exchange"]

_CHUNK_ROWS: Final = 4096
# Levels a side that a synthetic market publishes: the deepest subscription with some room.
_LEVELS: Final = 500
# A generated book is empty at first: this much of its life comes before the exchange opens.
_WARM_UP_NS: Final = NS_PER_MIN
_FIRST_UID: Final = 100_001
# Frictions of a backtest that a market with a public tape can not have.
_NOT_ON_A_TAPE: Final = ("toxic_sweep_prob", "extra_slippage_bps")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeOptions:
    """The command line; `symbols` may be empty with `data`: then all of its linear symbols."""

    host: str = "127.0.0.1"
    port: int = 8091
    symbols: Sequence[str] = ()
    data: str | None = None
    venue: str | None = None
    regime: str = "mixed"
    speed: str = "1x"
    calibration: Path | None = None
    faults: Path | None = None
    seed: int = 42
    accounts: int = 2
    balance: str = "100000"
    has_limits: bool = True


def serve_exchange(options: ExchangeOptions, say: Callable[[str], None]) -> None:
    """Serve until Ctrl-C.

    Raises:
        ConfigError: ``E_CFG_MISSING`` without the extra `exchange`; a bad option or file.
        StoreError: ``E_VENUE_PORT`` when the port is taken.
    """
    make_server = _server_class()
    if not options.symbols and options.data is None:
        raise ConfigError("E_CFG_RANGE", "--symbols", "must name at least one symbol")
    speed = parse_speed(options.speed)
    conductor, start_ns = build_conductor(options, say)
    pace = Pacer(speed, start_ns, monotonic_ns())
    server = make_server(conductor, pace, host=options.host, port=options.port)
    with StopRequest() as stop:
        asyncio.run(
            server.run(
                lambda: stop.requested,
                on_ready=lambda port: _introduce(options, conductor, port, say),
            )
        )
    say("stopped")


def _server_class() -> type[ExchangeServer]:
    try:
        from mmbot.venues.simulated.server import ExchangeServer  # noqa: PLC0415 -- optional
    except ModuleNotFoundError as exc:
        raise ConfigError(
            "E_CFG_MISSING", "mmbot exchange serve", "needs aiohttp: install mmbot[exchange]"
        ) from exc
    return ExchangeServer


def build_conductor(options: ExchangeOptions, say: Callable[[str], None]) -> tuple[Conductor, int]:
    """The exchange and the market time at which it begins.

    Raises:
        ConfigError: a bad option or file.
        MarketDataError: the catalog has no such symbol.
    """
    sources, start_ns = _synthetic(options) if options.data is None else _recorded(options)
    accounts = _accounts(options)
    exchange = LocalExchange(
        sources, accounts, sim=_sim(options, say), seed=options.seed, market_ns=start_ns
    )
    conductor = Conductor(
        exchange,
        accounts,
        start_ms=wall_ns() // NS_PER_MS,
        plan=_faults(options.faults),
        account_limits=AccountLimits(is_enforced=options.has_limits),
        address_limits=AddressLimits(is_enforced=options.has_limits),
    )
    return conductor, start_ns


def _sim(options: ExchangeOptions, say: Callable[[str], None]) -> dict[str, object] | None:
    if options.calibration is None:
        return None
    params = load_calibration(options.calibration)
    for key in _NOT_ON_A_TAPE:
        if params.pop(key):
            say(f"calibration: {key} is not used, executions are on the public tape")
    return {**params, "queue_model": "calibrated"}


def _faults(path: Path | None) -> FaultPlan:
    if path is None:
        return FaultPlan()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError("E_CFG_MISSING", f"file={path}", f"cannot be read: {exc}") from exc
    return FaultPlan(tuple(read_faults(text, file=str(path))))


def _accounts(options: ExchangeOptions) -> list[Account]:
    try:
        balance = Decimal(options.balance)
    except InvalidOperation:
        balance = Decimal("NaN")
    if not balance.is_finite() or balance <= 0:
        raise ConfigError("E_CFG_RANGE", "--balance", f"must be above 0: {options.balance}")
    return [
        Account(
            uid=_FIRST_UID + at,
            api_key=f"mmbot-local-key-{at + 1}",
            api_secret=f"mmbot-local-secret-{at + 1}",
            wallet=balance,
            more_keys={f"mmbot-local-watchdog-{at + 1}": f"mmbot-local-watchdog-secret-{at + 1}"},
        )
        for at in range(options.accounts)
    ]


def _synthetic(options: ExchangeOptions) -> tuple[list[MarketSource], int]:
    seeds = market_seeds(options.seed, options.symbols)
    sources = []
    for symbol, seed in zip(options.symbols, seeds, strict=True):
        grid = synthetic_grid(symbol)
        listing = Listing(symbol, Decimal(grid.tick_size), Decimal(grid.lot_size))
        price = Decimal(str(grid.start_price))
        sources.append(_generated(listing, price, SYNTHETIC_START_NS, options.regime, seed))
    return sources, SYNTHETIC_START_NS + _WARM_UP_NS


def _generated(
    listing: Listing, price: Decimal, start_ns: int, regime: str, seed: int
) -> MarketSource:
    generator = core.MarketGenerator(
        seed, regime, float(price), str(listing.tick), str(listing.lot), start_ns, _LEVELS
    )

    def chunks() -> Iterator[core.EventChunk]:
        while True:
            yield generator.next_chunk(_CHUNK_ROWS)

    def relist(tick: Decimal, price: Decimal, ready_ns: int) -> MarketSource:
        listed = Listing(listing.symbol, tick, listing.lot)
        return _generated(listed, price, ready_ns - _WARM_UP_NS, regime, seed + 1)

    return MarketSource(listing, chunks(), relist)


def _recorded(options: ExchangeOptions) -> tuple[list[MarketSource], int]:
    assert options.data is not None
    symbols = options.symbols or sorted(
        {info.symbol for info in read_info(options.data) if info.symbol.endswith("USDT")}
    )
    choice = MarketChoice(
        data=options.data, venue=options.venue, regime=options.regime, seed=options.seed
    )
    sources, starts = [], []
    for symbol, market in zip(symbols, open_markets(choice, symbols), strict=True):
        first = next(market.chunks, None)
        if first is None:
            raise MarketDataError("E_BT_NO_DATA", symbol, "has no rows")
        starts.append(first.first_ts_ns)
        instrument = market.instrument
        listing = Listing(symbol, Decimal(instrument.tick_size), Decimal(instrument.lot_size))
        sources.append(MarketSource(listing, chain([first], market.chunks)))
    if not sources:
        raise MarketDataError("E_BT_NO_DATA", options.data, "has no symbol that settles in USDT")
    return sources, min(starts)


def _introduce(
    options: ExchangeOptions, conductor: Conductor, port: int, say: Callable[[str], None]
) -> None:
    place = f"{options.host}:{port}"
    symbols = ",".join(conductor.exchange.markets)
    say(f"mmbot exchange: {symbols} at {options.speed}, Bybit v5 protocol, category linear")
    say(f"  REST     http://{place}")
    say(f"  public   ws://{place}/v5/public/linear")
    say(f"  private  ws://{place}/v5/private")
    say(f"  trade    ws://{place}/v5/trade")
    for account in conductor.accounts:
        say(
            f"  account  uid={account.uid} key={account.api_key} secret={account.api_secret} "
            f"balance={account.wallet} USDT"
        )
