"""A listed instrument: its grids, limits and the exact texts of its prices and sizes.

Inside the exchange prices are whole ticks and quantities whole lots; texts become numbers here and
nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from mmbot.errors import ConfigError
from mmbot.venues.simulated.codes import BAD_PARAMETER, Refusal

__all__ = ["MAX_LEVERAGE", "SETTLE_COIN", "Listing", "exact_steps", "plain"]

SETTLE_COIN: Final = "USDT"
# How far from the mark price a limit order may cross (the ratio of `priceLimitRatioX`).
_PRICE_LIMIT: Final = Decimal("0.05")
MAX_LEVERAGE: Final = 100
_MAX_ORDER_VALUE: Final = Decimal(10_000_000)
_FUNDING_MINUTES: Final = 480
_NUMBER: Final = re.compile(r"\d{1,30}(\.\d{0,30})?([eE][+-]?\d{1,3})?", re.ASCII)


def plain(value: Decimal) -> str:
    """A decimal without exponent and trailing zeros: ``0.00000000`` -> ``0``."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True, slots=True)
class Listing:
    """A linear perpetual, settled in USDT.

    Raises:
        ConfigError: ``E_CFG_RANGE`` when the symbol is settled in another coin.
    """

    symbol: str
    tick: Decimal
    lot: Decimal
    min_value: Decimal = Decimal(5)
    launch_ms: int = 1_584_230_400_000
    base: str = field(init=False)

    def __post_init__(self) -> None:
        base = self.symbol.removesuffix(SETTLE_COIN)
        if base in ("", self.symbol):
            raise ConfigError(
                "E_CFG_RANGE", "--symbols", f"must end with {SETTLE_COIN}: {self.symbol}"
            )
        object.__setattr__(self, "base", base)

    def ticks(self, text: object, *, key: str = "price") -> int:
        """A price in ticks; texts that are no price of the grid are refused."""
        return exact_steps(text, self.tick, key=key)

    def lots(self, text: object, *, key: str = "qty") -> int:
        """A quantity in lots."""
        return exact_steps(text, self.lot, key=key)

    def price(self, ticks: int) -> Decimal:
        """Ticks in quote currency."""
        return self.tick * ticks

    def qty(self, lots: int) -> Decimal:
        """Lots in base currency."""
        return self.lot * lots

    def price_text(self, ticks: int) -> str:
        """A price as the feed prints it: all decimals of the tick."""
        return format(self.tick * ticks, "f")

    def qty_text(self, lots: int) -> str:
        """A quantity as the feed prints it."""
        return "0" if lots == 0 else format(self.lot * lots, "f")

    def value(self, ticks: int, lots: int) -> Decimal:
        """Quote currency of a quantity at a price."""
        return self.tick * ticks * self.lot * lots

    def max_lots(self, mark_ticks: int) -> int:
        """Largest order quantity: the value that one order may have."""
        lot_value = self.value(max(mark_ticks, 1), 1)
        return max(int(_MAX_ORDER_VALUE / lot_value), 1)

    def limit_ticks(self, mark_ticks: int, *, is_buy: bool) -> int:
        """The worst price of a limit order, and of a market order's sweep."""
        ratio = 1 + _PRICE_LIMIT if is_buy else 1 - _PRICE_LIMIT
        return max(int(mark_ticks * ratio), 1)

    def info(self, *, status: str, mark_ticks: int) -> dict[str, Any]:
        """The record of `instruments-info`."""
        max_qty = plain(self.qty(self.max_lots(mark_ticks)))
        scale = max(-int(self.tick.normalize().as_tuple().exponent), 0)
        return {
            "symbol": self.symbol,
            "contractType": "LinearPerpetual",
            "status": status,
            "baseCoin": self.base,
            "quoteCoin": SETTLE_COIN,
            "launchTime": str(self.launch_ms),
            "deliveryTime": "0",
            "deliveryFeeRate": "",
            "priceScale": str(scale),
            "leverageFilter": {
                "minLeverage": "1",
                "maxLeverage": f"{MAX_LEVERAGE}.00",
                "leverageStep": "0.01",
            },
            "priceFilter": {
                "minPrice": plain(self.tick),
                "maxPrice": plain(self.tick * 2_000_000_000),
                "tickSize": plain(self.tick),
            },
            "lotSizeFilter": {
                "maxOrderQty": max_qty,
                "minOrderQty": plain(self.lot),
                "qtyStep": plain(self.lot),
                "postOnlyMaxOrderQty": max_qty,
                "maxMktOrderQty": max_qty,
                "minNotionalValue": plain(self.min_value),
            },
            "unifiedMarginTrade": True,
            "fundingInterval": _FUNDING_MINUTES,
            "settleCoin": SETTLE_COIN,
            "copyTrading": "none",
            "upperFundingRate": "0.005",
            "lowerFundingRate": "-0.005",
            "isPreListing": False,
            "preListingInfo": None,
            "riskParameters": {"priceLimitRatioX": "0.05", "priceLimitRatioY": "0.05"},
            "displayName": "",
        }


def exact_steps(text: object, step: Decimal, *, key: str) -> int:
    """How many steps a positive decimal text is, exactly.

    Raises:
        Refusal: 10001 naming `key`.
    """
    wrong = Refusal(BAD_PARAMETER, f"params error: {key} invalid")
    # Decimal itself also reads underscores, blanks and the digits of all alphabets
    if not isinstance(text, str) or _NUMBER.fullmatch(text) is None:
        raise wrong
    value = Decimal(text)
    if value <= 0 or value > step * 2**62:
        raise wrong
    steps = value / step
    if steps != int(steps):
        raise Refusal(BAD_PARAMETER, f"params error: {key} is not a multiple of {plain(step)}")
    return int(steps)
