"""What trades in `mmbot soak`: the scripted generator, or the engine over a market."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from mmbot.cli.markets import MarketChoice, SymbolMarket, only_symbol, open_markets
from mmbot.clock import monotonic_ns
from mmbot.config import AppConfig
from mmbot.config.sources import ConfigRequest, read_sources
from mmbot.errors import ConfigError
from mmbot.portfolio.rebalancing import Rebalancer
from mmbot.research.calibration import live_sim_params
from mmbot.soak.engine_config import EngineConfig
from mmbot.soak.engine_source import Desk, EngineSource, TradedWindow
from mmbot.soak.launch import LaunchOptions, SourceRequest
from mmbot.soak.mock import MockSource
from mmbot.soak.parameters import effective
from mmbot.soak.paths import read_object
from mmbot.soak.source import EngineParameters, IterationSource
from mmbot.soak.warmup import overlaid, strength
from mmbot.trading.drive import Drive, Feed
from mmbot.trading.engine import EngineSpec, allocator_settings, build_engine
from mmbot.trading.live_config import LiveConfig
from mmbot.units import NS_PER_MIN, NS_PER_SEC

__all__ = ["make_source"]

_CURVE_NS: Final = NS_PER_MIN
_SYMBOL: Final = "BTCUSDT"
# Without a row for this long there is no market.
_PATIENCE_NS: Final = 60 * NS_PER_SEC
_NO_CANARY: Final = "needs the order gateway of a venue, which is not linked"


def make_source(request: SourceRequest, scenario: list[dict[str, Any]] | None) -> IterationSource:
    """What trades in a run.

    Raises:
        ConfigError: ``E_SOAK_ARGS`` for a mode that needs a venue's orders, and what the
            configuration raises.
    """
    options = request.options
    if options.mock:
        return MockSource(
            seed=options.seed, start_ns=request.start_ns, say=request.say, scenario=scenario
        )
    recorded = options.market.get("data") is not None
    if options.mode == "canary":
        raise ConfigError("E_SOAK_ARGS", f"--mode {options.mode}", _NO_CANARY)
    config = EngineConfig(read_sources(_config_request(options)))
    if options.mode == "shadow" and not recorded:
        followed = _FollowedDesk(request, config.start)
        return EngineSource(
            followed.open, config, mode=options.mode, is_repeatable=False, close=followed.close
        )
    return EngineSource(
        lambda: _desk(options, config.start),
        config,
        mode=options.mode,
        history=_history(options, config.start),
        realtime=bool(options.market.get("realtime")),
    )


def _config_request(options: LaunchOptions) -> ConfigRequest:
    """The configuration by the rules of soak; what parameters hold the run says itself."""
    return ConfigRequest(
        path=options.config,
        profile=options.profile,
        sets=(*_venue_sets(options), *options.sets),
        symbols=(_symbol(options.market),),
        mode="sim",
        env={**options.env, "ARTIFACTS_DIR": str(options.paths.root)},
        soak=True,
    )


def _venue_sets(options: LaunchOptions) -> tuple[str, ...]:
    """Of a market that is followed; a recording's venue is one of a catalog."""
    market = options.market
    if options.mode != "shadow" or market.get("data") is not None:
        return ()
    from mmbot.cli.live_venue import venue_sets  # noqa: PLC0415 -- the venue's libraries

    return venue_sets(market.get("venue"), market.get("endpoint"))


class _FollowedDesk:
    """Desks over a venue's market of now; one at a time."""

    def __init__(self, request: SourceRequest, config: AppConfig) -> None:
        self._request = request
        self._config = config
        self._stack = contextlib.ExitStack()

    def open(self) -> Desk:
        """Follow the market from now on.

        Raises:
            MmbotError: the venue cannot be asked.
        """
        from mmbot.cli.followed import followed_markets  # noqa: PLC0415 -- the venue's libraries

        self.close()
        options, config = self._request.options, self._config
        market = followed_markets(config, seed=options.seed, log=self._request.say)
        markets = self._stack.enter_context(market)
        until_ns = monotonic_ns() + _PATIENCE_NS
        desk = _desk_on(markets, options, config, follows=True)
        return replace(desk, is_over=lambda: monotonic_ns() > until_ns)

    def close(self) -> None:
        """Let go of the venue."""
        self._stack.close()


def _symbol(market: Mapping[str, Any]) -> str:
    """What was asked for, else the only symbol of a recording, else the default."""
    data = market.get("data")
    alone = None if data is None else only_symbol(data)
    return str(market.get("symbol") or alone or _SYMBOL)


def _desk(options: LaunchOptions, config: AppConfig) -> Desk:
    market = options.market
    symbols = config.trading.symbols
    choice = MarketChoice(
        data=market.get("data"),
        venue=market.get("venue"),
        regime=str(market.get("regime") or "mixed"),
        seed=options.seed,
    )
    return _desk_on(open_markets(choice, symbols), options, config)


def _desk_on(
    markets: Sequence[SymbolMarket],
    options: LaunchOptions,
    config: AppConfig,
    *,
    follows: bool = False,
) -> Desk:
    symbols = config.trading.symbols
    rebalancer = Rebalancer(allocator_settings(config), symbols) if len(symbols) > 1 else None
    calibration = options.market.get("calibration")
    engine = build_engine(
        EngineSpec(
            instruments=[one.instrument for one in markets],
            configs=[config],
            simulator=live_sim_params(config, Path(calibration) if calibration else None),
            seed=options.seed,
            bar_ns=NS_PER_MIN,
            record=True,
            curve_ns=_CURVE_NS,
            rebalancer=rebalancer,
            follows=follows,
        )
    )
    feeds = [Feed(one.instrument.symbol, one.chunks) for one in markets]
    live = LiveConfig(symbols, overrides={}, rebalancer=rebalancer)
    return Desk(Drive(engine, feeds), live)


def _history(options: LaunchOptions, config: AppConfig) -> list[TradedWindow]:
    """The windows that a resumed run has behind it, from its summaries."""
    if not options.resume:
        return []
    windows: list[TradedWindow] = []
    while True:
        number = len(windows) + 1
        summary = read_object(options.paths.summary(number))
        if summary is None or summary.get("partial"):
            return windows
        share = strength(
            number,
            warmup=options.warmup,
            length=config.soak.warmup_iterations,
            rampdown=config.soak.rampdown_iterations,
        )
        values = effective(summary["overrides"])
        factor = overlaid(values, share).limits_factor
        length_ns = round(float(summary["window"]["seconds"]) * NS_PER_SEC)
        windows.append(TradedWindow(EngineParameters(values, factor), length_ns))
