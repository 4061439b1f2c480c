"""Quoting: spread, skew, levels and the guards of a quote (semantics: quoting strategy)."""

from __future__ import annotations

from typing import ClassVar

from mmbot.config.base import Section, key

__all__ = ["StrategyConfig"]


class StrategyConfig(Section):
    """Section `strategy`."""

    HOT: ClassVar[bool] = True

    k_vola_spread: float = key(
        1.0, "spread added per bps of 1-minute volatility, coefficient", ge=0, le=5
    )
    skew_coeff: float = key(0.3, "skew per full inventory, share of the spread", ge=0, le=1)
    inventory_tilt_cap_ratio: float = key(
        0.30, "largest skew of the centre, share of the spread", ge=0, le=1
    )
    slippage_penalty_coef: float = key(
        0.0, "spread added per bps of measured slippage, coefficient", ge=0, le=1
    )
    levels_per_side: int = key(3, "quote levels on each side", ge=1, le=10)
    level_spacing_coeff: float = key(
        0.4, "distance between levels, share of the spread", ge=0, le=5
    )
    min_time_in_book_ms: int = key(500, "an order rests at least this long", ge=0, le=60_000)
    replace_threshold_bps: float = key(
        3.0, "a price change below this keeps the order", ge=0, le=1000
    )
    amend_size_threshold_ratio: float = key(
        0.2, "a quantity change up to this share keeps the order", ge=0, le=1
    )
    imbalance_cutoff: float = key(
        0.65, "bid share of depth from which the endangered side stops quoting", ge=0.5, le=1
    )
    imbalance_levels: int = key(5, "levels a side that the imbalance looks at", ge=1, le=50)
    guard_pause_ms: int = key(
        300, "the adverse guard holds this long after its cause", ge=0, le=60_000
    )
    order_ttl_ms: int = key(800, "an older order is cancelled as stale", ge=50, le=3_600_000)
    price_drift_bps: float = key(
        2.0, "mid drift since placing from which an order is refreshed", ge=0, le=1000
    )
    enable_anti_stale_guard: bool = key(default=True, doc="cancel and refresh stale orders")
    enable_dynamic_spread: bool = key(default=True, doc="widen the spread with volatility")
    enable_inventory_skew: bool = key(default=True, doc="move the centre against the position")
    enable_adverse_guard: bool = key(
        default=True, doc="stop quoting the side the book leans against"
    )
