"""What fills do to an account: cash, position at weighted average cost, realised result.

The one book of fills: the SQL store is fed by it, and every check of the store books again with it.
All amounts are in the quote asset of their symbol; marks are in USD.

    opening or adding:  avg = (|pos|*avg + qty*price) / (|pos| + qty)
    reducing:           realised += closed * (price - avg) * sign(pos)
    equity            = realised + unrealised - fees = cash + sum(pos * mark)

Averages and results are rounded to 18 decimals, so that an account that was stored goes on as if it
had not been.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

__all__ = ["Account", "Holding", "Mark"]

_ZERO: Final = Decimal(0)
_STEP: Final = Decimal("1e-18")
_EXACT: Final = Context(prec=76, rounding=ROUND_HALF_EVEN)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_STEP, context=_EXACT)


@dataclass(slots=True, kw_only=True)
class Holding:
    """One symbol of an account; `fees` are paid minus rebates.

    `last_price` is None before the first fill.
    """

    usd_per_asset: Decimal = Decimal(1)
    qty: Decimal = _ZERO
    avg_price: Decimal = _ZERO
    realized: Decimal = _ZERO
    cash: Decimal = _ZERO
    fees: Decimal = _ZERO
    turnover: Decimal = _ZERO
    last_price: Decimal | None = None

    def book(self, *, buys: bool, price: Decimal, qty: Decimal, fee: Decimal) -> None:
        """Book a fill of `qty` above 0 at `price`; a negative `fee` is a rebate."""
        signed = qty if buys else -qty
        notional = _EXACT.multiply(price, qty)
        self.cash = _EXACT.subtract(self.cash, _EXACT.multiply(price, signed) + fee)
        self.fees += fee
        self.turnover += notional
        self.last_price = price
        if self.qty == 0 or (self.qty > 0) == buys:
            self._add(price, qty, notional)
            self.qty += signed
            return
        closed = min(abs(self.qty), qty)
        gain = _EXACT.multiply(closed, price - self.avg_price)
        self.realized = _rounded(self.realized + (gain if self.qty > 0 else -gain))
        before = self.qty
        self.qty += signed
        if self.qty == 0:
            self.avg_price = _ZERO
        elif (self.qty > 0) != (before > 0):
            self.avg_price = _rounded(price)

    def _add(self, price: Decimal, qty: Decimal, notional: Decimal) -> None:
        held = abs(self.qty)
        if held == 0:
            self.avg_price = _rounded(price)
            return
        cost = _EXACT.add(_EXACT.multiply(held, self.avg_price), notional)
        self.avg_price = _rounded(_EXACT.divide(cost, held + qty))

    def unrealized(self, mid: Decimal | None) -> Decimal:
        """At `mid`, else at the last price that was traded at."""
        mark = self.last_price if mid is None else mid
        return _ZERO if mark is None else _EXACT.multiply(self.qty, mark - self.avg_price)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An account at a moment, in USD; `cash` holds the fees, `realized` does not."""

    equity: Decimal
    realized: Decimal
    unrealized: Decimal
    cash: Decimal


@dataclass(slots=True)
class Account:
    """All symbols of one account at a venue."""

    holdings: dict[str, Holding] = field(default_factory=dict)

    def holding(self, symbol: str, usd_per_asset: Decimal) -> Holding:
        """A symbol, new if need be."""
        found = self.holdings.get(symbol)
        if found is None:
            found = self.holdings[symbol] = Holding(usd_per_asset=usd_per_asset)
        return found

    def mark(self, mids: Mapping[str, Decimal]) -> Mark:
        """The account at these mids."""
        held = self.holdings.items()
        unrealized = {symbol: one.unrealized(mids.get(symbol)) for symbol, one in held}
        realized = _rounded(_usd((one.realized, one) for _, one in held))
        open_result = _rounded(_usd((unrealized[symbol], one) for symbol, one in held))
        fees = _rounded(_usd((one.fees, one) for _, one in held))
        return Mark(
            equity=_EXACT.subtract(_EXACT.add(realized, open_result), fees),
            realized=realized,
            unrealized=open_result,
            cash=_rounded(_usd((one.cash, one) for _, one in held)),
        )


def _usd(amounts: Iterable[tuple[Decimal, Holding]]) -> Decimal:
    total = _ZERO
    for value, holding in amounts:
        total = _EXACT.add(total, _EXACT.multiply(value, holding.usd_per_asset))
    return total
