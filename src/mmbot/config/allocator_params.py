"""What the core's allocator takes of the configuration: a flat mapping of dotted keys."""

from __future__ import annotations

from mmbot.config.portfolio import PortfolioConfig, SmoothingConfig
from mmbot.config.signals import SignalsConfig
from mmbot.config.tree import dotted, leaves, to_tree

__all__ = ["allocator_params"]

_PORTFOLIO = (
    "budget_usd",
    "rebalance_minutes",
    "max_weight",
    "levels_per_side_min",
    "levels_per_side_max",
)
_SMOOTHING = (
    "max_delta_ratio",
    "max_delta_abs_base_units",
    "fee_bias_cap_ratio",
    "backoff_steps",
)


def allocator_params(
    portfolio: PortfolioConfig, smoothing: SmoothingConfig, signals: SignalsConfig
) -> dict[str, object]:
    """Values of `mmbot.core.PortfolioParams`; a cost override that is not set is not listed.

    ``signals.sigma_bands`` is reduced to (upper edge, bias) by ``signals.regime_bias_map``.
    """
    common = {name: getattr(portfolio.cost, name) for name in type(portfolio.cost).model_fields}
    del common["per_symbol"]
    flat: dict[str, object] = {f"portfolio.cost.{name}": value for name, value in common.items()}
    for symbol, override in portfolio.cost.per_symbol.items():
        said = {name: getattr(override, name) for name in type(override).model_fields}
        flat |= {
            f"portfolio.cost.per_symbol.{symbol}.{name}": value
            for name, value in said.items()
            if value is not None
        }
    flat |= {f"portfolio.{name}": getattr(portfolio, name) for name in _PORTFOLIO}
    flat |= {
        f"portfolio.budget.{dotted(path)}": value
        for path, value in leaves(to_tree(portfolio.budget))
    }
    flat |= {f"allocator.smoothing.{name}": getattr(smoothing, name) for name in _SMOOTHING}
    flat |= {
        f"signals.weights.{dotted(path)}": value for path, value in leaves(to_tree(signals.weights))
    }
    flat["signals.impact_cap_ratio"] = signals.impact_cap_ratio
    flat["signals.sigma_bands"] = [
        (upper, float(signals.regime_bias_map.get(name, 0)))
        for _, upper, name in signals.sigma_bands
    ]
    return flat
