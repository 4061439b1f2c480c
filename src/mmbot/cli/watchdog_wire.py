"""Builds the watchdog: venue with the watchdog's own key, state files, what it leaves behind."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Final

from mmbot.clock import artifact_utc, wall_ns
from mmbot.config import AppConfig
from mmbot.config.secrets import key_name, load_secret, require_secret
from mmbot.errors import ConfigError
from mmbot.ids import bot_prefix, sub_seed
from mmbot.store.artifacts import append_jsonl, write_json, write_text
from mmbot.store.runtime import artifact_path, runtime_block
from mmbot.telemetry.logs import marker
from mmbot.trading.live.state_file import found_states, is_running
from mmbot.trading.stopping import StopRequest
from mmbot.trading.watchdog.guard import Counters, Guard, Scope
from mmbot.trading.watchdog.sweep import Sweep
from mmbot.units import NS_PER_SEC
from mmbot.venues.failures import ErrorClass, VenueCodes, classify
from mmbot.venues.namespace import CidNamespace
from mmbot.venues.ports import CallError, StreamChange, VenuePort

__all__ = ["WatchdogOptions", "run_watchdog"]

_KEY: Final = "WATCHDOG"
_BEAT_NS: Final = NS_PER_SEC
_HELP: Final = {
    "watchdog_triggers_total": "sessions whose heartbeat stopped",
    "watchdog_cancelled_total": "orders cancelled in place of a session",
    "watchdog_errors_total": "calls to the venue that failed",
    "watchdog_sessions": "sessions that are watched",
    "watchdog_stopped_sessions": "sessions without a heartbeat",
    "watchdog_own_orders_left": "open orders of stopped sessions in the newest list",
    "watchdog_foreign_orders": "open orders of others in the newest list",
}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class WatchdogOptions:
    """The command line."""

    is_once: bool = False
    once_timeout_sec: float = 30.0


@dataclass(frozen=True, slots=True)
class _Place:
    """The venue with what else depends on it."""

    port: VenuePort
    codes: VenueCodes
    endpoint: str


def run_watchdog(config: AppConfig, options: WatchdogOptions, say: Say) -> int:
    """Watch until Ctrl-C; return the exit code.

    Raises:
        ConfigError: ``E_CFG_SECRET`` without a key of its own, or with the session's.
        VenueError: the venue refuses the key.
    """
    check_own_key(config.trading.venue, os.environ)
    return asyncio.run(_watch(config, options, say))


def check_own_key(venue: str, env: Mapping[str, str]) -> None:
    """Refuse the session's key: what takes it out of service must not take the watchdog along.

    Raises:
        ConfigError: ``E_CFG_SECRET``.
    """
    own = require_secret(f"{_KEY}_API_KEY", env)
    if own == load_secret(key_name(venue), env):
        raise ConfigError(
            "E_CFG_SECRET", f"{_KEY}_API_KEY", "is the session's key: make one for the watchdog"
        )


async def _watch(config: AppConfig, options: WatchdogOptions, say: Say) -> int:
    env = os.environ.get("MM_ENV") or "dev"
    bot = bot_prefix(env=env, lock_key=config.ha_failover.lock_key)
    async with _place(config, bot) as place:
        guard = _guard(config, place, bot, say)
        await _check_key(place)
        told = {"venue": place.port.name, "bot": bot, "timeout_s": config.watchdog.timeout_s}
        say(marker("watchdog", "READY", **told))
        if options.is_once:
            is_proved = await guard.once(options.once_timeout_sec)
            _leave(guard.counters)
            say(marker("watchdog", "OK" if is_proved else "FAIL", **asdict(guard.counters)))
            return 0 if is_proved else 2
        beat = _Beat(guard.counters)
        async with _venue_protection(config, place.port, say):
            with StopRequest() as stop:
                await guard.run(lambda: stop.requested, on_look=beat.look)
        _leave(guard.counters)
        say(marker("watchdog", "STOPPED", **asdict(guard.counters)))
    return 0


def _guard(config: AppConfig, place: _Place, bot: str, say: Say) -> Guard:
    said: set[str] = set()

    def trouble(line: str, found: ErrorClass | None) -> None:
        guard.counters.watchdog_errors_total += 1
        label = found.value if found else "unknown"
        # Each kind of failure is said when it comes first; the counter tells how often.
        if label not in said:
            said.add(label)
            told = {"class": label, "error": line}
            say(marker("watchdog", "ERROR", **told))
            _alert("watchdog_error", told)

    sweep = Sweep(
        place.port,
        place.codes,
        batch_max=place.port.capabilities.cancel_batch_max,
        draws=random.Random(sub_seed(wall_ns(), "watchdog")),
        on_trouble=trouble,
    )
    guard = Guard(
        Scope(bot, place.port.name, place.endpoint),
        sweep,
        read=found_states,
        is_running=is_running,
        timeout_ns=int(config.watchdog.timeout_s * NS_PER_SEC),
        say=say,
        alert=_alert,
    )
    return guard


@asynccontextmanager
async def _place(config: AppConfig, bot: str) -> AsyncIterator[_Place]:
    place = _bybit(config, bot) if config.trading.venue == "bybit" else _ccxt(config)
    try:
        yield place
    finally:
        await place.port.aclose()


def _bybit(config: AppConfig, bot: str) -> _Place:
    try:
        from mmbot.venues.bybit.adapter import BybitSettings, BybitVenue  # noqa: PLC0415
        from mmbot.venues.bybit.build import bybit_endpoints  # noqa: PLC0415
        from mmbot.venues.bybit.protection import protection_topic  # noqa: PLC0415
        from mmbot.venues.stream.picows_link import PicowsDialer  # noqa: PLC0415
    except ImportError as exc:
        raise _needs("live", exc) from exc
    from mmbot.venues.budget.build import build_budget  # noqa: PLC0415
    from mmbot.venues.bybit.codes import BYBIT_CODES  # noqa: PLC0415
    from mmbot.venues.bybit.limits import BYBIT_BUDGET  # noqa: PLC0415
    from mmbot.venues.bybit.rest import RestPolicy  # noqa: PLC0415
    from mmbot.venues.bybit.signing import ApiCredentials  # noqa: PLC0415

    endpoints = bybit_endpoints(config)
    settings = BybitSettings(
        endpoints=endpoints,
        category=config.trading.category,
        namespace=CidNamespace(bot),
        policy=RestPolicy(
            timeout_ms=config.bybit.call_timeout_ms,
            patience_ms=config.bybit.budget_wait_ms,
            recv_window_ms=config.trading.recv_window_ms,
        ),
        # Calls over REST are independent of each other; a socket that hangs takes all with it.
        has_trade_socket=False,
        private_topics=(protection_topic(config.trading.category),),
    )
    key = ApiCredentials(require_secret(f"{_KEY}_API_KEY"), require_secret(f"{_KEY}_API_SECRET"))
    budget = build_budget(config, BYBIT_BUDGET, venue="bybit")
    port = BybitVenue(settings, key, budget=budget, dialer=PicowsDialer())
    return _Place(port, BYBIT_CODES, endpoints.rest)


def _ccxt(config: AppConfig) -> _Place:
    try:
        from mmbot.venues.ccxt.build import build_ccxt, ccxt_options  # noqa: PLC0415
        from mmbot.venues.ccxt.codes import CCXT_CODES  # noqa: PLC0415
    except ImportError as exc:
        raise _needs("ccxt", exc) from exc
    if config.trading.venue == "simulated":
        raise ConfigError("E_CFG_RANGE", "trading.venue", "simulated has no orders to watch")
    port = build_ccxt(config, ccxt_options(config, key_prefix=_KEY))
    return _Place(port, CCXT_CODES, "")


def _needs(extra: str, exc: ImportError) -> ConfigError:
    missing = exc.name or "a package"
    return ConfigError("E_CFG_MISSING", missing, f"is not installed: pip install 'mmbot[{extra}]'")


@asynccontextmanager
async def _venue_protection(config: AppConfig, port: VenuePort, say: Say) -> AsyncIterator[None]:
    """Hold a connection at whose loss the venue itself cancels; where it is asked for and there."""
    window_sec = config.watchdog.venue_protection_s
    if window_sec is None:
        yield
        return
    try:
        from mmbot.venues.bybit import protection  # noqa: PLC0415
        from mmbot.venues.bybit.adapter import BybitVenue  # noqa: PLC0415
    except ImportError as exc:
        raise _needs("live", exc) from exc
    if not isinstance(port, BybitVenue):
        raise ConfigError("E_CFG_CONFLICT", "watchdog.venue_protection_s", "is for bybit only")
    category = config.trading.category
    if not await protection.has_protection(port.rest, category):
        say(marker("watchdog", "WARN", venue_protection="off", reason="not_enabled_by_the_venue"))
        yield
        return
    await protection.set_protection(port.rest, category, window_sec=window_sec)
    task = asyncio.create_task(_hold(port, say, window_sec))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _hold(port: VenuePort, say: Say, window_sec: int) -> None:
    async for event in port.private_events():
        if isinstance(event, StreamChange):
            status = "PROTECTED" if event.is_connected else "UNPROTECTED"
            say(marker("watchdog", status, venue_window_s=window_sec))


async def _check_key(place: _Place) -> None:
    """Ask once, so that a key that cannot work is found now and not when it is needed."""
    try:
        await place.port.open_orders()
    except CallError as exc:
        if classify(exc.failure, place.codes).error_class is ErrorClass.FATAL_SESSION:
            raise


class _Beat:
    """The watchdog's own sign of life: its counters, about once a second."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._next_ns = 0

    def look(self) -> None:
        now_ns = wall_ns()
        if now_ns >= self._next_ns:
            self._next_ns = now_ns + _BEAT_NS
            _leave(self._counters)


def _leave(counters: Counters) -> None:
    rows = asdict(counters)
    beat = {"beat_utc": artifact_utc(), "pid": os.getpid(), "counters": rows}
    write_json(artifact_path("WATCHDOG.json"), {**beat, "runtime": runtime_block()})
    lines = []
    for name, value in rows.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        lines += [f"# HELP {name} {_HELP[name]}", f"# TYPE {name} {kind}", f"{name} {value}"]
    write_text(artifact_path("watchdog.prom"), "\n".join(lines))


def _alert(kind: str, payload: Mapping[str, object]) -> None:
    line = {"kind": kind, "payload": dict(payload), "ts": artifact_utc()}
    append_jsonl(artifact_path("alerts.log"), line)
