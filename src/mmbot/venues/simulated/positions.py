"""How a position is shown: in `position/list` and on the position stream."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mmbot.venues.simulated.accounts import MAINTENANCE_RATE, Account, rounded
from mmbot.venues.simulated.listing import plain

if TYPE_CHECKING:
    from mmbot.venues.simulated.market import SymbolMarket

__all__ = ["position_record"]


def position_record(account: Account, market: SymbolMarket, *, stream: bool) -> dict[str, Any]:
    """A position; the stream calls the entry price `entryPrice` and adds the category."""
    listing = market.listing
    position = account.position(listing.symbol)
    mark = market.mark_ticks
    value = abs(listing.value(mark, position.lots))
    entry = rounded(position.entry_price(listing))
    side = "" if position.lots == 0 else "Buy" if position.lots > 0 else "Sell"
    initial = rounded(value / position.leverage)
    maintenance = rounded(value * MAINTENANCE_RATE)
    named = {"entryPrice": entry, "category": "linear"} if stream else {"avgPrice": entry}
    return {
        "positionIdx": 0,
        "tradeMode": 0,
        "riskId": 1,
        "riskLimitValue": "10000000",
        "symbol": listing.symbol,
        "side": side,
        "size": plain(listing.qty(abs(position.lots))),
        **named,
        "leverage": plain(position.leverage),
        "positionValue": rounded(abs(position.cost)),
        "positionBalance": "0",
        "markPrice": listing.price_text(mark),
        "positionIM": initial,
        "positionMM": maintenance,
        "positionIMByMp": initial,
        "positionMMByMp": maintenance,
        "takeProfit": "",
        "stopLoss": "",
        "trailingStop": "0",
        "sessionAvgPrice": "",
        "unrealisedPnl": rounded(position.unrealised(listing, mark)),
        "cumRealisedPnl": rounded(position.realised),
        "curRealisedPnl": rounded(position.realised if position.lots else Decimal(0)),
        "createdTime": str(position.created_ms),
        "updatedTime": str(position.updated_ms),
        "tpslMode": "Full",
        "liqPrice": "",
        "bustPrice": "",
        "positionStatus": "Normal",
        "adlRankIndicator": 0,
        "autoAddMargin": 0,
        "leverageSysUpdatedTime": "",
        "mmrSysUpdatedTime": "",
        "seq": market.book.seq,
        "isReduceOnly": False,
    }
