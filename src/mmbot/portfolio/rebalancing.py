"""Weights at a rebalance: what the core asks for every ``portfolio.rebalance_minutes``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mmbot.portfolio.fees import fee_status
from mmbot.portfolio.models import AllocatorSettings
from mmbot.portfolio.weights import next_weights

__all__ = ["Rebalancer"]

_DEFAULT_VOLA = 1.0


class Rebalancer:
    """Answers ``allocate`` calls of `mmbot.core.Backtest`; lanes are kept apart.

    A symbol without a usable volatility keeps its last one, 1.0 at first. `settings` may be
    replaced between two calls.
    """

    def __init__(self, settings: AllocatorSettings, symbols: Sequence[str]) -> None:
        self.settings = settings
        self._symbols = tuple(symbols)
        self._weights: dict[int, Mapping[str, float]] = {}
        self._volas: dict[int, dict[str, float]] = {}

    def __call__(self, asked: Mapping[str, Any]) -> tuple[list[float], float | None]:
        """Answer one request.

        Returns:
            Weights in the order of the symbols, and the improvement in bps of a fee tier that is
            near enough to be worth a tilt.
        """
        lane = int(asked["lane"])
        volas = self._volas.setdefault(lane, dict.fromkeys(self._symbols, _DEFAULT_VOLA))
        for symbol, vola in zip(self._symbols, asked["volas"], strict=True):
            if vola is not None and math.isfinite(vola) and vola >= 0:
                volas[symbol] = vola
        chosen = next_weights(self.settings.portfolio, volas, self._weights.get(lane, {}))
        self._weights[lane] = chosen.weights
        status = fee_status(self.settings.fees.bybit, turnover_30d_usd=float(asked["turnover_usd"]))
        improvement = status.improvement_bps if status.worth_a_tilt else None
        return [chosen.weights[symbol] for symbol in self._symbols], improvement
