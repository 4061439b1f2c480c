"""What crosses the edge to a venue: frozen records with prices and quantities as decimal texts.

Inside the program prices are integer ticks and quantities integer lots; `InstrumentRules` is the
only place that converts, exactly or not at all. `cid` is the client order id that we chose (Bybit:
``orderLinkId``), empty for orders that were placed without one. Times are nanoseconds since 1970
UTC by the venue's clock unless the name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, DecimalException
from enum import StrEnum

from mmbot.errors import VenueError
from mmbot.units import INT64_MAX

__all__ = [
    "AccountEquity",
    "Ack",
    "AmendOrder",
    "BalanceRecord",
    "CancelOrder",
    "CreateOrder",
    "ExecutionRecord",
    "FeeRates",
    "InstrumentRules",
    "OrderRecord",
    "OrderStatus",
    "PositionRecord",
    "Side",
]


class Side(StrEnum):
    """Side of an order, or of what was executed."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1


class OrderStatus(StrEnum):
    """State of an order at the venue; part fills do not change it."""

    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    """Ended with something unfilled, by request, by the venue, or because it would have crossed."""
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_open(self) -> bool:
        """Whether it can still be filled."""
        return self is OrderStatus.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentRules:
    """Grids and limits of one instrument; `batch_max` orders fit into one batch request."""

    symbol: str
    tick_size: str
    lot_size: str
    min_qty: str
    min_notional: str
    batch_max: int

    def ticks(self, price: str) -> int:
        """Price as a count of ticks.

        Raises:
            VenueError: ``E_VENUE_GRID`` if it is no number or off the grid.
        """
        return self._steps(price, self.tick_size, "price")

    def lots(self, qty: str) -> int:
        """Quantity, signed for positions, as a count of lots; errors as `ticks`."""
        return self._steps(qty, self.lot_size, "qty")

    def price_text(self, ticks: int) -> str:
        """The price of so many ticks, without an exponent."""
        return f"{ticks * Decimal(self.tick_size):f}"

    def qty_text(self, lots: int) -> str:
        """The quantity of so many lots, without an exponent."""
        return f"{lots * Decimal(self.lot_size):f}"

    def _steps(self, text: str, step: str, name: str) -> int:
        try:
            value = Decimal(text)
            count = value / Decimal(step)
            # The quotient is rounded to 28 digits; the comparison of the product is exact.
            is_whole = abs(count) <= INT64_MAX and int(count) * Decimal(step) == value
        except DecimalException as exc:
            raise self._off_grid(name, text, step) from exc
        if not is_whole:
            raise self._off_grid(name, text, step)
        return int(count)

    def _off_grid(self, name: str, text: str, step: str) -> VenueError:
        return VenueError(
            "E_VENUE_GRID", f"symbol={self.symbol} {name}={text!r}", f"is no multiple of {step}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """An order as the venue sees it; `qty` is the total with the filled part."""

    order_id: str
    cid: str
    symbol: str
    side: Side
    price: str
    qty: str
    filled_qty: str
    status: OrderStatus
    updated_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRecord:
    """One execution; `seq` orders executions of equal time. A negative `fee` is a rebate."""

    exec_id: str
    order_id: str
    cid: str
    symbol: str
    side: Side
    price: str
    qty: str
    fee: str
    fee_asset: str
    is_maker: bool | None
    ts_ns: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRecord:
    """A position; `qty` is signed. Venues leave out symbols without one."""

    symbol: str
    qty: str
    avg_price: str
    updated_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRecord:
    """Balance of one asset."""

    asset: str
    total: str
    available: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEquity:
    """Worth of the account in USD, unrealised profit included."""

    equity_usd: str
    balances: tuple[BalanceRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRates:
    """Fees of a symbol as fractions of the notional; negative is a rebate."""

    symbol: str
    maker: str
    taker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOrder:
    """A limit order to be placed."""

    cid: str
    symbol: str
    side: Side
    price: str
    qty: str
    post_only: bool
    reduce_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendOrder:
    """New price and new total quantity (filled part included) of a live order."""

    cid: str
    symbol: str
    price: str
    qty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """An order to be cancelled."""

    cid: str
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """The venue took a request; what became of the order comes on the private stream."""

    cid: str
    order_id: str
