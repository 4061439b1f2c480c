"""What the trading core takes of the configuration: flat mappings of dotted keys."""

from __future__ import annotations

from typing import Final

from mmbot.config.app import AppConfig
from mmbot.config.tree import dotted, leaves, to_tree

__all__ = ["lane_params", "sim_params"]

_SECTIONS: Final = ("strategy", "latency_boost", "edge", "market")
# Grades are judged for the session, not for a lane.
_SESSION_PREFIX: Final = "risk.grades."
_KEYS: Final = (
    "trading.base_spread_bps",
    "trading.maker_fee_bps",
    "trading.taker_fee_bps",
    "trading.post_only",
    "trading.quote_refresh_ms",
    "risk.max_position_usd",
    "limits.max_active_per_side",
    "limits.max_order_notional_usd",
    "limits.max_gross_exposure_usd",
    "portfolio.budget_usd",
    "signals.vola_half_life_sec",
    "signals.vola_baseline_half_life_sec",
    "signals.vola_min_samples",
    "signals.adverse_window_fills",
)


def lane_params(config: AppConfig, symbol: str) -> dict[str, object]:
    """The parameters of one lane for one symbol, as `mmbot.core.Backtest` takes them.

    Keys are dotted configuration keys; ``portfolio.target_usd`` is the symbol's part of the budget
    per side in USD.
    """
    values = {dotted(path): value for path, value in leaves(to_tree(config))}
    lane = {
        key: value
        for key, value in values.items()
        if key in _KEYS
        or (key.split(".", 1)[0] in _SECTIONS and not key.startswith(_SESSION_PREFIX))
    }
    lane["portfolio.target_usd"] = config.portfolio.budget_usd * _weight(config, symbol)
    return lane


def sim_params(config: AppConfig) -> dict[str, object]:
    """What the configuration says about the simulated exchange."""
    return {"queue_power_n": config.sim.queue_power_n}


def _weight(config: AppConfig, symbol: str) -> float:
    """The symbol's share of the budget: its manual weight, else equal shares."""
    portfolio = config.portfolio
    if portfolio.mode == "manual" and portfolio.manual_weights:
        total = sum(portfolio.manual_weights.values())
        return portfolio.manual_weights.get(symbol, 0.0) / total if total > 0 else 0.0
    return 1.0 / max(1, len(config.trading.symbols))
