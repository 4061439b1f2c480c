"""Builds everything concrete for `mmbot run --mode live`: the venue, the core, the shell."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from mmbot.cli.live_venue import (
    ListedVenue,
    ask_venue,
    instrument_of,
    open_source,
    own_prefix,
    refuse_second,
    venue_sets,
)
from mmbot.cli.venue_wire import place_of
from mmbot.cli.wire import RunOptions
from mmbot.clock import wall_ns
from mmbot.config import AppConfig, ConfigRequest, lane_params
from mmbot.config.runtime import RuntimeConfig
from mmbot.config.session import session_params
from mmbot.errors import ConfigError, VenueError
from mmbot.portfolio.rebalancing import Rebalancer
from mmbot.strategy import as_callable
from mmbot.telemetry.logs import configure_logging, log_level
from mmbot.trading.engine import Quoter, allocator_settings
from mmbot.trading.headless import HeadlessDisplay
from mmbot.trading.identity import SessionIdentity
from mmbot.trading.journaling import journal_header
from mmbot.trading.live.companion import first_state
from mmbot.trading.live.heartbeat import Heartbeat
from mmbot.trading.live.opening import Beginning, Opened, Wanted, open_session
from mmbot.trading.live.parameters import CoreParameters, ReloadWatch, fee_params
from mmbot.trading.live.recovering import write_recovery
from mmbot.trading.live.shadowing import MarketTap, ShadowWatch, shadow_line
from mmbot.trading.live.shell import Shell
from mmbot.trading.live.shell_records import ShellEnd, ShellPlan, Watch
from mmbot.trading.live.showing import Showing
from mmbot.trading.live.shutdown import Stage
from mmbot.trading.live.state_file import (
    StageName,
    read_stop_order,
)
from mmbot.trading.live.watches import (
    BookWatch,
    ClockWatch,
    DiskWatch,
    FeeWatch,
    KillDrillWatch,
    ListingWatch,
    UpkeepWatch,
)
from mmbot.trading.live_config import LiveConfig
from mmbot.trading.reconcile import OwnScope
from mmbot.trading.screen.layout import Labels
from mmbot.trading.screen.live import LiveDisplay
from mmbot.trading.screen.style import price_decimals
from mmbot.trading.session import Display
from mmbot.trading.strategies import load_strategy
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.virtual import VirtualVenue

__all__ = ["LiveOptions", "run_at_venue", "run_live"]

_DEPTH: Final = 50
_EXTERNAL: Final = {"strategy.kind": "external"}
# Where an order cannot be changed, another one takes its place.
_REPLACED: Final = {"latency_boost.replace.mode": "cancel_then_place"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """The options of a session that meets a venue; `duration_ns` is wall time."""

    config: Path | None
    profile: str | None
    sets: tuple[str, ...]
    symbols: tuple[str, ...]
    mode: str
    duration_ns: int | None
    headless: bool
    seed: int
    strategy: str | None
    calibration: Path | None
    is_confirmed: bool


def run_at_venue(options: RunOptions, endpoint: str | None, *, is_confirmed: bool) -> int:
    """Run what `mmbot run` was asked for at a venue; errors as `run_live`."""
    shadow = ("shadow.enabled=true",) if options.mode == "shadow" else ()
    return run_live(
        LiveOptions(
            config=options.config,
            profile=options.profile,
            sets=(*venue_sets(options.venue, endpoint), *shadow, *options.sets),
            symbols=options.symbols,
            mode=options.mode,
            duration_ns=options.duration_ns,
            headless=options.headless,
            seed=options.seed,
            strategy=options.strategy,
            calibration=options.calibration,
            is_confirmed=is_confirmed,
        )
    )


def run_live(options: LiveOptions) -> int:
    """Run sessions until one is to end; return the exit code.

    Raises:
        MmbotError: anything that keeps the session from running.
    """
    request = ConfigRequest(
        path=options.config,
        profile=options.profile,
        sets=options.sets,
        symbols=options.symbols,
        mode=options.mode,
    )
    loaded = RuntimeConfig.load(request, _say)
    config = loaded.config
    is_live = options.mode == "live"
    if is_live and not (options.is_confirmed or config.runtime.allow_live):
        raise ConfigError(
            "E_OPS_LIVE_REFUSED",
            "--mode live",
            "trades with money: give --i-understand-live, or set runtime.allow_live",
            detail="not_confirmed",
        )
    configure_logging(log_level(config.logging.level))
    if is_live:
        refuse_second(config)
    runtime = RuntimeConfig(loaded, _say)
    with runtime.on_sighup():
        return asyncio.run(_sessions(options, runtime))


async def _sessions(options: LiveOptions, runtime: RuntimeConfig) -> int:
    """One session after the other, until one ends for another reason than new trading rules."""
    while True:
        mode, seed = options.mode, options.seed
        calibration = options.calibration
        source = open_source(runtime.config, mode=mode, seed=seed)
        try:
            venue = await ask_venue(
                source, runtime.config, mode=mode, seed=seed, calibration=calibration, log=_say
            )
            code, reason = await _session(options, runtime, venue)
        finally:
            await source.port.aclose()
        if reason != "relisted":
            return code
        _say("| session | OK | the venue has new trading rules: a new session begins |")


async def _session(
    options: LiveOptions, runtime: RuntimeConfig, venue: ListedVenue
) -> tuple[int, str]:
    """One session; its exit code, and why it ended."""
    config = runtime.config
    symbols = config.trading.symbols
    quoter = _quoter(options, config)
    overrides = _overrides(venue, is_external=quoter is not None)
    wanted = _wanted(options, config, venue, quoter)
    opened = open_session(
        wanted,
        lambda: _beginning(options, runtime, venue, overrides),
        now_ns=wall_ns(),
        log=_say,
    )
    rebalancer = Rebalancer(allocator_settings(config), symbols) if len(symbols) > 1 else None
    target = CoreParameters(opened.core, symbols, wall_ns, venue.fees)
    reload = ReloadWatch(
        runtime,
        LiveConfig(
            symbols,
            overrides=overrides,
            rebalancer=rebalancer,
            cid_prefix=opened.identity.cid_prefix,
        ),
        target,
    )
    if opened.is_resumed:
        reload.live.apply(target, config, wall_ns())
    with contextlib.ExitStack() as stack:
        showing = _showing(stack, options, config, opened, venue)
        watches: list[Watch] = [
            showing,
            DiskWatch(wanted.journal_dir, config.storage.min_free_mb),
            *([] if venue.source.poll is None else [venue.source.poll]),
            ClockWatch(venue.source.verdict),
            ListingWatch(),
            FeeWatch(config.bybit.refresh_sec * NS_PER_SEC, reload.set_fees, dict(venue.fees)),
            UpkeepWatch(rebalancer),
            BookWatch(opened.identity.session),
            KillDrillWatch(opened.identity.session, symbols, _say),
            reload,
        ]
        if options.mode == "shadow":
            watches.append(ShadowWatch())
        shell = Shell(
            _plan(options, config, venue),
            opened,
            venue.port,
            watches=watches,
            on_stage=_stages(showing, options.mode),
            log=_say,
            journal=_shadow_tap(venue, opened),
        )
        session = opened.identity.session
        _catch_signals(shell)
        try:
            end = await shell.run(lambda: _keeps_orders(session))
        except BaseException:
            showing.end(
                now_ns=wall_ns(), unconfirmed=len(shell.desk.ledger.open_orders), exit_code=1
            )
            raise
        if options.mode == "shadow":
            sys.stdout.write(shadow_line(opened.core.session()) + "\n")
        code = _told_end(end, opened)
        showing.end(now_ns=wall_ns(), unconfirmed=_unconfirmed(end), exit_code=code)
    return code, end.reason


def _overrides(venue: ListedVenue, *, is_external: bool) -> dict[str, str]:
    """Lane parameters that the strategy or the venue leaves no choice about."""
    external = _EXTERNAL if is_external else {}
    return external if venue.port.capabilities.amend else external | _REPLACED


def _wanted(
    options: LiveOptions, config: AppConfig, venue: ListedVenue, quoter: Quoter | None
) -> Wanted:
    return Wanted(
        journal_dir=Path(config.storage.journal_dir),
        fsync_ms=config.storage.journal_fsync_ms,
        bot_prefix=own_prefix(config),
        mode=options.mode,
        instruments=[instrument_of(venue.rules[symbol]) for symbol in config.trading.symbols],
        hash_every_ns=round(config.journal.snapshot_interval_s * NS_PER_SEC),
        strategy=quoter,
        goes_on=options.mode == "live",
    )


def _shadow_tap(venue: ListedVenue, opened: Opened) -> MarketTap | None:
    """What feeds the virtual orders of mode shadow."""
    if not isinstance(venue.port, VirtualVenue):
        return None
    return MarketTap(opened.writer, opened.identity.symbols, venue.port.on_rows)


def _beginning(
    options: LiveOptions,
    runtime: RuntimeConfig,
    venue: ListedVenue,
    overrides: Mapping[str, Any],
) -> Beginning:
    config = runtime.config
    symbols = config.trading.symbols
    identity = SessionIdentity.of(config, symbols)
    header = journal_header(runtime.loaded, identity, mode=options.mode, seed=options.seed)
    # Its times are compared with the venue's: they are real, whatever artifacts are dated.
    header["ts_ns"] = wall_ns()
    params = [
        lane_params(config, symbol) | dict(overrides) | fee_params(venue.fees.get(symbol))
        for symbol in symbols
    ]
    return Beginning(
        identity=identity,
        header=header,
        params=params,
        session=session_params(config, symbols, cid_prefix=identity.cid_prefix),
        seed=options.seed,
    )


def _plan(options: LiveOptions, config: AppConfig, venue: ListedVenue) -> ShellPlan:
    symbols = config.trading.symbols
    return ShellPlan(
        symbols=symbols,
        depth=_DEPTH,
        duration_ns=options.duration_ns,
        drain_timeout_ns=config.ha_failover.drain_timeout_ms * NS_PER_MS,
        scope=OwnScope(own_prefix(config), frozenset(symbols)),
        rules=venue.rules,
        fee_assets=dict.fromkeys(symbols, "USDT"),
        codes=venue.source.codes,
        seed=options.seed,
    )


def _quoter(options: LiveOptions, config: AppConfig) -> Quoter | None:
    if options.strategy is None:
        return None
    lane = lane_params(config, config.trading.symbols[0])
    return as_callable(load_strategy(options.strategy, lane))


def _showing(
    stack: contextlib.ExitStack,
    options: LiveOptions,
    config: AppConfig,
    opened: Opened,
    venue: ListedVenue,
) -> Showing:
    rules = venue.rules[config.trading.symbols[0]]
    others = len(config.trading.symbols)
    labels = Labels(
        symbol=rules.symbol + (f" (1 of {others})" if others > 1 else ""),
        mode=options.mode,
        market=venue.port.name,
        speed="1x",
        decimals=price_decimals(rules.tick_size),
    )
    display: Display
    if options.headless or not sys.stdout.isatty():
        display = HeadlessDisplay(sys.stdout, decimals=labels.decimals)
    else:
        display = stack.enter_context(LiveDisplay(Console(), labels))
    heartbeat = stack.enter_context(Heartbeat(log=_say))
    heartbeat.forget_stop_order(opened.identity.session)
    first = first_state(
        opened.identity,
        mode=options.mode,
        venue=venue.port.name,
        endpoint=place_of(config),
    )
    heartbeat.publish(first)
    return Showing(heartbeat, first, display, venue.port.name, wall_ns())


def _stages(showing: Showing, mode: str) -> Callable[[Shell, StageName, str], None]:
    def on_stage(shell: Shell, stage: StageName, text: str) -> None:
        showing.stage(shell, stage, text)
        if stage == "trading" and shell.recovery is not None:
            write_recovery(shell.recovery, mode)
        elif stage not in {"recovering", "trading"}:
            _say(f"| stop | {stage.upper()} | {text} |")

    return on_stage


def _catch_signals(shell: Shell) -> None:
    """The first asks the session to end, the second ends the process at once."""

    def on_signal() -> None:
        if shell.is_ending:
            os._exit(1)
        shell.stop("interrupted")

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)


def _keeps_orders(session: str) -> bool:
    order = read_stop_order(session)
    return order is not None and order.keep_orders


def _unconfirmed(end: ShellEnd) -> int:
    return 0 if end.stop.stage is Stage.VERIFIED else max(1, len(end.stop.left))


def _told_end(end: ShellEnd, opened: Opened) -> int:
    """Say how it ended; the exit code tells of unconfirmed orders, and of what was fatal."""
    code = 0
    if end.fatal is not None:
        sys.stderr.write(str(VenueError("E_EXEC_FATAL", end.fatal, "the session ended")) + "\n")
        code = 1
    if end.stop.stage is not Stage.VERIFIED:
        sys.stderr.write(f"E_EXEC_STOP_ORDERS: {_unconfirmed(end)}\n")
        code = 1
    sys.stdout.write(f"session {opened.identity.session} ended: {end.reason}\n")
    sys.stdout.write(f"wrote {opened.writer.path}\n")
    return code


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
