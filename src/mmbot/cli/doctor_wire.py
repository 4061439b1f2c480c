"""Runs the checks of `mmbot doctor`: probes of the machine, questions to the venue."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from mmbot.clock import monotonic_ns, wall_ns
from mmbot.config import AppConfig
from mmbot.config.secrets import key_name, load_secret
from mmbot.errors import ConfigError, MmbotError
from mmbot.ops.doctor import account, installed, places, sessions
from mmbot.ops.doctor.account import KeyFacts
from mmbot.ops.doctor.finding import Finding, bad, good, warning
from mmbot.ops.doctor.stored import look_at_catalog
from mmbot.soak.lock import held_by_other
from mmbot.store import probes
from mmbot.store.runtime import artifact_path, artifacts_dir
from mmbot.trading.live.state_file import Liveness, found_states, is_running, liveness
from mmbot.units import NS_PER_MS
from mmbot.venues.budget.build import build_budget
from mmbot.venues.budget.stores import RateBudget
from mmbot.venues.ports import CallError, VenuePort

__all__ = ["DoctorOptions", "examine"]

_CLOCK_SAMPLES: Final = 3
_REDIS_TIMEOUT_MS: Final = 1_000
_PACKAGE: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """The command line.

    Attributes:
        is_live: judge as before a live start: a missing key is a failure.
        is_offline: ask no venue and no Redis.
        is_thorough: read the catalog through.
    """

    is_live: bool = False
    is_offline: bool = False
    is_thorough: bool = False


def examine(config: AppConfig, options: DoctorOptions) -> list[Finding]:
    """All findings, in the order of their names' kinds: program, machine, sessions, data, venue."""
    findings = [*_program(config), *_machine(config), *_sessions(config)]
    findings.append(
        look_at_catalog(
            Path(config.recorder.data_dir),
            symbols=config.trading.symbols,
            now_ns=wall_ns(),
            is_thorough=options.is_thorough,
        )
    )
    findings.append(_watchdog_key(config, options))
    if not options.is_offline:
        findings += asyncio.run(_outside(config, options))
    return findings


def _program(config: AppConfig) -> list[Finding]:
    python = (sys.version_info.major, sys.version_info.minor)
    extras = {"live"} if config.trading.venue == "bybit" else {"exchange"}
    if config.trading.venue not in ("bybit", "simulated"):
        extras = {"ccxt"}
    if config.ha_failover.enabled or config.rate_budget.shared:
        extras.add("redis")
    packages = installed.dependencies(
        installed.required_packages(python), extras, _installed_version
    )
    return [packages, installed.extension(_extension_file(), _PACKAGE.parents[1] / "crates")]


def _machine(config: AppConfig) -> list[Finding]:
    artifacts, journal = artifacts_dir(), Path(config.storage.journal_dir)
    alerts, snapshots = artifact_path("alerts.log"), artifact_path("snapshots")
    needed = config.storage.min_free_mb
    return [
        places.writable("artifacts_dir_write", artifacts, probes.write_probe(artifacts)),
        places.writable("alerts_log_writable", alerts, probes.append_probe(alerts)),
        places.writable("snapshots_dirs_access", snapshots, probes.write_probe(snapshots)),
        places.writable("journal_dir_write", journal, probes.write_probe(journal)),
        places.disk_space(journal, probes.free_mb(journal.absolute()), needed),
        places.fsync_latency(journal, probes.sync_samples(journal)),
    ]


def _sessions(config: AppConfig) -> list[Finding]:
    states, problems = found_states()
    now_ns = wall_ns()
    verdicts = [
        (state, liveness(state, now_ns=now_ns, running=is_running(state))) for state in states
    ]
    has_live = any(found is Liveness.LIVE for _, found in verdicts)
    host = os.environ.get("MM_BIND_HOST") or "127.0.0.1"
    numbers = {config.monitoring.metrics_port, config.monitoring.health_port}
    troubles = {port: sessions.port_trouble(host, port) for port in numbers}
    locks = {
        str(path): held_by_other(path)
        for path in sorted(artifacts_dir().rglob("*.lock"))
        if path.is_file()
    }
    return [
        sessions.ports(troubles, has_live_session=has_live),
        sessions.state_files(verdicts, problems),
        sessions.heartbeats(verdicts, now_ns=now_ns),
        sessions.lock_files(locks),
    ]


def _watchdog_key(config: AppConfig, options: DoctorOptions) -> Finding:
    name = "watchdog_credentials"
    remedy = "make a second key for WATCHDOG_API_KEY and WATCHDOG_API_SECRET"
    try:
        own = load_secret("WATCHDOG_API_KEY")
        other = load_secret(key_name(config.trading.venue))
        has_secret = load_secret("WATCHDOG_API_SECRET") is not None
    except ConfigError as exc:
        return bad(name, str(exc), "chmod 600, and let this user own the file")
    if own is None or not has_secret:
        text = "no key: orders of a session that dies stay at the venue"
        return warning(name, text, remedy) if options.is_live else good(name, "not set")
    if own == other:
        return bad(name, "is the session's key", remedy)
    return good(name, "a key of its own")


async def _outside(config: AppConfig, options: DoctorOptions) -> list[Finding]:
    uses_redis = config.ha_failover.enabled or config.rate_budget.shared
    findings = [await _redis(config)] if uses_redis else []
    if config.trading.venue == "simulated":
        return findings
    try:
        has_key = load_secret(key_name(config.trading.venue)) is not None
        async with _opened(config, has_key=has_key) as (port, budget):
            findings += await _venue(config, port, has_key=has_key, options=options)
            if any(finding.name == "clock_offset" for finding in findings):
                status = await budget.status(now_ns=monotonic_ns())
                findings.append(account.rate_budget(status, budget.rules))
    except ConfigError as exc:
        findings.append(bad("credentials", str(exc), "see docs/configuration.md, secrets"))
    return findings


async def _venue(
    config: AppConfig,
    port: VenuePort,
    *,
    has_key: bool,
    options: DoctorOptions,
) -> list[Finding]:
    try:
        offset_ns = await _offset_ns(port)
    except CallError as exc:
        text = f"{port.name} does not answer: {exc}"
        return [bad("venue", text, "check network, proxy and the venue's status page")]
    findings = [account.clock_offset(offset_ns)]
    try:
        traded = await port.instruments(config.trading.symbols)
        findings.append(account.instruments(config.trading.symbols, tuple(traded)))
    except MmbotError as exc:
        findings.append(bad("instruments", str(exc), "check trading.symbols and trading.category"))
    if has_key:
        findings += await _account(config, port)
    else:
        name = key_name(config.trading.venue)
        text, remedy = f"{name} is not set: live trading is not possible", f"set {name}_FILE"
        judge: Callable[[str, str, str], Finding] = bad if options.is_live else warning
        findings.append(judge("credentials", text, remedy))
    return findings


async def _account(config: AppConfig, port: VenuePort) -> list[Finding]:
    try:
        equity = await port.equity()
    except CallError as exc:
        return [account.credentials(str(exc))]
    findings = [account.credentials(None, equity=equity.equity_usd)]
    try:
        facts = await _key_facts(config, port)
    except CallError as exc:
        remedy = "see the venue's web page for the key's rights"
        return [*findings, warning("permissions", str(exc), remedy)]
    return [*findings, account.permissions(facts, now_ns=wall_ns())]


async def _offset_ns(port: VenuePort) -> int:
    """The venue's clock less ours, by the quickest of some answers."""
    best: tuple[int, int] | None = None
    for _ in range(_CLOCK_SAMPLES):
        start_ns, before_ns = monotonic_ns(), wall_ns()
        venue_ns = await port.server_time_ns()
        took_ns = monotonic_ns() - start_ns
        offset_ns = venue_ns - (before_ns + took_ns // 2)
        best = min(best or (took_ns, offset_ns), (took_ns, offset_ns))
    assert best is not None
    # Venues tell whole milliseconds.
    return best[1] + NS_PER_MS // 2


async def _key_facts(config: AppConfig, port: VenuePort) -> KeyFacts:
    if config.trading.venue == "bybit":
        from mmbot.venues.bybit.adapter import BybitVenue  # noqa: PLC0415
        from mmbot.venues.bybit.key_info import fetch_key_info  # noqa: PLC0415

        assert isinstance(port, BybitVenue)
        info = await fetch_key_info(port.rest, config.trading.category)
        return KeyFacts(
            can_trade=info.can_trade,
            can_withdraw=info.can_withdraw,
            is_read_only=info.is_read_only,
            has_address_list=info.has_address_list,
            expires_ns=info.expires_ns,
        )
    return KeyFacts(
        can_trade=None,
        can_withdraw=None,
        is_read_only=None,
        has_address_list=None,
        expires_ns=None,
    )


@contextlib.asynccontextmanager
async def _opened(
    config: AppConfig, *, has_key: bool
) -> AsyncIterator[tuple[VenuePort, RateBudget]]:
    """The configured venue and the budget that its answers feed."""
    port, budget = (
        _bybit(config, has_key=has_key)
        if config.trading.venue == "bybit"
        else _ccxt(config, has_key=has_key)
    )
    try:
        yield port, budget
    finally:
        await port.aclose()


def _bybit(config: AppConfig, *, has_key: bool) -> tuple[VenuePort, RateBudget]:
    try:
        from mmbot.venues.bybit.build import build_bybit  # noqa: PLC0415
        from mmbot.venues.bybit.limits import BYBIT_BUDGET  # noqa: PLC0415
    except ImportError as exc:
        raise _needs("live", exc) from exc
    budget = build_budget(config, BYBIT_BUDGET, venue="bybit")
    return build_bybit(config, is_private=has_key, budget=budget), budget


def _ccxt(config: AppConfig, *, has_key: bool) -> tuple[VenuePort, RateBudget]:
    try:
        from mmbot.venues.ccxt.build import (  # noqa: PLC0415
            build_ccxt,
            ccxt_budget,
            ccxt_options,
        )
    except ImportError as exc:
        raise _needs("ccxt", exc) from exc
    options = ccxt_options(config, is_private=has_key)
    budget = ccxt_budget(config, options)
    return build_ccxt(config, options, budget=budget), budget


def _needs(extra: str, exc: ImportError) -> ConfigError:
    missing = exc.name or "a package"
    return ConfigError("E_CFG_MISSING", missing, f"is not installed: pip install 'mmbot[{extra}]'")


async def _redis(config: AppConfig) -> Finding:
    name, url = "redis", config.ha_failover.redis_url
    try:
        shared = importlib.import_module("mmbot.venues.budget.shared")
    except ImportError as exc:
        return bad(name, f"{exc.name} is not installed", "pip install 'mmbot[redis]'")
    client = shared.connect(
        url, password=load_secret("REDIS_PASSWORD"), timeout_ms=_REDIS_TIMEOUT_MS
    )
    try:
        await client.ping()
    except (shared.RedisError, OSError) as exc:
        text = f"{url} does not answer: {type(exc).__name__}"
        return bad(name, text, "start Redis, or set what needs it to false")
    finally:
        await client.aclose()
    return good(name, f"{url} answers")


def _installed_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _extension_file() -> Path | None:
    try:
        found = importlib.import_module("mmbot._core").__file__
    except ImportError:
        return None
    return Path(found) if found else None
