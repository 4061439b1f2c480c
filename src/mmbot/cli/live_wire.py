"""Builds everything concrete for `mmbot run --mode live`: the venue, the core, the shell."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from mmbot.cli.live_beside import Beside
from mmbot.cli.live_end import close_beside, ended, exit_code, report, unconfirmed
from mmbot.cli.live_health import health_watch, listening
from mmbot.cli.live_scene import LiveOptions, LiveScene
from mmbot.cli.live_venue import (
    ListedVenue,
    ask_venue,
    instrument_of,
    open_source,
    own_prefix,
    refuse_second,
    venue_sets,
)
from mmbot.cli.report_facts import ReportPlace
from mmbot.cli.run_options import RunOptions
from mmbot.clock import wall_ns
from mmbot.config import AppConfig, ConfigRequest, lane_params
from mmbot.config.runtime import RuntimeConfig
from mmbot.config.session import session_params
from mmbot.errors import ConfigError, MmbotError
from mmbot.portfolio.rebalancing import Rebalancer
from mmbot.store.runtime import artifacts_dir
from mmbot.strategy import as_callable
from mmbot.telemetry.logs import configure_logging, log_level
from mmbot.trading.engine import Quoter, allocator_settings
from mmbot.trading.identity import SessionIdentity
from mmbot.trading.journaling import journal_header
from mmbot.trading.live.limits_watch import LimitsWatch
from mmbot.trading.live.opening import Beginning, Wanted, open_session
from mmbot.trading.live.parameters import CoreParameters, ReloadWatch, fee_params
from mmbot.trading.live.recovering import write_recovery
from mmbot.trading.live.shadowing import ShadowWatch, shadow_line
from mmbot.trading.live.shell import Shell
from mmbot.trading.live.shell_records import Watch
from mmbot.trading.live.showing import Showing
from mmbot.trading.live.start_failures import note_start_failure
from mmbot.trading.live.state_file import (
    StageName,
    read_stop_order,
)
from mmbot.trading.live.watches import (
    BookWatch,
    ClockWatch,
    FeeWatch,
    ListingWatch,
    UpkeepWatch,
)
from mmbot.trading.live_config import LiveConfig
from mmbot.trading.stopping import StopSignals
from mmbot.trading.strategies import load_strategy
from mmbot.units import NS_PER_SEC

__all__ = ["run_at_venue", "run_live"]

_DEPTH: Final = 50
# Threads beside the loop (store, records) give it the interpreter back ten times sooner than by
# default: what a frame waits for them at most.
_SWITCH_SEC: Final = 0.0005
_EXTERNAL: Final = {"strategy.kind": "external"}
# Where an order cannot be changed, another one takes its place.
_REPLACED: Final = {"latency_boost.replace.mode": "cancel_then_place"}


def run_at_venue(
    options: RunOptions, endpoint: str | None, *, is_confirmed: bool, host: str
) -> int:
    """Run what `mmbot run` was asked for at a venue; errors as `run_live`.

    Raises:
        ConfigError: ``E_CFG_CONFLICT`` without a journal: it is what brings a session back.
    """
    if not options.journal:
        raise ConfigError(
            "E_CFG_CONFLICT", "--no-journal", f"mode {options.mode} needs its journal"
        )
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
            host=host,
            record=options.record,
            store=options.store,
            throttle_snapshots=options.throttle_snapshots,
            place=ReportPlace(options.out or artifacts_dir(), options.picture, options.headless),
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
    sys.setswitchinterval(_SWITCH_SEC)
    with runtime.on_sighup():
        try:
            return asyncio.run(_sessions(options, runtime))
        except MmbotError as exc:
            note_start_failure(exc, _say)
            raise


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
            # What is there by now stays: the collector need not look through it again and again.
            gc.freeze()
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
    scene = LiveScene(options=options, runtime=runtime, venue=venue, opened=opened)
    beside = Beside(scene, _say)
    health = health_watch(scene, beside)
    with contextlib.ExitStack() as stack:
        stack.enter_context(listening(config.monitoring, options.host, health, _say))
        showing = scene.showing(stack, beside.faults.book, _say)
        shell = Shell(
            scene.plan(),
            opened,
            venue.port,
            watches=[
                showing,
                health,
                *_watches(scene, beside, rebalancer, reload),
                beside.companions,
            ],
            on_stage=_stages(showing, options.mode),
            log=_say,
            journal=scene.shadow_tap(),
            tap=beside.recording,
        )
        session = opened.identity.session
        _catch_signals(shell)
        beside.begin(wall_ns())
        try:
            end = await shell.run(lambda: _keeps_orders(session))
        except BaseException:
            showing.end(
                now_ns=wall_ns(), unconfirmed=len(shell.desk.ledger.open_orders), exit_code=1
            )
            raise
        finally:
            await close_beside(beside, showing, shell)
        if options.mode == "shadow":
            sys.stdout.write(shadow_line(opened.core.session()) + "\n")
        report(scene, ended(end, shell, beside, showing))
        code = exit_code(end)
        sys.stdout.write(f"session {session} ended: {end.reason}\nwrote {opened.writer.path}\n")
        showing.end(now_ns=wall_ns(), unconfirmed=unconfirmed(end), exit_code=code)
    return code, end.reason


def _watches(
    scene: LiveScene, beside: Beside, rebalancer: Rebalancer | None, reload: ReloadWatch
) -> list[Watch]:
    venue, refresh_sec = scene.venue, scene.runtime.config.bybit.refresh_sec
    watches: list[Watch] = [
        beside.storage,
        beside,
        *([] if venue.source.poll is None else [venue.source.poll]),
        ClockWatch(venue.source.verdict),
        ListingWatch(),
        FeeWatch(refresh_sec * NS_PER_SEC, reload.set_fees, dict(venue.fees)),
        LimitsWatch(reload.set_cut),
        UpkeepWatch(rebalancer),
        BookWatch(scene.opened.identity.session),
        reload,
        beside.faults,
    ]
    if scene.options.mode == "shadow":
        watches.append(ShadowWatch())
    return watches


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


def _quoter(options: LiveOptions, config: AppConfig) -> Quoter | None:
    if options.strategy is None:
        return None
    lane = lane_params(config, config.trading.symbols[0])
    return as_callable(load_strategy(options.strategy, lane))


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
    signals = StopSignals()

    def on_signal() -> None:
        if signals.is_second():
            os._exit(1)
        shell.stop("interrupted")

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)


def _keeps_orders(session: str) -> bool:
    order = read_stop_order(session)
    return order is not None and order.keep_orders


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
