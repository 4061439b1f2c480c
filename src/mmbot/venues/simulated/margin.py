"""What an account's positions and orders tie up, and what its wallet shows."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from mmbot.venues.simulated.accounts import MAINTENANCE_RATE, Account

if TYPE_CHECKING:
    from mmbot.venues.simulated.engine import LocalExchange

__all__ = ["initial_margin", "unrealised", "wallet_record"]


def wallet_record(exchange: LocalExchange, account: Account) -> dict[str, object]:
    """The account's balances now."""
    maintenance = Decimal(0)
    for symbol, position in account.positions.items():
        market = exchange.markets[symbol]
        value = abs(market.listing.value(market.mark_ticks, position.lots))
        maintenance += value * MAINTENANCE_RATE
    return account.wallet_record(
        unrealised=unrealised(exchange, account),
        initial=initial_margin(exchange, account),
        maintenance=maintenance,
    )


def unrealised(exchange: LocalExchange, account: Account) -> Decimal:
    """What all positions would gain at their mark prices."""
    total = Decimal(0)
    for symbol, position in account.positions.items():
        market = exchange.markets[symbol]
        total += position.unrealised(market.listing, market.mark_ticks)
    return total


def initial_margin(
    exchange: LocalExchange,
    account: Account,
    *,
    extra: Mapping[str, tuple[int, int]] | None = None,
) -> Decimal:
    """Margin of positions and open orders.

    Per symbol, that of the largest position which the orders of one side can lead to. `extra` adds
    lots to buy and to sell by symbol.
    """
    buys: dict[str, int] = {}
    sells: dict[str, int] = {}
    for order in exchange.desks[account.uid].open.values():
        if not order.terms.reduce_only:
            side = buys if order.terms.is_buy else sells
            side[order.terms.symbol] = side.get(order.terms.symbol, 0) + order.open_lots
    for symbol, (buy, sell) in (extra or {}).items():
        buys[symbol] = buys.get(symbol, 0) + buy
        sells[symbol] = sells.get(symbol, 0) + sell
    total = Decimal(0)
    for symbol in {*account.positions, *buys, *sells}:
        market, position = exchange.markets[symbol], account.position(symbol)
        up = position.lots + buys.get(symbol, 0)
        down = position.lots - sells.get(symbol, 0)
        lots = max(abs(position.lots), abs(up), abs(down))
        total += market.listing.value(market.mark_ticks, lots) / position.leverage
    return total
