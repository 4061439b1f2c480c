"""What a running core tells the state file: figures by symbol and the states of the guards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbot.trading.live.state_file import SymbolState

__all__ = ["guard_states", "symbol_state"]


def symbol_state(
    symbol: str, snapshot: Mapping[str, Any], *, at_ns: int, market_ns: int | None
) -> SymbolState:
    """Figures of a symbol from the core's snapshot of it, taken at `at_ns`."""
    orders = snapshot["orders"]
    return SymbolState(
        symbol=symbol,
        at_ns=at_ns,
        mid=snapshot["mid"],
        position=float(snapshot["position"]),
        position_usd=snapshot["position_usd"],
        net_pnl_usd=float(snapshot["net_pnl_usd"]),
        open_orders=len(orders),
        unknown_orders=sum(1 for order in orders if order["state"] == "Unknown"),
        market_ns=market_ns,
    )


def guard_states(session: Mapping[str, Any]) -> dict[str, str]:
    """The guards of `SessionControl.state`, each in a word."""
    caps = session["intraday_caps"]
    skew = session["pos_skew"]
    is_skewed = skew["symbol_breach_count"] or skew["color_breach"]
    return {
        "circuit": str(session["circuit"]["state"]),
        "intraday_caps": "breached" if caps["breached"] else "ok",
        "pos_skew": "breached" if is_skewed else "ok",
        "risk": str(session["risk"]["grade"]),
        "runtime_guard": "paused" if session["guard"]["paused_effective"] else "ok",
        "scheduler": "open" if session["scheduler_open"] else "closed",
    }
