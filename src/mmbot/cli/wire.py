"""Builds everything concrete for `mmbot run`: the market, the engine, the screen, the reports."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from mmbot import core
from mmbot.cli.reporting import BAR_MINUTES, SessionFacts, write_reports
from mmbot.config import ConfigRequest, LoadedConfig, lane_params, load_config, sim_params
from mmbot.errors import ConfigError, MarketDataError
from mmbot.market.catalog import SymbolInfo, find_symbol, read_events, read_info
from mmbot.research.calibration import load_calibration
from mmbot.store.artifacts import write_text
from mmbot.store.runtime import artifacts_dir
from mmbot.strategy import as_callable
from mmbot.telemetry.logs import configure_logging, log_level
from mmbot.trading.headless import HeadlessDisplay
from mmbot.trading.pacing import parse_speed
from mmbot.trading.readout import Readout
from mmbot.trading.screen.layout import Frame, Labels
from mmbot.trading.screen.live import LiveDisplay
from mmbot.trading.screen.style import UNICODE, price_decimals
from mmbot.trading.session import Display, Session, SessionEnd, SessionPlan
from mmbot.trading.stopping import StopRequest
from mmbot.trading.strategies import load_strategy
from mmbot.trading.summary import summary_table
from mmbot.units import NS_PER_MIN, NS_PER_SEC, parse_utc_ns

__all__ = ["RunOptions", "run_session"]

# The synthetic market begins at a fixed instant, so that equal seeds give equal bytes.
_SYNTHETIC_START_NS: Final = parse_utc_ns("2026-01-01")
_CHUNK_ROWS: Final = 4096
_CURVE_NS: Final = NS_PER_SEC
_PICTURE_SIZE: Final = (100, 30)
_FONT_FACE: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Grid:
    """A synthetic instrument: start price in quote currency, steps as decimal texts."""

    start_price: float
    tick_size: str
    lot_size: str


_GRIDS: Final[Mapping[str, _Grid]] = {
    "BTCUSDT": _Grid(50_000.0, "0.1", "0.001"),
    "ETHUSDT": _Grid(2_500.0, "0.01", "0.01"),
    "SOLUSDT": _Grid(150.0, "0.01", "0.1"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The options of `mmbot run`, checked for form only; `duration_ns` is market time."""

    config: Path | None
    profile: str | None
    sets: tuple[str, ...]
    symbol: str | None
    mode: str
    data: str | None
    venue: str | None
    regime: str
    speed: str
    duration_ns: int | None
    headless: bool
    seed: int
    out: Path | None
    calibration: Path | None
    strategy: str | None
    picture: Path | None


@dataclass(frozen=True, slots=True)
class _Market:
    """Where the events come from; `state` names the regime of a synthetic market."""

    instrument: core.Instrument
    chunks: Iterator[core.EventChunk]
    label: str
    state: Callable[[], str]


def run_session(options: RunOptions) -> int:
    """Run one session; return the exit code.

    Raises:
        MmbotError: anything that keeps the session from running or its reports from being written.
    """
    speed = parse_speed(options.speed)
    loaded = _load(options)
    symbol = loaded.config.trading.symbols[0]
    configure_logging(log_level(loaded.config.logging.level))
    _say(loaded.messages)
    market = _market(options, symbol)
    engine = _engine(options, loaded, symbol, market)
    labels = Labels(
        symbol=symbol,
        mode=options.mode,
        market=market.label,
        speed=options.speed,
        decimals=price_decimals(market.instrument.tick_size),
    )
    plan = SessionPlan(speed=speed, duration_ns=options.duration_ns, market_state=market.state)
    end = _play(options, engine, market, plan, labels)
    return _close(options, loaded, end, labels, market.instrument.tick_size)


def _load(options: RunOptions) -> LoadedConfig:
    symbol = options.symbol
    if symbol is None and options.data is not None:
        symbol = _only_symbol(options.data)
    loaded = load_config(
        ConfigRequest(
            path=options.config,
            profile=options.profile,
            sets=options.sets,
            symbols=(symbol,) if symbol is not None else (),
            mode=options.mode,
        )
    )
    if len(loaded.config.trading.symbols) > 1:
        names = ", ".join(loaded.config.trading.symbols)
        raise ConfigError(
            "E_CFG_RANGE", "trading.symbols", f"one symbol a session: choose --symbol of {names}"
        )
    return loaded


def _only_symbol(data: str) -> str | None:
    """The symbol of a catalog that holds one; otherwise the configuration decides."""
    symbols = {info.symbol for info in read_info(data)}
    return symbols.pop() if len(symbols) == 1 else None


def _market(options: RunOptions, symbol: str) -> _Market:
    if options.data is not None:
        return _recorded(options.data, symbol, options.venue)
    grid = _GRIDS.get(symbol, _Grid(100.0, "0.01", "0.01"))
    generator = core.MarketGenerator(
        options.seed,
        options.regime,
        grid.start_price,
        grid.tick_size,
        grid.lot_size,
        _SYNTHETIC_START_NS,
    )

    def chunks() -> Iterator[core.EventChunk]:
        while True:
            yield generator.next_chunk(_CHUNK_ROWS)

    instrument = core.Instrument(symbol, grid.tick_size, grid.lot_size)
    return _Market(instrument, chunks(), "synthetic market", lambda: generator.state)


def _recorded(data: str, symbol: str, venue: str | None) -> _Market:
    info = find_symbol(data, symbol=symbol, venue=venue)
    _refuse_inverse(info)
    instrument = core.Instrument(symbol, info.tick_size, info.lot_size)
    chunks = read_events(data, symbol=symbol, venue=info.venue)
    return _Market(instrument, chunks, f"{info.venue} recording", lambda: "")


def _refuse_inverse(info: SymbolInfo) -> None:
    if info.market in {"inverse", "coinm"}:
        raise MarketDataError(
            "E_BT_SOURCE",
            f"symbol={info.symbol}",
            "is an inverse contract: its amounts in USD would be wrong",
        )


def _engine(
    options: RunOptions, loaded: LoadedConfig, symbol: str, market: _Market
) -> core.Backtest:
    lane = lane_params(loaded.config, symbol)
    call = None
    if options.strategy is not None:
        call = as_callable(load_strategy(options.strategy, lane))
        lane["strategy.kind"] = "external"
    return core.Backtest(
        market.instrument,
        [lane],
        sim=_sim(options, loaded),
        seed=options.seed,
        record=True,
        curve_ns=_CURVE_NS,
        bar_ns=BAR_MINUTES * NS_PER_MIN,
        strategy=call,
    )


def _sim(options: RunOptions, loaded: LoadedConfig) -> dict[str, Any]:
    """The simulated exchange: configuration, and a calibration over it."""
    sim = sim_params(loaded.config)
    if options.calibration is not None:
        sim |= load_calibration(options.calibration)
        sim["queue_model"] = "calibrated"
    return sim


def _play(
    options: RunOptions,
    engine: core.Backtest,
    market: _Market,
    plan: SessionPlan,
    labels: Labels,
) -> SessionEnd:
    """Run the session under its display; the terminal is given back whatever happens."""
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(StopRequest())
        display: Display
        if options.headless or not sys.stdout.isatty():
            display = HeadlessDisplay(sys.stdout, decimals=labels.decimals)
        else:
            live = stack.enter_context(LiveDisplay(Console(), labels))
            stop.before_exit = live.give_back
            display = live
        return Session(engine, market.chunks, plan, display, stop).run()


def _close(
    options: RunOptions, loaded: LoadedConfig, end: SessionEnd, labels: Labels, tick_size: str
) -> int:
    """Write the reports, print the summary; the exit code tells of unconfirmed orders."""
    out = options.out or artifacts_dir()
    facts = SessionFacts(
        symbol=labels.symbol,
        tick_size=tick_size,
        mode=options.mode,
        market=labels.market,
        strategy=options.strategy or "built-in quoter",
        seed=options.seed,
    )
    paths = write_reports(out, end, loaded.config, facts)
    if options.picture is not None:
        _draw(options.picture, end.last, labels)
        paths.append(options.picture)
    plain = options.headless or not sys.stdout.isatty()
    console = Console(width=_PICTURE_SIZE[0], color_system=None) if plain else Console()
    console.print(summary_table(end, symbol=labels.symbol, ascii_only=plain))
    for path in paths:
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)
    if end.unconfirmed_orders:
        sys.stderr.write(f"E_EXEC_STOP_ORDERS: {end.unconfirmed_orders}\n")
        return 1
    return 0


def _draw(path: Path, readout: Readout, labels: Labels) -> None:
    """The last frame as SVG; characters beyond ASCII become entities."""
    width, height = _PICTURE_SIZE
    console = Console(
        width=width, height=height, record=True, force_terminal=True, file=io.StringIO()
    )
    console.print(Frame(readout, labels, UNICODE), height=height)
    svg = console.export_svg(title="mmbot run", unique_id="mmbot-run")
    # A picture fetches nothing: the reader's own monospace font does.
    svg = _FONT_FACE.sub("", svg)
    write_text(path, svg.encode("ascii", "xmlcharrefreplace").decode("ascii"))


def _say(lines: tuple[str, ...]) -> None:
    for line in lines:
        sys.stderr.write(line + "\n")
