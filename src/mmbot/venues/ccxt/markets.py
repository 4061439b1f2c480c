"""Which of ccxt's markets a symbol is, its grid, and quantities in units of the base asset.

A symbol is the venue's own (``BTCUSDT``) or ccxt's (``BTC/USDT:USDT``). Venues that count contracts
instead of the base asset (OKX) are counted in the base asset here: a contract is `contract_size` of
it. Inverse contracts are refused, their quantities are money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import ccxt

from mmbot.errors import VenueError
from mmbot.venues.ccxt.numbers import decimal_of, text_of
from mmbot.venues.records import InstrumentRules

__all__ = ["CcxtMarket", "find_market"]

_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class CcxtMarket:
    """One market; `unified` is ccxt's symbol."""

    symbol: str
    unified: str
    rules: InstrumentRules
    contract_size: Decimal
    is_contract: bool

    def qty(self, amount: object) -> str:
        """A quantity of the base asset from an amount of ccxt; "0" where there is none."""
        number = decimal_of(amount)
        return "0" if number is None else text_of(number * self.contract_size)

    def amount(self, qty: str) -> float:
        """An amount of ccxt from a quantity of the base asset.

        Raises:
            VenueError: ``E_VENUE_GRID`` when it is off the grid.
        """
        self.rules.lots(qty)
        return float(Decimal(qty) / self.contract_size)


def find_market(
    markets: Mapping[str, Any],
    by_id: Mapping[str, Sequence[Any]],
    symbol: str,
    *,
    market_type: str,
    precision_mode: int,
) -> CcxtMarket | None:
    """The market of a symbol; None if the venue does not trade it.

    Args:
        markets: ccxt's, by its own symbols.
        by_id: ccxt's, by the venue's symbols.
        symbol: either.
        market_type: ``spot``, ``swap`` or ``future``, which the venue's symbol alone may not tell.
        precision_mode: how the exchange states its grid.

    Raises:
        VenueError: ``E_VENUE_GRID`` for a market without a grid that can be traded on.
    """
    found = markets.get(symbol)
    if found is None:
        alike = by_id.get(symbol) or ()
        found = next((market for market in alike if market.get("type") == market_type), None)
    if found is None or found.get("active") is False:
        return None
    return _market(symbol, found, precision_mode)


def _market(symbol: str, market: Mapping[str, Any], precision_mode: int) -> CcxtMarket:
    is_contract = bool(market.get("contract"))
    if is_contract and not market.get("linear"):
        raise VenueError("E_VENUE_GRID", f"symbol={symbol}", "is an inverse contract")
    size = (decimal_of(market.get("contractSize")) or _ONE) if is_contract else _ONE
    precision = market.get("precision") or {}
    tick = _step(precision.get("price"), precision_mode)
    lot = _step(precision.get("amount"), precision_mode)
    if tick is None or lot is None:
        raise VenueError("E_VENUE_GRID", f"symbol={symbol}", "has no grid that ccxt can tell")
    limits = market.get("limits") or {}
    least = decimal_of((limits.get("amount") or {}).get("min")) or lot
    cost = decimal_of((limits.get("cost") or {}).get("min")) or Decimal(0)
    rules = InstrumentRules(
        symbol=symbol,
        tick_size=text_of(tick),
        lot_size=text_of(lot * size),
        min_qty=text_of(least * size),
        min_notional=text_of(cost),
        batch_max=1,
    )
    return CcxtMarket(symbol, str(market["symbol"]), rules, size, is_contract)


def _step(value: object, precision_mode: int) -> Decimal | None:
    number = decimal_of(value)
    if number is None:
        return None
    if precision_mode == ccxt.DECIMAL_PLACES:
        return _ONE.scaleb(-int(number))
    # Significant digits are no grid: the step changes with the price.
    return number if precision_mode == ccxt.TICK_SIZE and number > 0 else None
