"""Accounts: keys, wallet, positions in one-way mode, and the margin that orders need.

Cross margin in one settle coin. A position keeps what it cost, so that the entry price is exact
when it is opened, added to, reduced and turned. There is no liquidation: an account whose equity is
used up can only reduce.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from mmbot.venues.simulated.listing import SETTLE_COIN, Listing, plain

__all__ = ["MAINTENANCE_RATE", "Account", "Position", "rounded"]

MAINTENANCE_RATE: Final = Decimal("0.005")
_DEFAULT_LEVERAGE: Final = Decimal(10)
_PLACES: Final = Decimal("0.00000001")
_ZERO: Final = Decimal(0)


def rounded(value: Decimal) -> str:
    """An amount with at most eight decimals."""
    return plain(value.quantize(_PLACES))


@dataclass(slots=True)
class Position:
    """One symbol: `lots` is signed, `cost` what the open lots were bought for (sold: negative)."""

    lots: int = 0
    cost: Decimal = _ZERO
    realised: Decimal = _ZERO
    leverage: Decimal = _DEFAULT_LEVERAGE
    created_ms: int = 0
    updated_ms: int = 0

    def trade(self, lots: int, value: Decimal) -> Decimal:
        """Book a signed trade of `lots` for `value` (same sign); what it realises, without fees."""
        if self.lots == 0 or (self.lots > 0) == (lots > 0):
            self.lots += lots
            self.cost += value
            return _ZERO
        closed = min(abs(lots), abs(self.lots))
        part = self.cost if closed == abs(self.lots) else self.cost * closed / abs(self.lots)
        share = value if closed == abs(lots) else value * closed / abs(lots)
        self.cost += value - share - part
        self.lots += lots
        gain = -share - part
        self.realised += gain
        return gain

    def unrealised(self, listing: Listing, mark_ticks: int) -> Decimal:
        """Value at the mark price less cost."""
        return listing.value(mark_ticks, self.lots) - self.cost

    def entry_price(self, listing: Listing) -> Decimal:
        """Average price of the open lots; 0 without any."""
        return self.cost / listing.qty(self.lots) if self.lots else _ZERO


@dataclass(slots=True)
class Account:
    """One user: credentials, wallet and positions by symbol.

    `more_keys` are further API keys with their secrets, as a user makes them for other programs;
    `dcp_window_sec` belongs to `mmbot.venues.simulated.protection`.
    """

    uid: int
    api_key: str
    api_secret: str
    wallet: Decimal
    maker_rate: Decimal = Decimal("0.0002")
    taker_rate: Decimal = Decimal("0.00055")
    realised: Decimal = _ZERO
    positions: dict[str, Position] = field(default_factory=dict)
    more_keys: dict[str, str] = field(default_factory=dict)
    dcp_window_sec: int = 10

    def position(self, symbol: str) -> Position:
        """The position of a symbol, flat if there was none."""
        return self.positions.setdefault(symbol, Position())

    def trade(
        self, listing: Listing, *, lots: int, ticks: int, is_maker: bool, now_ms: int
    ) -> Decimal:
        """Book an execution of signed `lots` at `ticks`; the fee paid."""
        value = listing.value(ticks, lots)
        fee = abs(value) * (self.maker_rate if is_maker else self.taker_rate)
        position = self.position(listing.symbol)
        was_flat = position.lots == 0
        gain = position.trade(lots, value)
        position.realised -= fee
        position.updated_ms = now_ms
        if was_flat:
            position.created_ms = now_ms
        self.realised += gain - fee
        self.wallet += gain - fee
        return fee

    def wallet_record(
        self, *, unrealised: Decimal, initial: Decimal, maintenance: Decimal
    ) -> dict[str, Any]:
        """The account in `wallet-balance` and the wallet stream."""
        equity = self.wallet + unrealised
        available = rounded(max(equity - initial, _ZERO))
        return {
            "accountType": "UNIFIED",
            "accountIMRate": rounded(initial / equity) if equity > 0 else "0",
            "accountMMRate": rounded(maintenance / equity) if equity > 0 else "0",
            "accountLTV": "0",
            "totalEquity": rounded(equity),
            "totalWalletBalance": rounded(self.wallet),
            "totalMarginBalance": rounded(equity),
            "totalAvailableBalance": available,
            "totalPerpUPL": rounded(unrealised),
            "totalInitialMargin": rounded(initial),
            "totalMaintenanceMargin": rounded(maintenance),
            "coin": [
                {
                    "coin": SETTLE_COIN,
                    "equity": rounded(equity),
                    "usdValue": rounded(equity),
                    "walletBalance": rounded(self.wallet),
                    "availableToWithdraw": available,
                    "availableToBorrow": "",
                    "borrowAmount": "0",
                    "accruedInterest": "0",
                    "totalOrderIM": "0",
                    "totalPositionIM": rounded(initial),
                    "totalPositionMM": rounded(maintenance),
                    "unrealisedPnl": rounded(unrealised),
                    "cumRealisedPnl": rounded(self.realised),
                    "locked": "0",
                    "bonus": "0",
                    "spotBorrow": "0",
                    "collateralSwitch": True,
                    "marginCollateral": True,
                }
            ],
        }
