"""Builds everything concrete for `mmbot record` of a venue: its frames, and the catalog of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from mmbot import clock
from mmbot.cli.record_choices import check_directory
from mmbot.cli.venue_wire import place_of
from mmbot.config import AppConfig, ConfigRequest
from mmbot.config.runtime import RuntimeConfig
from mmbot.errors import ConfigError, MarketDataError
from mmbot.market.frames import CaptureHead
from mmbot.market.venue_recording import VenueRecording
from mmbot.trading.stopping import StopRequest
from mmbot.venues.bybit.adapter import BybitVenue
from mmbot.venues.bybit.build import build_bybit, bybit_endpoints
from mmbot.venues.ports import PublicFrame
from mmbot.venues.records import InstrumentRules

__all__ = ["VenueOptions", "capture_head", "record_venue"]

_NAMES = ("mainnet", "testnet", "demo")
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOptions:
    """The options of `mmbot record` of a venue, checked for form only; `duration_ns` is wall time.

    `endpoint` is ``mainnet``, ``testnet``, ``demo``, an address, or None for the configuration's.
    """

    request: ConfigRequest
    venue: str
    endpoint: str | None
    depth: int
    duration_ns: int | None


def record_venue(options: VenueOptions, log: Callable[[str], None]) -> list[str]:
    """Record until the end; return what to say about it.

    Raises:
        MmbotError: anything that keeps frames from being recorded.
    """
    if options.venue != "bybit":
        raise ConfigError(
            "E_CFG_RANGE",
            "--venue",
            "has frames only of bybit; `mmbot run --venue` records any market",
        )
    sets = (*options.request.sets, "trading.venue=bybit", *_endpoint_sets(options.endpoint))
    config = RuntimeConfig.load(replace(options.request, sets=sets), log).config
    check_directory(config)
    with StopRequest() as stop:
        return asyncio.run(_record(config, options, stop, log))


def _endpoint_sets(endpoint: str | None) -> tuple[str, ...]:
    if endpoint is None:
        return ()
    if endpoint in _NAMES:
        return (f"bybit.environment={endpoint}",)
    scheme, colon, rest = endpoint.rstrip("/").partition("://")
    if not colon or scheme not in {"http", "https"}:
        raise ConfigError(
            "E_CFG_RANGE", "--endpoint", "must be mainnet, testnet, demo or http[s]://host[:port]"
        )
    stream = "wss" if scheme == "https" else "ws"
    return (
        "bybit.environment=custom",
        f"bybit.rest_url={scheme}://{rest}",
        f"bybit.stream_url={stream}://{rest}",
    )


async def _record(
    config: AppConfig, options: VenueOptions, stop: StopRequest, log: Callable[[str], None]
) -> list[str]:
    venue = build_bybit(config, is_private=False)
    try:
        rules = await venue.instruments(config.trading.symbols)
        missing = sorted(set(config.trading.symbols) - set(rules))
        if missing:
            raise MarketDataError("E_BT_NO_DATA", f"symbol={missing[0]}", "is not traded there")
        recording = VenueRecording(config.recorder.data_dir, capture_head(config, rules), log)
        try:
            await asyncio.to_thread(recording.begin)
            reason = await _listen(venue, recording, options, stop, config.trading.symbols)
        finally:
            await asyncio.to_thread(recording.close)
    finally:
        await venue.aclose()
    return [recording.marker, f"recorded into {recording.directory}: {reason}"]


def capture_head(config: AppConfig, rules: Mapping[str, InstrumentRules]) -> CaptureHead:
    """What is recorded of the configured venue: the symbols of `rules`."""
    return CaptureHead(
        exchange=config.trading.venue.removeprefix("ccxt:"),
        market=config.trading.category,
        url=bybit_endpoints(config).public if config.trading.venue == "bybit" else place_of(config),
        grids={symbol: (one.tick_size, one.lot_size) for symbol, one in rules.items()},
    )


async def _listen(
    venue: BybitVenue,
    recording: VenueRecording,
    options: VenueOptions,
    stop: StopRequest,
    symbols: tuple[str, ...],
) -> str:
    """Queue what comes until the end; why it ended."""

    async def take() -> None:
        async for event in venue.public_frames(symbols, depth=options.depth):
            if isinstance(event, PublicFrame):
                recording.on_frame(event)
            else:
                recording.on_gap(event)

    task = asyncio.create_task(take())
    end_ns = None
    if options.duration_ns is not None:
        end_ns = clock.monotonic_ns() + options.duration_ns
    reason = "interrupted"
    while not stop.requested and not task.done():
        if end_ns is not None and clock.monotonic_ns() >= end_ns:
            reason = "time is over"
            break
        await asyncio.sleep(_LOOK_S)
    if task.done():
        await task
        return "the stream ended"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return reason
