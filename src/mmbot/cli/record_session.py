"""Builds everything concrete for `mmbot record`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mmbot.cli.markets import MarketChoice, SymbolMarket, only_symbol, open_markets
from mmbot.cli.records import is_repeatable, market_recorder
from mmbot.config import ConfigRequest
from mmbot.config.runtime import RuntimeConfig
from mmbot.errors import ConfigError
from mmbot.market.catalog import footers_of
from mmbot.market.parts import Root
from mmbot.market.schema import STREAMS
from mmbot.trading.feed_recording import FeedRecording, RecordedFeed
from mmbot.trading.identity import SessionIdentity
from mmbot.trading.pacing import parse_speed
from mmbot.trading.recording import recorded_line
from mmbot.trading.session import Feed
from mmbot.trading.stopping import StopRequest

__all__ = ["RecordOptions", "record_market"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """The options of `mmbot record`, checked for form only; `duration_ns` is market time."""

    request: ConfigRequest
    choice: MarketChoice
    speed: str
    duration_ns: int | None


def record_market(options: RecordOptions, log: Callable[[str], None]) -> list[str]:
    """Record; return what to say about it.

    Raises:
        MmbotError: anything that keeps rows from being recorded.
    """
    speed = parse_speed(options.speed)
    request, data = options.request, options.choice.data
    if not request.symbols and data is not None and (alone := only_symbol(data)) is not None:
        request = replace(request, symbols=(alone,))
    config = RuntimeConfig.load(request, log).config
    root = config.recorder.data_dir
    if data is not None and _is_same(data, root):
        raise ConfigError("E_CFG_CONFLICT", "--data", f"is recorder.data_dir itself: {root}")
    symbols = config.trading.symbols
    markets = open_markets(options.choice, symbols)
    identity = SessionIdentity.of(config, symbols)
    recorder = market_recorder(config.recorder, identity, markets, market=True, waits=speed is None)
    feeds = [RecordedFeed(_feed(market), _last_ns(root, market)) for market in markets]
    recording = FeedRecording(recorder, feeds, speed=speed, duration_ns=options.duration_ns)
    with StopRequest() as stop:
        reason = recording.run(stop)
    ended = {"duration": "time is over", "data_end": "data ended", "interrupted": "interrupted"}
    return [recorded_line(recorder.counters()), f"recorded into {root}: {ended[reason]}"]


def _feed(market: SymbolMarket) -> Feed:
    return Feed(market.instrument.symbol, market.chunks)


def _last_ns(root: str, market: SymbolMarket) -> int | None:
    """Where the catalog's rows of a recording end; a synthetic market goes on where it ended."""
    series = market.series
    if is_repeatable(series):
        return None
    footers = [
        footer
        for stream in STREAMS
        for footer in footers_of(Root(root), series.venue, series.symbol, stream)
    ]
    return max((footer.last_ts_ns for footer in footers), default=None)


def _is_same(data: str, root: str) -> bool:
    return data == root or Path(data).resolve() == Path(root).resolve()
