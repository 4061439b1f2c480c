"""Requests, records and a naive venue for tests of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mmbot.trading.live.orders import CoreReport, OrderLedger
from mmbot.venues.records import ExecutionRecord, InstrumentRules, OrderRecord, OrderStatus, Side

SYMBOL = "BTCUSDT"
RULES = InstrumentRules(
    symbol=SYMBOL,
    tick_size="0.1",
    lot_size="0.001",
    min_qty="0.001",
    min_notional="5",
    batch_max=10,
)
MS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as the core makes it."""

    kind: str
    cid: int = 1
    symbol: str = SYMBOL
    side: str | None = "buy"
    price_ticks: int | None = 500_000
    qty_lots: int | None = 10
    ts_ns: int = 0

    @property
    def client_order_id(self) -> str:
        return f"mm-{self.cid}"


def order_record(**changes: Any) -> OrderRecord:
    fields: dict[str, Any] = {
        "order_id": "v1",
        "cid": "mm-1",
        "symbol": SYMBOL,
        "side": Side.BUY,
        "price": "50000.0",
        "qty": "0.010",
        "filled_qty": "0.000",
        "status": OrderStatus.OPEN,
        "updated_ns": 10 * MS,
    }
    return OrderRecord(**(fields | changes))


def execution(exec_id: str = "e1", **changes: Any) -> ExecutionRecord:
    fields: dict[str, Any] = {
        "exec_id": exec_id,
        "order_id": "v1",
        "cid": "mm-1",
        "symbol": SYMBOL,
        "side": Side.BUY,
        "price": "50000.0",
        "qty": "0.004",
        "fee": "-0.02",
        "fee_asset": "USDT",
        "is_maker": True,
        "ts_ns": 20 * MS,
        "seq": 1,
    }
    return ExecutionRecord(**(fields | changes))


def ledger_with(*asked: Asked, now_ns: int = 0) -> OrderLedger:
    ledger = OrderLedger()
    for one in asked:
        ledger.sent(one, now_ns)
    return ledger


def tell(ledger: OrderLedger, reports: Any, now_ns: int = 0) -> list[CoreReport]:
    """Notes reports in the ledger as they come, as the shell does."""
    told = []
    for report in reports:
        ledger.told(report, now_ns)
        told.append(report)
    return told
