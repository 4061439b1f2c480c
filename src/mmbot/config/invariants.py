"""Rules between keys: each is one pure check over the whole configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final
from urllib.parse import urlsplit

from mmbot.config.app import AppConfig
from mmbot.config.signals import Band
from mmbot.errors import ConfigError

__all__ = ["violations"]

_USD_QUOTES: Final = ("USDT", "USDC", "USD")
_SEPARATORS: Final = re.compile(r"[/_:-]")
_WEIGHT_TOLERANCE: Final = 1e-9
# Bybit v5 takes at most 20 orders in one batch request of linear contracts, 10 on spot.
_BATCH_LIMIT: Final[Mapping[str, int]] = {"linear": 20, "spot": 10}


def violations(config: AppConfig, *, env: str = "dev") -> list[ConfigError]:
    """All broken rules; `env` is `MM_ENV`."""
    checks = (_ordered, _symbols, _trading, _bands, _mux, _operations, _rollout, _fees)
    found = [error for check in checks for error in check(config)]
    if config.chaos.enabled and env == "prod":
        found.append(
            ConfigError("E_CFG_CONFLICT", "chaos.enabled", "must be false with MM_ENV=prod")
        )
    return found


def _ordered(config: AppConfig) -> Iterator[ConfigError]:
    """A lower bound is not above its upper bound."""
    risk, portfolio, throttle = config.risk, config.portfolio, config.throttle
    pairs = (
        (
            ("risk.risk_pause_threshold", risk.risk_pause_threshold),
            ("risk.max_drawdown_pct", risk.max_drawdown_pct),
        ),
        (
            ("risk.grades.wide_at_ratio", risk.grades.wide_at_ratio),
            ("risk.grades.reduce_only_at_ratio", risk.grades.reduce_only_at_ratio),
        ),
        (
            ("portfolio.min_weight", portfolio.min_weight),
            ("portfolio.max_weight", portfolio.max_weight),
        ),
        (
            ("portfolio.levels_per_side_min", portfolio.levels_per_side_min),
            ("portfolio.levels_per_side_max", portfolio.levels_per_side_max),
        ),
    )
    for (low_key, low), (high_key, high) in pairs:
        if low > high:
            yield ConfigError("E_CFG_INVARIANT", low_key, f"must be <= {high_key} ({high:g})")
    if throttle.backoff_base_ms > throttle.backoff_cap_ms:
        yield ConfigError(
            "E_CFG_THROTTLE", "throttle.backoff_base_ms", "must be <= throttle.backoff_cap_ms"
        )


def _symbols(config: AppConfig) -> Iterator[ConfigError]:
    for symbol in config.trading.symbols:
        if not _is_quoted_in_usd(symbol):
            yield ConfigError(
                "E_CFG_RANGE",
                "trading.symbols",
                f"must have quote currency USD, USDT or USDC: {symbol}",
            )


def _is_quoted_in_usd(symbol: str) -> bool:
    """``BTCUSDT``, ``BTC-USDT``, ``BTC/USDT:USDT`` are; ``ETHBTC`` is not."""
    parts = _SEPARATORS.split(symbol)
    if len(parts) > 1:
        return parts[1] in _USD_QUOTES
    return symbol.endswith(_USD_QUOTES) and symbol not in _USD_QUOTES


def _trading(config: AppConfig) -> Iterator[ConfigError]:
    trading = config.trading
    if trading.base_ccy != "USD" and trading.fx_usd_to_base == 1.0:
        yield ConfigError(
            "E_CFG_INVARIANT", "trading.fx_usd_to_base", f"must be set for {trading.base_ccy}"
        )
    limit = _BATCH_LIMIT[trading.category]
    if trading.venue == "bybit" and config.latency_boost.tail_batch.max_batch > limit:
        yield ConfigError(
            "E_CFG_INVARIANT",
            "latency_boost.tail_batch.max_batch",
            f"must be <= {limit}, the batch limit of bybit {trading.category}",
        )


def _bands(config: AppConfig) -> Iterator[ConfigError]:
    yield from _contiguous("signals.sigma_bands", config.signals.sigma_bands)
    yield from _contiguous("mux.bands", config.mux.bands)
    names = [name for _, _, name in config.signals.sigma_bands]
    for name in names:
        if name not in config.signals.regime_bias_map:
            yield ConfigError("E_CFG_INVARIANT", "signals.regime_bias_map", f"lacks band {name}")


def _contiguous(key: str, bands: tuple[Band, ...]) -> Iterator[ConfigError]:
    for low, high, name in bands:
        if low >= high:
            yield ConfigError("E_CFG_INVARIANT", key, f"band {name} must have lower < upper")
    for (_, high, name), (low, _, following) in pairwise(bands):
        if high != low:
            yield ConfigError(
                "E_CFG_INVARIANT", key, f"band {following} must begin where {name} ends"
            )
    if len({name for _, _, name in bands}) != len(bands):
        yield ConfigError("E_CFG_INVARIANT", key, "names a band twice")


def _mux(config: AppConfig) -> Iterator[ConfigError]:
    mux = config.mux
    for _, _, band in mux.bands:
        if band not in mux.profiles:
            yield ConfigError("E_CFG_INVARIANT", "mux.profiles", f"lacks band {band}")
    for regime, weights in mux.profiles.items():
        if abs(sum(weights.values()) - 1.0) > _WEIGHT_TOLERANCE:
            yield ConfigError("E_CFG_INVARIANT", f"mux.profiles.{regime}", "must sum to 1")
        for name in weights:
            if name not in mux.strategies:
                yield ConfigError(
                    "E_CFG_INVARIANT", f"mux.profiles.{regime}.{name}", "is not in mux.strategies"
                )


def _operations(config: AppConfig) -> Iterator[ConfigError]:
    ha, recorder = config.ha_failover, config.recorder
    for key, url in (("storage.url", config.storage.url), ("ha_failover.redis_url", ha.redis_url)):
        if "@" in url and urlsplit(url).password:
            yield ConfigError("E_CFG_SECRET", key, "must not hold a password")
    if ha.enabled and config.trading.recv_window_ms > ha.safety_margin_ms:
        yield ConfigError(
            "E_CFG_INVARIANT",
            "trading.recv_window_ms",
            "must be <= ha_failover.safety_margin_ms when HA is on",
        )
    if ha.enabled and config.storage.url.startswith("sqlite"):
        yield ConfigError("E_CFG_CONFLICT", "storage.url", "HA needs a shared store, not SQLite")
    if 2 * ha.renew_ms > ha.ttl_ms:
        yield ConfigError("E_CFG_INVARIANT", "ha_failover.renew_ms", "must be <= ttl_ms / 2")
    if ha.safety_margin_ms >= ha.ttl_ms - ha.renew_ms:
        yield ConfigError(
            "E_CFG_INVARIANT", "ha_failover.safety_margin_ms", "must be < ttl_ms - renew_ms"
        )
    if recorder.merge_strategy is not None and recorder.lock_mode != "lockfile":
        yield ConfigError(
            "E_CFG_CONFLICT", "recorder.merge_strategy", "needs recorder.lock_mode lockfile"
        )
    if not _strictly_increasing(recorder.percentiles):
        yield ConfigError("E_CFG_INVARIANT", "recorder.percentiles", "must be strictly increasing")


def _rollout(config: AppConfig) -> Iterator[ConfigError]:
    if not _strictly_increasing(config.rollout_ramp.steps_pct):
        yield ConfigError(
            "E_CFG_INVARIANT", "rollout_ramp.steps_pct", "must be strictly increasing"
        )


def _fees(config: AppConfig) -> Iterator[ConfigError]:
    turnover = tuple(tier.req_30d_usd for tier in config.fees.bybit.tiers)
    if turnover[0] != 0.0 or not _strictly_increasing(turnover):
        yield ConfigError(
            "E_CFG_INVARIANT", "fees.bybit.tiers", "must have ascending req_30d_usd from 0"
        )


def _strictly_increasing(values: tuple[float, ...]) -> bool:
    return all(low < high for low, high in pairwise(values))
