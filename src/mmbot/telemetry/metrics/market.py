"""Metrics of market data and of the configuration in force (01 section 8.5)."""

from __future__ import annotations

from typing import Final

from mmbot.telemetry.metrics.models import Metric

__all__ = ["MARKET"]

_SYMBOL: Final = ("symbol",)
_NONE: Final[tuple[str, ...]] = ()

MARKET: Final = (
    Metric("vola_ewma", "gauge", _SYMBOL, "EWMA volatility of 1 minute, last valid", "derived"),
    Metric("vola_1m", "gauge", _SYMBOL, "the same in bps", "derived"),
    Metric("spread_bps", "gauge", _SYMBOL, "spread, bps", "symbol:market.spread_bps"),
    Metric("ob_imbalance", "gauge", _SYMBOL, "book imbalance, -1..1", "symbol:market.imbalance"),
    Metric(
        "liquidity_depth_usd",
        "gauge",
        _SYMBOL,
        "observed depth, USD",
        "symbol:market.liquidity_depth_usd",
    ),
    Metric("sigma", "gauge", _SYMBOL, "fast over slow volatility", "symbol:market.sigma"),
    Metric(
        "micro_bias_strength",
        "gauge",
        _SYMBOL,
        "abs(bias_adjust) / max(abs(delta_raw), 1e-9)",
        "derived",
    ),
    Metric(
        "adverse_fill_rate",
        "gauge",
        _SYMBOL,
        "share of fills with a negative 5-tick markout",
        "symbol:orders.adverse_fill_rate",
    ),
    Metric(
        "ws_lag_ms",
        "gauge",
        _SYMBOL,
        "market data lag, maximum of the last second",
        "symbol:market.ws_lag_ms",
    ),
    Metric("md_gaps_total", "counter", _SYMBOL, "gaps of market data", "given"),
    Metric("md_resyncs_total", "counter", _SYMBOL, "books rebuilt", "given"),
    Metric("md_frames_rejected_total", "counter", _SYMBOL, "malformed frames", "given"),
    Metric("ws_reconnects_total", "counter", _NONE, "reconnects", "given"),
    Metric("faults_total", "counter", ("name", "detail"), "faults of a live session", "given"),
    Metric(
        "cfg_levels_per_side",
        "gauge",
        _NONE,
        "levels per side, configured",
        "config:strategy.levels_per_side",
    ),
    Metric(
        "cfg_min_time_in_book_ms",
        "gauge",
        _NONE,
        "least time in book, configured",
        "config:strategy.min_time_in_book_ms",
    ),
    Metric(
        "cfg_k_vola_spread",
        "gauge",
        _NONE,
        "volatility coefficient of the spread, configured",
        "config:strategy.k_vola_spread",
    ),
    Metric(
        "cfg_skew_coeff",
        "gauge",
        _NONE,
        "inventory skew, configured",
        "config:strategy.skew_coeff",
    ),
    Metric(
        "cfg_imbalance_cutoff",
        "gauge",
        _NONE,
        "cutoff of the adverse guard, configured",
        "config:strategy.imbalance_cutoff",
    ),
    Metric("http_requests_total", "counter", ("endpoint",), "health and metrics", "given"),
    Metric("config_reload_total", "counter", ("result",), "reloads", "given"),
    Metric("invariant_violations_total", "counter", ("code",), "broken invariants", "given"),
)
