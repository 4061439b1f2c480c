"""`portfolio.cost` per symbol (03 section 5): an override of one symbol never affects another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmbot.config.allocator_params import allocator_params
from mmbot.config.portfolio import CostConfig, PortfolioConfig, SmoothingConfig
from mmbot.config.signals import SignalsConfig
from mmbot.core import CostParams, PortfolioParams

__all__ = ["params_for"]


def params_for(config: CostConfig, symbols: Sequence[str]) -> Mapping[str, CostParams]:
    """Cost parameters of each symbol.

    Raises:
        CoreError: ``E_CFG_RANGE`` for a value that the core refuses.
    """
    portfolio = PortfolioConfig(cost=config)
    flat = allocator_params(portfolio, SmoothingConfig(), SignalsConfig())
    params = PortfolioParams(flat, symbols)
    return {symbol: params.cost_of(symbol) for symbol in symbols}
