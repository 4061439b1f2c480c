"""Metrics of allocation, cost calibration and fee tiers (03 sections 7, 9)."""

from __future__ import annotations

from typing import Final

from mmbot.telemetry.metrics.models import Kind, Metric

__all__ = ["ALLOCATION"]

_NONE: Final[tuple[str, ...]] = ()


def _symbol(name: str, path: str, meaning: str = "", kind: Kind = "gauge") -> Metric:
    return Metric(name, kind, ("symbol",), meaning or path.replace("_", " "), f"symbol:{path}")


def _given(name: str, kind: Kind, meaning: str, labels: tuple[str, ...] = _NONE) -> Metric:
    return Metric(name, kind, labels, meaning, "given")


TARGETS: Final = (
    _symbol("portfolio_weight", "allocation.weight", "weight"),
    _symbol("portfolio_target_usd", "allocation.target_usd", "target per side"),
    Metric("portfolio_active_usd", "gauge", ("symbol",), "in open orders", "derived"),
    Metric(
        "portfolio_active_levels",
        "gauge",
        ("symbol", "side"),
        "open orders",
        "symbol:orders.active",
    ),
    Metric("allocator_last_update_ts", "gauge", _NONE, "last allocation, unix time", "derived"),
    Metric(
        "portfolio_budget_available_usd",
        "gauge",
        _NONE,
        "budget that equity can pay for",
        "state:allocation.budget_available_usd",
    ),
    Metric("portfolio_drawdown_pct", "gauge", _NONE, "drawdown, 0..1", "state:allocation.drawdown"),
    Metric(
        "allocator_soft_factor", "gauge", _NONE, "softening, 0..1", "state:allocation.soft_factor"
    ),
    Metric(
        "allocator_hwm_equity_usd",
        "gauge",
        _NONE,
        "high-water mark",
        "state:allocation.hwm_equity_usd",
    ),
    _symbol("allocator_estimated_cost_bps", "allocation.cost_bps", "fee plus slippage"),
    _symbol("allocator_cost_attenuation", "allocation.cost_attenuation", "factor, 0..1"),
    _symbol("allocator_cost_inputs_spread_bps", "market.spread_bps", "spread as the cost sees it"),
    _symbol("allocator_cost_inputs_volume_usd", "market.volume_usd", "volume as the cost sees it"),
    _symbol("allocator_cost_slippage_bps", "allocation.slippage_bps", "slippage"),
    _symbol("allocator_backoff_level", "allocation.backoff_level", "smoothing level"),
    Metric("allocator_sizing_delta_ratio", "gauge", ("symbol",), "relative move", "derived"),
    _symbol(
        "allocator_delta_capped_total",
        "allocation.delta_capped_total_usd",
        "sum of absolute capped moves",
        "counter",
    ),
    _given("allocator_bounds_relaxed_total", "counter", "bounds that 1/n widened"),
)

COSTS: Final = (
    _symbol("cost_calib_samples_total", "calibration.samples_total", "samples", "counter"),
    _symbol("cost_calib_spread_ewma_bps", "calibration.spread_ewma_bps"),
    _symbol("cost_calib_volume_ewma_usd", "calibration.volume_ewma_usd"),
    _symbol("cost_calib_slippage_ewma_bps", "calibration.slippage_ewma_bps"),
    _symbol("cost_calib_k_eff", "calibration.k_eff"),
    _symbol("cost_calib_cap_eff_bps", "calibration.cap_eff_bps"),
    _symbol("cost_fillrate_ewma", "allocation.fill_rate_ewma"),
    _symbol("allocator_fillrate_attenuation", "allocation.fill_rate_attenuation"),
    _symbol(
        "cost_fillrate_samples_total", "allocation.fill_rate_samples_total", "samples", "counter"
    ),
    _symbol("allocator_liquidity_factor", "allocation.liquidity_factor", "floor..1"),
    _symbol("turnover_usd", "allocation.turnover_usd", "decayed turnover"),
    _symbol("allocator_turnover_factor", "allocation.turnover_factor", "floor..1"),
)

FILES: Final = (
    *(
        _given(f"allocator_snapshot_{what}_total", "counter", "snapshots")
        for what in ("writes", "writes_failed", "loads", "loads_failed")
    ),
    _given("cost_calib_snapshot_loads_total", "counter", "snapshots"),
    _given("cost_calib_snapshot_loads_failed_total", "counter", "snapshots"),
    _given("allocator_snapshot_mtime_seconds", "gauge", "unix time", ("op",)),
    _given("snapshot_integrity_fail_total", "counter", "refused files", ("kind",)),
)

FEES: Final = (
    _given("fee_tier_level", "gauge", "tier in force"),
    _given("fee_tier_expected_bps", "gauge", "maker fee of the tier"),
    _given("fee_tier_distance_usd", "gauge", "turnover to the next tier"),
    _given("effective_fee_bps_now", "gauge", "fee by the shares of maker and taker"),
    _given("effective_fee_jump_alerts_total", "counter", "condition became true"),
)

ALLOCATION: Final = (*TARGETS, *COSTS, *FILES, *FEES)
