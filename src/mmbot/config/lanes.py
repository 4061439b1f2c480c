"""What the trading core takes of the configuration: flat mappings of dotted keys."""

from __future__ import annotations

from typing import Final

from mmbot.config.app import AppConfig
from mmbot.config.tree import dotted, leaves, to_tree
from mmbot.errors import ConfigError

__all__ = ["lane_params", "sim_params"]

_REGIMES: Final = ("low", "mid", "high")
_SECTIONS: Final = ("strategy", "risk", "latency_boost", "edge", "market")
# Grades are judged for the session, not for a lane.
_SESSION_PREFIX: Final = "risk.grades."
_KEYS: Final = (
    "trading.base_spread_bps",
    "trading.maker_fee_bps",
    "trading.taker_fee_bps",
    "trading.post_only",
    "trading.quote_refresh_ms",
    "limits.max_active_per_side",
    "limits.max_order_notional_usd",
    "limits.max_gross_exposure_usd",
    "portfolio.budget_usd",
    "allocator.smoothing.max_delta_ratio",
    "allocator.smoothing.max_delta_abs_base_units",
    "signals.impact_cap_ratio",
    "signals.weights.imbalance",
    "signals.weights.micro_tilt",
    "signals.weights.sigma_regime",
    "signals.vola_half_life_sec",
    "signals.vola_baseline_half_life_sec",
    "signals.vola_min_samples",
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
    lane.update(_regimes(config))
    lane["portfolio.target_usd"] = config.portfolio.budget_usd * _weight(config, symbol)
    return lane


def sim_params(config: AppConfig) -> dict[str, object]:
    """What the configuration says about the simulated exchange."""
    return {"queue_power_n": config.sim.queue_power_n}


def _regimes(config: AppConfig) -> dict[str, object]:
    """Edges and biases of the regimes; the core knows three, in ascending order."""
    bands = list(config.signals.sigma_bands)
    if len(bands) > len(_REGIMES):
        raise ConfigError("E_CFG_RANGE", "signals.sigma_bands", "must have at most 3 bands")
    bands += [bands[-1]] * (len(_REGIMES) - len(bands))
    bias = config.signals.regime_bias_map
    flat: dict[str, object] = {
        "signals.sigma_bands.low_end": bands[0][1],
        "signals.sigma_bands.mid_end": bands[1][1],
    }
    for regime, (_, _, name) in zip(_REGIMES, bands, strict=True):
        flat[f"signals.regime_bias_map.{regime}"] = float(bias[name])
    return flat


def _weight(config: AppConfig, symbol: str) -> float:
    """The symbol's share of the budget: its manual weight, else equal shares."""
    portfolio = config.portfolio
    if portfolio.mode == "manual" and portfolio.manual_weights:
        total = sum(portfolio.manual_weights.values())
        return portfolio.manual_weights.get(symbol, 0.0) / total if total > 0 else 0.0
    return 1.0 / max(1, len(config.trading.symbols))
