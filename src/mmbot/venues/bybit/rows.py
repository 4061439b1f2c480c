"""Bybit's JSON to our records: out of bytes comes a record or an error, nothing else.

Each row names only the fields that are used; the venue may add others. A number is a decimal text.
Shapes: https://bybit-exchange.github.io/docs/v5 (order, execution, position, wallet, instrument).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec

from mmbot.units import NS_PER_MS
from mmbot.venues.records import (
    AccountEquity,
    BalanceRecord,
    ExecutionRecord,
    FeeRates,
    InstrumentRules,
    OrderRecord,
    OrderStatus,
    PositionRecord,
    Side,
)

__all__ = [
    "ExecutionRow",
    "FeeRow",
    "InstrumentRow",
    "OrderRow",
    "PositionRow",
    "WalletRow",
]

Number = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,24}(\.[0-9]{1,24})?\Z")]
MaybeNumber = Annotated[str, msgspec.Meta(pattern=r"^(-?[0-9]{1,24}(\.[0-9]{1,24})?)?\Z")]
Millis = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,15}\Z")]
Text = Annotated[str, msgspec.Meta(max_length=128)]

_SIDES: Final = {"Buy": Side.BUY, "Sell": Side.SELL}
# docs/v5/enum#orderstatus; conditional orders wait as Untriggered.
_STATUS: Final = {
    "New": OrderStatus.OPEN,
    "PartiallyFilled": OrderStatus.OPEN,
    "Untriggered": OrderStatus.OPEN,
    "Triggered": OrderStatus.OPEN,
    "Filled": OrderStatus.FILLED,
    "Cancelled": OrderStatus.CANCELLED,
    "PartiallyFilledCanceled": OrderStatus.CANCELLED,
    "Deactivated": OrderStatus.CANCELLED,
    "Rejected": OrderStatus.REJECTED,
}
_StatusText = Literal[
    "New",
    "PartiallyFilled",
    "Untriggered",
    "Triggered",
    "Filled",
    "Cancelled",
    "PartiallyFilledCanceled",
    "Deactivated",
    "Rejected",
]
# Payments that move no position.
_NO_TRADE: Final = frozenset({"Funding", "UNKNOWN"})
_LINEAR_BATCH_MAX: Final = 20
_SPOT_BATCH_MAX: Final = 10
_SETTLE: Final = "USDT"


def _ns(millis: str) -> int:
    return int(millis) * NS_PER_MS


class OrderRow(msgspec.Struct, frozen=True, rename="camel"):
    """An order of REST answers and of the stream ``order``."""

    symbol: Text
    order_id: Text
    side: Literal["Buy", "Sell"]
    order_status: _StatusText
    qty: Number
    updated_time: Millis
    order_link_id: Text = ""
    price: MaybeNumber = ""
    cum_exec_qty: MaybeNumber = ""
    category: Text = ""

    def record(self) -> OrderRecord:
        """As our record."""
        return OrderRecord(
            order_id=self.order_id,
            cid=self.order_link_id,
            symbol=self.symbol,
            side=_SIDES[self.side],
            price=self.price or "0",
            qty=self.qty,
            filled_qty=self.cum_exec_qty or "0",
            status=_STATUS[self.order_status],
            updated_ns=_ns(self.updated_time),
        )


class ExecutionRow(msgspec.Struct, frozen=True, rename="camel"):
    """An execution of REST answers and of the stream ``execution``."""

    symbol: Text
    exec_id: Text
    order_id: Text
    side: Text
    exec_price: Number
    exec_qty: Number
    exec_time: Millis
    exec_fee: MaybeNumber = ""
    fee_currency: Text = ""
    is_maker: bool | None = None
    order_link_id: Text = ""
    exec_type: Text = "Trade"
    seq: int = 0
    category: Text = ""

    @property
    def is_trade(self) -> bool:
        """Whether it moves a position; funding payments do not."""
        return self.exec_type not in _NO_TRADE and self.side in _SIDES

    def record(self) -> ExecutionRecord:
        """As our record; only of a trade."""
        return ExecutionRecord(
            exec_id=self.exec_id,
            order_id=self.order_id,
            cid=self.order_link_id,
            symbol=self.symbol,
            side=_SIDES[self.side],
            price=self.exec_price,
            qty=self.exec_qty,
            fee=self.exec_fee or "0",
            fee_asset=self.fee_currency or _SETTLE,
            is_maker=self.is_maker,
            ts_ns=_ns(self.exec_time),
            seq=self.seq,
        )


class PositionRow(msgspec.Struct, frozen=True, rename="camel"):
    """A position; REST calls its price ``avgPrice``, the stream ``entryPrice``."""

    symbol: Text
    size: Number
    side: Literal["Buy", "Sell", "None", ""] = ""
    avg_price: MaybeNumber = ""
    entry_price: MaybeNumber = ""
    updated_time: MaybeNumber = ""
    position_idx: int = 0
    category: Text = ""

    @property
    def is_hedged(self) -> bool:
        """Whether it is one of two positions of its symbol (hedge mode)."""
        return self.position_idx != 0

    def record(self) -> PositionRecord:
        """As our record; a sold position has a negative quantity."""
        sign = "-" if self.side == "Sell" and Decimal(self.size) else ""
        millis = self.updated_time
        return PositionRecord(
            symbol=self.symbol,
            qty=f"{sign}{self.size}",
            avg_price=self.avg_price or self.entry_price or "0",
            updated_ns=_ns(millis) if millis.isdigit() else 0,
        )


class _CoinRow(msgspec.Struct, frozen=True, rename="camel"):
    coin: Text
    wallet_balance: MaybeNumber = ""
    available_to_withdraw: MaybeNumber = ""
    total_order_im: MaybeNumber = msgspec.field(default="", name="totalOrderIM")
    total_position_im: MaybeNumber = msgspec.field(default="", name="totalPositionIM")
    locked: MaybeNumber = ""

    def record(self) -> BalanceRecord:
        total = Decimal(self.wallet_balance or "0")
        if self.available_to_withdraw:
            available = self.available_to_withdraw
        else:
            used = sum(
                Decimal(part or "0")
                for part in (self.total_order_im, self.total_position_im, self.locked)
            )
            available = f"{max(total - used, Decimal(0)):f}"
        return BalanceRecord(asset=self.coin, total=f"{total:f}", available=available)


class WalletRow(msgspec.Struct, frozen=True, rename="camel"):
    """The unified account, of the REST answer and of the stream ``wallet``."""

    coin: list[_CoinRow]
    total_equity: MaybeNumber = ""

    def balances(self) -> tuple[BalanceRecord, ...]:
        """Balances by coin."""
        return tuple(row.record() for row in self.coin)

    def equity(self) -> AccountEquity:
        """Worth in USD and balances."""
        return AccountEquity(equity_usd=self.total_equity or "0", balances=self.balances())


class FeeRow(msgspec.Struct, frozen=True, rename="camel"):
    """The account's rates of one symbol."""

    symbol: Text
    taker_fee_rate: Number
    maker_fee_rate: Number

    def record(self) -> FeeRates:
        """As our record."""
        return FeeRates(symbol=self.symbol, maker=self.maker_fee_rate, taker=self.taker_fee_rate)


class _PriceFilter(msgspec.Struct, frozen=True, rename="camel"):
    tick_size: Number


class _LotFilter(msgspec.Struct, frozen=True, rename="camel"):
    min_order_qty: Number
    qty_step: MaybeNumber = ""
    base_precision: MaybeNumber = ""
    min_notional_value: MaybeNumber = ""
    min_order_amt: MaybeNumber = ""


class InstrumentRow(msgspec.Struct, frozen=True, rename="camel"):
    """Grids of a contract, or (``basePrecision``, ``minOrderAmt``) of a spot pair."""

    symbol: Text
    status: Text
    price_filter: _PriceFilter
    lot_size_filter: _LotFilter

    @property
    def is_trading(self) -> bool:
        """Whether orders are taken."""
        return self.status == "Trading"

    def record(self) -> InstrumentRules:
        """As our record."""
        lot = self.lot_size_filter
        return InstrumentRules(
            symbol=self.symbol,
            tick_size=self.price_filter.tick_size,
            lot_size=lot.qty_step or lot.base_precision or lot.min_order_qty,
            min_qty=lot.min_order_qty,
            min_notional=lot.min_notional_value or lot.min_order_amt or "0",
            batch_max=_LINEAR_BATCH_MAX if lot.qty_step else _SPOT_BATCH_MAX,
        )
