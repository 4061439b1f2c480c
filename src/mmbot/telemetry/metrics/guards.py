"""Metrics of mux, trading windows, breaker, autopolicy and risk (02 sections 3, 4, 10, 11)."""

from __future__ import annotations

from typing import Final

from mmbot.telemetry.metrics.models import Kind, Metric

__all__ = ["GUARDS"]

_NS: Final = 1e-9


def _session(name: str, kind: Kind, meaning: str, path: str, scale: float = 1.0) -> Metric:
    return Metric(name, kind, (), meaning, f"state:{path}", scale)


GUARDS: Final = (
    Metric("strategy_weight", "gauge", (), "mux weight of a profile", "derived"),
    _session("strategy_switch_total", "counter", "regime switches", "mux.switches_total"),
    _session("scheduler_open", "gauge", "inside a trading window", "scheduler_open"),
    Metric("scheduler_reload_total", "counter", (), "windows replaced", "given"),
    Metric("circuit_state", "gauge", ("state",), "1 for the current state", "derived"),
    _session("circuit_breaker_state", "gauge", "0 closed, 1 open, 2 half-open", "circuit.numeric"),
    Metric(
        "circuit_transitions_total",
        "counter",
        ("state",),
        "states entered",
        "state:circuit.transitions_total",
    ),
    _session("autopolicy_level", "gauge", "current level", "autopolicy.level"),
    _session("autopolicy_active", "gauge", "level above 0", "autopolicy.active"),
    _session("autopolicy_last_change_ts", "gauge", "unix time", "autopolicy.last_change_ns", _NS),
    *(
        _session(f"autopolicy_{what}", "gauge", "effective parameter", f"autopolicy.{what}")
        for what in (
            "min_time_in_book_ms_eff",
            "replace_threshold_bps_eff",
            "levels_per_side_max_eff",
        )
    ),
    _session(
        "levels_per_side_max_eff",
        "gauge",
        "alias of autopolicy_levels_per_side_max_eff",
        "autopolicy.levels_per_side_max_eff",
    ),
    _session("autopolicy_steps_total", "counter", "level changes", "autopolicy.steps_total"),
    _session("risk_paused", "gauge", "paused by drawdown", "risk.risk_paused"),
    _session("drawdown_day", "gauge", "day drawdown, fraction <= 0", "risk.drawdown_day"),
    _session("risk_kills_total", "counter", "times it halted", "risk.kills_total"),
    _session("guard_paused", "gauge", "paused, dry run or not", "guard.paused"),
    _session("guard_paused_effective", "gauge", "may not quote", "guard.paused_effective"),
    _session("guard_dry_run", "gauge", "a pause only counts", "guard.dry_run"),
    _session("guard_manual_override", "gauge", "paused by hand", "guard.manual_override"),
    _session("guard_breach_streak", "gauge", "bad seconds in a row", "guard.breach_streak"),
    _session("guard_last_reason", "gauge", "bitmask", "guard.last_reason_bits"),
    _session("guard_last_change_ts", "gauge", "unix time", "guard.last_change_ns", _NS),
    _session("guard_pauses_total", "counter", "pauses", "guard.pauses_total"),
    _session("guard_cancels_total", "counter", "cancels of pauses", "guard.cancels_total"),
    _session("pos_skew_breach_total", "counter", "breaches begun", "pos_skew.breach_total"),
    _session(
        "pos_skew_symbol_breach_count",
        "gauge",
        "symbols over their limit",
        "pos_skew.symbol_breach_count",
    ),
    _session("pos_skew_color_breach", "gauge", "a colour over its limit", "pos_skew.color_breach"),
    _session("pos_skew_last_ts", "gauge", "unix time", "pos_skew.last_change_ns", _NS),
    _session("pos_skew_abs_p95", "gauge", "abs(position) / limit", "pos_skew.abs_p95"),
    Metric("intraday_caps_pnl", "gauge", (), "net PnL of the day, base currency", "derived"),
    _session("intraday_caps_turnover", "gauge", "day's turnover", "intraday_caps.turnover_usd"),
    _session("intraday_caps_vol", "gauge", "day's volatility, percent", "intraday_caps.vol_pct"),
    _session("intraday_caps_breached", "gauge", "blocked", "intraday_caps.breached"),
    _session("intraday_caps_breach_total", "counter", "breaches", "intraday_caps.breach_total"),
)
