"""Sections of ``artifacts/metrics.json`` that the state of a session holds (08 section 1.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["intraday_caps_section", "position_skew_section"]


def position_skew_section(state: Mapping[str, Any]) -> dict[str, Any]:
    """``positions`` in signed USD, symbols over their limit, whether a colour is over its own."""
    positions = {
        symbol: part["orders"]["position_usd"] for symbol, part in state["by_symbol"].items()
    }
    skew = state["pos_skew"]
    return {
        "color_breach": skew["color_breach"],
        "positions": positions,
        "symbol_breach": sorted(skew["frozen"]),
    }


def intraday_caps_section(state: Mapping[str, Any], *, fx_usd_to_base: float) -> dict[str, Any]:
    """Figures of the UTC day; ``pnl`` is in the base currency, ``vol`` in percent."""
    caps = state["intraday_caps"]
    return {
        "breached": caps["breached"],
        "drawdown_proxy_pct": 100 * state["risk"]["drawdown_day_largest"],
        "pnl": caps["pnl_usd"] * fx_usd_to_base,
        "turnover": caps["turnover_usd"],
        "vol": caps["vol_pct"],
    }
