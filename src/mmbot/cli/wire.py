"""Builds everything concrete for `mmbot run`: the markets, the engine, the screen, the reports."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console

from mmbot import core
from mmbot.cli.markets import MarketChoice, SymbolMarket, only_symbol, open_markets
from mmbot.cli.record_choices import RecordChoices
from mmbot.cli.records import record_companions
from mmbot.cli.report_facts import ReportPlace, SessionFacts
from mmbot.cli.reporting import BAR_MINUTES, tell_end
from mmbot.cli.run_companions import (
    SnapshotChoices,
    audit_companions,
    drill_companions,
    journal_companions,
    metrics_companion,
    snapshot_companions,
    window_recompute,
)
from mmbot.cli.run_options import RunOptions
from mmbot.cli.store_wire import background_shipper, store_line
from mmbot.config import AppConfig, ConfigRequest, lane_params
from mmbot.config.changes import InForce
from mmbot.config.runtime import RuntimeConfig
from mmbot.portfolio.rebalancing import Rebalancer
from mmbot.research.calibration import live_sim_params
from mmbot.store.runtime import artifacts_dir
from mmbot.store.sql.background import BackgroundShipper
from mmbot.strategy import as_callable
from mmbot.telemetry.logs import configure_logging, log_level
from mmbot.trading.engine import EngineSpec, Quoter, allocator_settings, build_engine
from mmbot.trading.headless import HeadlessDisplay
from mmbot.trading.identity import SessionIdentity
from mmbot.trading.journaling import SessionJournal, open_journal
from mmbot.trading.live.companion import StateCompanion, first_state
from mmbot.trading.live.heartbeat import Heartbeat
from mmbot.trading.pacing import parse_speed
from mmbot.trading.reloading import ConfigCompanion
from mmbot.trading.screen.labels import Labels
from mmbot.trading.screen.live import LiveDisplay
from mmbot.trading.screen.style import price_decimals
from mmbot.trading.session import Companion, Display, Feed, Session, SessionEnd, SessionPlan
from mmbot.trading.stopping import StopRequest
from mmbot.trading.strategies import load_strategy
from mmbot.units import NS_PER_MIN, NS_PER_SEC

__all__ = ["run_session"]

_CURVE_NS: Final = NS_PER_SEC
_EXTERNAL: Final = {"strategy.kind": "external"}


def run_session(options: RunOptions) -> int:
    """Run one session; return the exit code.

    Raises:
        MmbotError: anything that keeps the session from running or its reports from being written.
    """
    parse_speed(options.speed)
    loaded = RuntimeConfig.load(_request(options), _say)
    config = loaded.config
    configure_logging(log_level(config.logging.level))
    with contextlib.ExitStack() as stack:
        return _run_on(options, loaded, _markets(stack, options, config))


def _markets(
    stack: contextlib.ExitStack, options: RunOptions, config: AppConfig
) -> Sequence[SymbolMarket]:
    if options.follows:
        from mmbot.cli.followed import followed_markets  # noqa: PLC0415 -- the venue's libraries

        market = followed_markets(config, seed=options.seed, log=_say)
        return stack.enter_context(market)
    choice = MarketChoice(
        data=options.data, venue=options.venue, regime=options.regime, seed=options.seed
    )
    return open_markets(choice, config.trading.symbols)


def _run_on(options: RunOptions, loaded: InForce, markets: Sequence[SymbolMarket]) -> int:
    """One session on these markets."""
    speed, config = parse_speed(options.speed), loaded.config
    symbols = config.trading.symbols
    rebalancer = Rebalancer(allocator_settings(config), symbols) if len(symbols) > 1 else None
    quoter = _quoter(options, config)
    identity = SessionIdentity.of(config, symbols)
    header, journal = (
        open_journal(loaded.loaded, identity, mode=options.mode, seed=options.seed)
        if options.journal
        else (None, None)
    )
    engine = _engine(
        options,
        config,
        markets,
        quoter=quoter,
        rebalancer=rebalancer,
        cid_prefix=identity.cid_prefix,
        journal=header,
    )
    choices = _records(options, waits=speed is None)
    records = record_companions(choices, loaded, identity, markets, log=_say)
    store = _store(options, config, journal)
    # From here on the session leaves traces: what could keep it from starting has been tried.
    runtime = RuntimeConfig(loaded, _say)
    besides = _besides(options, engine, runtime, identity, is_paced=speed is not None)
    reloading = _reloading(options, runtime, identity, rebalancer, is_paced=speed is not None)
    # at full speed the store falls behind and nothing waits for it
    lag = None if store is None or speed is None else store.lag_records
    last = journal_companions(journal, config, _say, lag_records=lag)
    # the journal is the last: it writes what others change
    companions: list[Companion] = [reloading, *records, *besides, *last]
    plan = SessionPlan(
        speed=speed,
        duration_ns=options.duration_ns,
        market_state=markets[0].state,
        companions=companions,
        explain=None if journal is None else journal.explain,
        follows=options.follows,
    )
    labels = _labels(options, markets)
    with contextlib.ExitStack() as stack:
        companions.append(state := _state(stack, options, identity, markets))
        # the store is closed after the journal: then nothing more comes
        around = (runtime.on_sighup(), store, None if journal is None else journal.writer)
        end = _play(options, engine, markets, plan, labels, around=around)
        code = _close(options, config, end, labels, markets)
        state.finish(unconfirmed=end.unconfirmed_orders, exit_code=code)
    if journal is not None:
        sys.stdout.write(f"wrote {journal.writer.path}\n")
    if store is not None:
        sys.stdout.write(store_line(store, config.storage))
    return code


def _records(options: RunOptions, *, waits: bool) -> RecordChoices:
    """What is recorded; `waits` as of `RecordChoices`."""
    return RecordChoices(
        mode=options.mode, wanted=options.record, market=options.data is None, waits=waits
    )


def _snapshots(options: RunOptions, *, is_paced: bool) -> SnapshotChoices:
    """What is kept of the session for the next one."""
    path, interval_sec = options.throttle_snapshots
    return SnapshotChoices(
        kept=options.mode == "paper" and options.data is None and is_paced,
        throttle_path=path,
        throttle_interval_sec=interval_sec,
    )


def _reloading(
    options: RunOptions,
    runtime: RuntimeConfig,
    identity: SessionIdentity,
    rebalancer: Rebalancer | None,
    *,
    is_paced: bool,
) -> ConfigCompanion:
    """What takes over changes of the configuration."""
    symbols = identity.symbols
    return ConfigCompanion(
        runtime,
        symbols,
        overrides=_EXTERNAL if options.strategy is not None else {},
        cid_prefix=identity.cid_prefix,
        rebalancer=rebalancer,
        windows=window_recompute(runtime, symbols, _say) if is_paced else None,
    )


def _besides(
    options: RunOptions,
    engine: core.Backtest,
    runtime: RuntimeConfig,
    identity: SessionIdentity,
    *,
    is_paced: bool,
) -> list[Companion]:
    """What the session keeps, shows and obeys besides its records."""
    return [
        *snapshot_companions(_snapshots(options, is_paced=is_paced), engine, runtime, _say),
        metrics_companion(identity.symbols, options.mode, runtime, _say),
        *audit_companions(options.mode, runtime, _say, waits=not is_paced),
        *drill_companions(identity, options.mode, _say),
    ]


def _store(
    options: RunOptions, config: AppConfig, journal: SessionJournal | None
) -> BackgroundShipper | None:
    """What brings the journal into SQL; a simulated session leaves that to `mmbot db ship`."""
    if not options.store or options.mode != "paper" or journal is None:
        return None
    return background_shipper(config.storage, journal.writer, _say)


def _request(options: RunOptions) -> ConfigRequest:
    symbols = options.symbols
    if not symbols and options.data is not None:
        alone = only_symbol(options.data)
        symbols = () if alone is None else (alone,)
    return ConfigRequest(
        path=options.config,
        profile=options.profile,
        sets=(*_venue_sets(options), *options.sets),
        symbols=symbols,
        mode=options.mode,
    )


def _venue_sets(options: RunOptions) -> tuple[str, ...]:
    """Of a market that is followed; elsewhere a venue names one of a catalog."""
    if not options.follows:
        return ()
    from mmbot.cli.live_venue import venue_sets  # noqa: PLC0415 -- the venue's libraries

    return venue_sets(options.venue, options.endpoint)


def _state(
    stack: contextlib.ExitStack,
    options: RunOptions,
    identity: SessionIdentity,
    markets: Sequence[SymbolMarket],
) -> StateCompanion:
    """What `mmbot status` shows of the session."""
    heartbeat = stack.enter_context(Heartbeat(log=_say))
    heartbeat.forget_stop_order(identity.session)
    first = first_state(identity, mode=options.mode, venue=markets[0].label)
    return stack.enter_context(StateCompanion(heartbeat, first, identity.symbols))


def _labels(options: RunOptions, markets: Sequence[SymbolMarket]) -> Labels:
    first = markets[0].instrument
    others = f" (1 of {len(markets)})" if len(markets) > 1 else ""
    return Labels(
        symbol=first.symbol + others,
        mode=options.mode,
        market=markets[0].label,
        speed=options.speed,
        decimals=price_decimals(first.tick_size),
    )


def _quoter(options: RunOptions, config: AppConfig) -> Quoter | None:
    """The strategy in Python, if one was asked for."""
    if options.strategy is None:
        return None
    lane = lane_params(config, config.trading.symbols[0])
    return as_callable(load_strategy(options.strategy, lane))


def _engine(
    options: RunOptions,
    config: AppConfig,
    markets: Sequence[SymbolMarket],
    *,
    quoter: Quoter | None,
    rebalancer: Rebalancer | None,
    cid_prefix: str,
    journal: Mapping[str, Any] | None,
) -> core.Backtest:
    return build_engine(
        EngineSpec(
            instruments=[market.instrument for market in markets],
            configs=[config],
            simulator=live_sim_params(config, options.calibration),
            seed=options.seed,
            bar_ns=BAR_MINUTES * NS_PER_MIN,
            record=True,
            curve_ns=_CURVE_NS,
            quoter=quoter,
            rebalancer=rebalancer,
            cid_prefix=cid_prefix,
            journal=journal,
            follows=options.follows,
        )
    )


def _play(
    options: RunOptions,
    engine: core.Backtest,
    markets: Sequence[SymbolMarket],
    plan: SessionPlan,
    labels: Labels,
    *,
    around: Sequence[contextlib.AbstractContextManager[object] | None],
) -> SessionEnd:
    """Run the session under its display; the terminal is given back whatever happens."""
    feeds = [Feed(market.instrument.symbol, market.chunks) for market in markets]
    with contextlib.ExitStack() as stack:
        for one in around:
            if one is not None:
                stack.enter_context(one)
        stop = stack.enter_context(StopRequest())
        display: Display
        if options.headless or not sys.stdout.isatty():
            display = HeadlessDisplay(sys.stdout, decimals=labels.decimals)
        else:
            live = stack.enter_context(LiveDisplay(Console(), labels))
            stop.before_exit = live.give_back
            display = live
        return Session(engine, feeds, plan, display, stop).run()


def _close(
    options: RunOptions,
    config: AppConfig,
    end: SessionEnd,
    labels: Labels,
    markets: Sequence[SymbolMarket],
) -> int:
    """Write the reports, print the summary; the exit code tells of unconfirmed orders."""
    facts = SessionFacts(
        tick_sizes={market.instrument.symbol: market.instrument.tick_size for market in markets},
        mode=options.mode,
        market=labels.market,
        strategy=options.strategy or "built-in quoter",
        seed=options.seed,
    )
    place = ReportPlace(options.out or artifacts_dir(), options.picture, options.headless)
    tell_end(end, config, facts, labels, place)
    if end.unconfirmed_orders:
        sys.stderr.write(f"E_EXEC_STOP_ORDERS: {end.unconfirmed_orders}\n")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
