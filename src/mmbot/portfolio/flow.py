"""Fill rates and turnover by symbol (03 sections 5.4, 5.6): the core's states as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mmbot.core import CostParams, FillRate, Turnover, fill_sample

__all__ = ["FillRate", "FlowBook", "Turnover", "fill_sample"]


@dataclass(frozen=True, slots=True)
class FlowBook:
    """Fill rates and turnover by symbol; `rejected` counts samples that were not usable."""

    fill_rates: Mapping[str, FillRate] = field(default_factory=dict)
    turnovers: Mapping[str, Turnover] = field(default_factory=dict)
    rejected: int = 0

    def record_order_end(
        self, symbol: str, sample: int | None, *, now_sec: float, params: CostParams
    ) -> FlowBook:
        """With the `fill_sample` of an order that ended; `None` changes nothing."""
        if sample is None:
            return self
        new = self.fill_rates.get(symbol, FillRate()).after(sample, now_sec, params)
        return replace(self, fill_rates={**self.fill_rates, symbol: new})

    def record_trade_notional(
        self, symbol: str, usd: float, *, now_sec: float, params: CostParams
    ) -> FlowBook:
        """With a fill of `usd`; a negative or non-finite notional is counted and ignored."""
        new = self.turnovers.get(symbol, Turnover()).after(usd, now_sec, params)
        if new is None:
            return replace(self, rejected=self.rejected + 1)
        return replace(self, turnovers={**self.turnovers, symbol: new})
