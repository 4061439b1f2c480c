"""The face that a strategy written in Python has: a frozen view in, quotes out.

Subclass `Strategy`, give it ``on_tick``, and start it with ``mmbot run --strategy FILE.py:Class``.
It is called on decision ticks (book updates at most every ``trading.quote_refresh_ms``, own fills,
and once a second), never per event. The order manager, its throttles and the risk limits stay
between the quotes and the exchange, exactly as for the built-in quoter.

A strategy must decide from the view and from its own memory alone: no clock, no randomness without
a fixed seed, no IO. Then the same data give the same fills, in a backtest and live.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Level", "Quotes", "Strategy", "StrategyView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyView:
    """What a strategy sees at a decision. Prices in quote currency, quantities in base currency.

    Attributes:
        symbol: the instrument; with several, a strategy is asked about each in turn.
        ts_ns: local time of the decision, nanoseconds since 1970 UTC.
        synced: whether the book is usable; without it prices and sizes mean nothing.
        tick_size: price step.
        lot_size: quantity step.
        min_qty: smallest order quantity.
        best_bid: best bid price.
        best_ask: best ask price.
        bid_qty: displayed quantity at the best bid.
        ask_qty: displayed quantity at the best ask.
        mid: (best_bid + best_ask) / 2.
        vola_1m_bps: volatility of the mid over one minute, bps; None until it is ready.
        sigma: fast over slow volatility; 1.0 until it is ready.
        imbalance: (bid - ask) / (bid + ask) of displayed quantity over
            ``strategy.imbalance_levels`` levels, -1..1.
        micro_tilt: microprice minus mid in half spreads, -1..1.
        trade_flow: signed traded quantity over all traded quantity of the last seconds, -1..1.
        position: signed position.
        position_usd: position marked at the mid, USD, signed.
        equity_usd: initial budget plus PnL so far, marked at the mid, after fees, USD.
        target_usd: notional to quote on the larger side after smoothing, USD.
        bid_target_usd: notional to quote on bids, USD.
        ask_target_usd: notional to quote on asks, USD.
        spread_mult: factor of the spread that the session asks for: the regime's, and that of a
            lowered risk grade.
        levels_max: levels per side that the target and a calming autopolicy allow.
        slippage_bps: expected slippage; 0 where nothing is known.
    """

    symbol: str
    ts_ns: int
    synced: bool
    tick_size: float
    lot_size: float
    min_qty: float
    best_bid: float
    best_ask: float
    bid_qty: float
    ask_qty: float
    mid: float
    vola_1m_bps: float | None
    sigma: float
    imbalance: float
    micro_tilt: float
    trade_flow: float
    position: float
    position_usd: float
    equity_usd: float
    target_usd: float
    bid_target_usd: float
    ask_target_usd: float
    spread_mult: float
    levels_max: int
    slippage_bps: float


@dataclass(frozen=True, slots=True)
class Level:
    """One wanted order.

    `px` is rounded to the tick away from the market, `qty` down to the lot. The exchange simulator
    refuses a post-only order that would cross.
    """

    px: float
    qty: float


@dataclass(frozen=True, slots=True)
class Quotes:
    """The orders that should rest now, from the touch outward; a side without levels is empty.

    The order manager compares them with the live orders and places, amends, cancels or keeps.
    """

    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()


class Strategy(ABC):
    """Base of strategies in Python.

    Args:
        params: the configuration of the run as flat dotted keys, such as
            ``params["trading.base_spread_bps"]``; it does not change while the strategy lives.
    """

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.params = params

    @abstractmethod
    def on_tick(self, view: StrategyView) -> Quotes:
        """Return the orders that should rest after this decision."""


def as_callable(
    strategy: Strategy,
) -> Callable[[dict[str, Any]], list[tuple[str, float, float]]]:
    """Adapt a strategy to what `mmbot.core.Backtest` calls: a mapping in, (side, px, qty) out."""

    def decide(state: dict[str, Any]) -> list[tuple[str, float, float]]:
        state.pop("lane", None)
        quotes = strategy.on_tick(StrategyView(**state))
        bids = [("buy", level.px, level.qty) for level in quotes.bids]
        return bids + [("sell", level.px, level.qty) for level in quotes.asks]

    return decide
