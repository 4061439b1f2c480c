"""The built-in quoter once more, as a strategy in Python: on equal data it gives equal fills.

The spread widens with volatility, the centre moves against the inventory, levels go outward from
the touch. Post-only bounds, the adverse guard, throttles and limits are the order manager's.

    mmbot run --strategy examples/spread_quoter.py:SpreadQuoter
"""

import math
from collections.abc import Mapping
from typing import Any

import mmbot

# A price so near to a tick, in ticks, is that tick: it missed it by rounding errors.
TICK_NOISE = 1e-6


class SpreadQuoter(mmbot.Strategy):
    """Quotes `strategy.levels_per_side` levels on each side around a centre."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        super().__init__(params)
        self.base_spread_bps = float(params["trading.base_spread_bps"])
        self.k_vola_spread = float(params["strategy.k_vola_spread"])
        self.dynamic_spread = bool(params["strategy.enable_dynamic_spread"])
        self.slippage_coef = float(params["strategy.slippage_penalty_coef"])
        self.skew_coeff = float(params["strategy.skew_coeff"])
        self.tilt_cap_ratio = float(params["strategy.inventory_tilt_cap_ratio"])
        self.inventory_skew = bool(params["strategy.enable_inventory_skew"])
        self.max_position_usd = float(params["risk.max_position_usd"])
        self.spacing = float(params["strategy.level_spacing_coeff"])
        self.levels = min(
            int(params["strategy.levels_per_side"]), int(params["limits.max_active_per_side"])
        )

    def on_tick(self, view: mmbot.StrategyView) -> mmbot.Quotes:
        """Quote both sides around the skewed centre."""
        if not view.synced:
            return mmbot.Quotes()
        spread_bps = self.spread_bps(view)
        # The mid lies on half ticks; in ticks it is exact.
        mid_ticks = round(2.0 * view.mid / view.tick_size) / 2.0
        center = mid_ticks * (1.0 - self.skew_bps(view, spread_bps) / 1e4)
        return mmbot.Quotes(
            bids=self.side(view, center, spread_bps, sign=1),
            asks=self.side(view, center, spread_bps, sign=-1),
        )

    def spread_bps(self, view: mmbot.StrategyView) -> float:
        """Base spread, a share of volatility once that is known, and expected slippage."""
        vola_bps = 0.0
        if view.vola_1m_bps is not None and self.dynamic_spread:
            vola_bps = self.k_vola_spread * view.vola_1m_bps
        slippage_bps = self.slippage_coef * view.slippage_bps
        return (self.base_spread_bps + vola_bps + slippage_bps) * view.spread_mult

    def skew_bps(self, view: mmbot.StrategyView, spread_bps: float) -> float:
        """How far the centre moves down when we are long, up when short."""
        if not self.inventory_skew or self.max_position_usd == 0.0:
            return 0.0
        inventory = max(-1.0, min(1.0, view.position_usd / self.max_position_usd))
        cap_bps = self.tilt_cap_ratio * spread_bps
        return max(-cap_bps, min(cap_bps, self.skew_coeff * inventory * spread_bps))

    def side(
        self, view: mmbot.StrategyView, center: float, spread_bps: float, *, sign: int
    ) -> tuple[mmbot.Level, ...]:
        """Levels of one side; fewer when the size of each would be below the venue's minimum."""
        for count in range(min(self.levels, view.levels_max), 0, -1):
            levels = [
                self.level(view, center, spread_bps, sign=sign, index=index, count=count)
                for index in range(count)
            ]
            if all(level.qty >= max(view.min_qty, view.lot_size) for level in levels):
                return tuple(levels)
        return ()

    def level(
        self,
        view: mmbot.StrategyView,
        center: float,
        spread_bps: float,
        *,
        sign: int,
        index: int,
        count: int,
    ) -> mmbot.Level:
        """The level `index` of `count`, on the tick away from the market; sign +1 is a bid."""
        offset_bps = spread_bps * (0.5 + self.spacing * index)
        px = center * (1.0 - sign * offset_bps / 1e4)
        px_ticks = sign * math.floor(sign * px + TICK_NOISE)
        lot_usd = px_ticks * view.tick_size * view.lot_size
        side_usd = view.bid_target_usd if sign > 0 else view.ask_target_usd
        lots = math.floor(side_usd / (count * lot_usd))
        return mmbot.Level(px_ticks * view.tick_size, lots * view.lot_size)
