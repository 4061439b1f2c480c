"""Limits of position, orders and losses."""

from __future__ import annotations

from typing import ClassVar

from mmbot.config.base import Section, SymbolMap, key

__all__ = ["GuardsConfig", "LimitsConfig", "RiskConfig", "RuntimeGuardConfig"]


class RiskGradesConfig(Section):
    """Section `risk.grades`: the grades of caution between normal quoting and a pause."""

    HOT: ClassVar[bool] = True

    wide_at_ratio: float = key(
        0.5, "drawdown from which spreads widen, share of risk_pause_threshold", ge=0, le=1
    )
    reduce_only_at_ratio: float = key(
        0.75, "drawdown from which orders only reduce, share of risk_pause_threshold", ge=0, le=1
    )
    wide_spread_mult: float = key(2.0, "factor on the spread while wide", ge=1, le=100)
    min_stay_sec: float = key(60.0, "least time in a grade before it may be left", ge=0)


class RiskConfig(Section):
    """Section `risk`."""

    HOT: ClassVar[bool] = True

    max_position_usd: float = key(10_000.0, "largest position per symbol", ge=0)
    max_drawdown_pct: float = key(
        0.05, "drawdown of the day that kills trading, fraction", ge=0, le=1
    )
    risk_pause_threshold: float = key(
        0.03, "drawdown of the day that pauses quoting, fraction", ge=0, le=1
    )
    recovery_minutes: float = key(5.0, "a pause lasts at least this long", ge=0)
    grades: RiskGradesConfig = key(RiskGradesConfig(), "graded risk states")


class LimitsConfig(Section):
    """Section `limits`."""

    HOT: ClassVar[bool] = True

    max_active_per_side: int = key(10, "live orders per symbol and side", ge=1, le=100)
    max_create_per_sec: float = key(10.0, "new orders of the session", gt=0)
    max_cancel_per_sec: float = key(25.0, "cancels of the session", gt=0)
    max_order_notional_usd: float = key(0.0, "largest order, 0 is off", ge=0)
    max_gross_exposure_usd: float = key(0.0, "positions plus open orders, 0 is off", ge=0)


class PosSkewConfig(Section):
    """Section `guards.pos_skew`."""

    HOT: ClassVar[bool] = True

    per_symbol_abs_limit: float = key(0.0, "position that freezes a symbol, USD, 0 is off", ge=0)
    per_color_abs_limit: float = key(0.0, "position that biases a colour, USD, 0 is off", ge=0)


class IntradayCapsConfig(Section):
    """Section `guards.intraday_caps`."""

    HOT: ClassVar[bool] = True

    daily_pnl_stop: float = key(0.0, "loss of the day in trading.base_ccy, 0 is off", ge=0)
    daily_turnover_cap: float = key(0.0, "turnover of the day in USD, 0 is off", ge=0)
    daily_vol_cap: float = key(0.0, "realised volatility of the day in percent, 0 is off", ge=0)


class GuardsConfig(Section):
    """Section `guards`."""

    pos_skew: PosSkewConfig = key(PosSkewConfig(), "position skew guard")
    intraday_caps: IntradayCapsConfig = key(IntradayCapsConfig(), "caps of the UTC day")


class GuardThresholds(Section):
    """Thresholds of `runtime_guard.per_symbol`: a missing one is not judged by symbol."""

    HOT: ClassVar[bool] = True

    cancel_rate_pct_of_limit_max: float | None = key(None, "percent", ge=0, le=100)
    rest_error_rate_max: float | None = key(None, "share of calls", ge=0, le=1)
    pnl_slope_min_usd_per_min: float | None = key(None, "USD a minute")
    max_position_notional_usd: float | None = key(None, "USD, 0 is off", ge=0)
    max_gross_exposure_usd: float | None = key(None, "USD, 0 is off", ge=0)
    max_position_pct_budget: float | None = key(None, "percent of budget", ge=0, le=100)
    cancel_latency_p95_ms_max: float | None = key(None, "ms", ge=0)
    ws_lag_ms_max: float | None = key(None, "ms", ge=0)
    order_reject_rate_max: float | None = key(None, "share of sends", ge=0, le=1)


class RuntimeGuardConfig(Section):
    """Section `runtime_guard`: pauses quoting when the machinery degrades."""

    HOT: ClassVar[bool] = True

    enabled: bool = key(default=True, doc="evaluate the guard every second")
    window_sec: int = key(300, "window of rates and of the PnL slope", ge=1, le=86_400)
    cancel_rate_pct_of_limit_max: float = key(
        90.0, "cancel rate, percent of limits.max_cancel_per_sec", ge=0, le=100
    )
    rest_error_rate_max: float = key(0.01, "share of failed calls", ge=0, le=1)
    pnl_slope_min_usd_per_min: float = key(-5.0, "least slope of PnL, USD a minute")
    max_position_notional_usd: float = key(0.0, "position, 0 is off", ge=0)
    max_gross_exposure_usd: float = key(0.0, "exposure, 0 is off", ge=0)
    max_position_pct_budget: float = key(
        100.0, "position, percent of the budget, 100 is off", ge=0, le=100
    )
    cancel_latency_p95_ms_max: float = key(1000.0, "95th percentile of cancel latency", ge=0)
    ws_lag_ms_max: float = key(3000.0, "lag of the feed", ge=0)
    order_reject_rate_max: float = key(0.10, "share of rejected sends", ge=0, le=1)
    hysteresis_bad_required: int = key(2, "bad seconds in a row that pause", ge=1)
    hysteresis_good_required: int = key(2, "good seconds in a row that resume", ge=1)
    recovery_minutes: float = key(5.0, "a pause lasts at least this long", ge=0)
    dry_run: bool = key(default=False, doc="evaluate and report, never pause")
    manual_override_pause: bool = key(default=False, doc="pause by hand")
    per_symbol: SymbolMap[GuardThresholds] = key({}, "thresholds of single symbols")
