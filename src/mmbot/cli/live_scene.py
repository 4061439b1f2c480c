"""One session at a venue: what was asked for, what the venue says, and what follows from both."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mmbot.cli.live_venue import ListedVenue, own_prefix
from mmbot.cli.report_facts import ReportPlace, SessionFacts
from mmbot.cli.venue_wire import place_of
from mmbot.clock import wall_ns
from mmbot.config import AppConfig
from mmbot.config.runtime import RuntimeConfig
from mmbot.trading.headless import HeadlessDisplay
from mmbot.trading.live.companion import first_state
from mmbot.trading.live.fault_book import FaultBook
from mmbot.trading.live.heartbeat import Heartbeat
from mmbot.trading.live.opening import Opened
from mmbot.trading.live.shadowing import MarketTap
from mmbot.trading.live.shell_records import ShellPlan
from mmbot.trading.live.showing import Showing
from mmbot.trading.reconcile import OwnScope
from mmbot.trading.screen.labels import Labels
from mmbot.trading.screen.style import price_decimals
from mmbot.trading.session import Display
from mmbot.units import NS_PER_MS
from mmbot.venues.virtual import VirtualVenue

__all__ = ["LiveOptions", "LiveScene"]

_DEPTH: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """The options of a session that meets a venue.

    `duration_ns` is wall time, `host` the address at which it answers for its health.
    """

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
    host: str
    record: bool
    store: bool
    place: ReportPlace
    throttle_snapshots: tuple[Path | None, float] = (None, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveScene:
    """See the module; `config` is the one that the session begins with."""

    options: LiveOptions
    runtime: RuntimeConfig
    venue: ListedVenue
    opened: Opened
    config: AppConfig = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "config", self.runtime.config)

    @property
    def labels(self) -> Labels:
        """What the screen says."""
        symbols = self.config.trading.symbols
        rules = self.venue.rules[symbols[0]]
        return Labels(
            symbol=rules.symbol + (f" (1 of {len(symbols)})" if len(symbols) > 1 else ""),
            mode=self.options.mode,
            market=self.venue.port.name,
            speed="1x",
            decimals=price_decimals(rules.tick_size),
        )

    @property
    def facts(self) -> SessionFacts:
        """What the reports say beside the numbers."""
        return SessionFacts(
            tick_sizes={symbol: rules.tick_size for symbol, rules in self.venue.rules.items()},
            mode=self.options.mode,
            market=self.venue.port.name,
            strategy=self.options.strategy or "built-in quoter",
            seed=self.options.seed,
        )

    def plan(self) -> ShellPlan:
        """What the shell is to do."""
        options, config = self.options, self.config
        symbols = config.trading.symbols
        return ShellPlan(
            symbols=symbols,
            depth=_DEPTH,
            duration_ns=options.duration_ns,
            drain_timeout_ns=config.ha_failover.drain_timeout_ms * NS_PER_MS,
            scope=OwnScope(own_prefix(config), frozenset(symbols)),
            rules=self.venue.rules,
            fee_assets=dict.fromkeys(symbols, "USDT"),
            codes=self.venue.source.codes,
            seed=options.seed,
            busy_poll=config.runtime.busy_poll,
        )

    def shadow_tap(self) -> MarketTap | None:
        """What feeds the virtual orders of mode shadow."""
        port, opened = self.venue.port, self.opened
        if not isinstance(port, VirtualVenue):
            return None
        return MarketTap(opened.writer, opened.identity.symbols, port.on_rows)

    def showing(
        self, stack: contextlib.ExitStack, faults: FaultBook, log: Callable[[str], None]
    ) -> Showing:
        """Screen and state file, until the stack is left."""
        labels, identity = self.labels, self.opened.identity
        display: Display
        if self.options.headless or not sys.stdout.isatty():
            display = HeadlessDisplay(sys.stdout, decimals=labels.decimals)
        else:
            from rich.console import Console  # noqa: PLC0415 -- what has no screen starts sooner

            from mmbot.trading.screen.live import LiveDisplay  # noqa: PLC0415

            display = stack.enter_context(LiveDisplay(Console(), labels))
        heartbeat = stack.enter_context(Heartbeat(log=log))
        heartbeat.forget_stop_order(identity.session)
        first = first_state(
            identity,
            mode=self.options.mode,
            venue=labels.market,
            endpoint=place_of(self.config),
        )
        heartbeat.publish(first)
        return Showing(heartbeat, first, display, labels.market, wall_ns(), faults)
