"""A venue in memory: lists, cancels, refuses as told, and keeps count."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from mmbot.venues.bybit.codes import BYBIT_CODES
from mmbot.venues.failures import Failure, FailureKind, Operation
from mmbot.venues.ports import CallError
from mmbot.venues.records import Ack, CancelOrder, OrderRecord, OrderStatus, Side

CODES = BYBIT_CODES
DONE, RATE, KEY = 110001, 10006, 10003


def order(cid: str, symbol: str = "BTCUSDT") -> OrderRecord:
    return OrderRecord(
        order_id=f"v-{cid}",
        cid=cid,
        symbol=symbol,
        side=Side.BUY,
        price="1",
        qty="1",
        filled_qty="0",
        status=OrderStatus.OPEN,
        updated_ns=0,
    )


def refusal(operation: Operation, code: int | None) -> CallError:
    kind = FailureKind.TIMEOUT if code is None else FailureKind.CODE
    return CallError(Failure(operation=operation, is_sent=True, kind=kind, code=code))


@dataclass
class MemoryVenue:
    """`list_faults` and `cancel_faults` are codes for the next calls; "ok" lets one pass."""

    orders: dict[str, OrderRecord] = field(default_factory=dict)
    list_faults: deque[object] = field(default_factory=deque)
    cancel_faults: deque[object] = field(default_factory=deque)
    asked: list[list[str]] = field(default_factory=list)
    lists: int = 0

    async def open_orders(self) -> Sequence[OrderRecord]:
        self.lists += 1
        fault = self.list_faults.popleft() if self.list_faults else "ok"
        if fault != "ok":
            raise refusal(Operation.QUERY, fault if isinstance(fault, int) else None)
        return list(self.orders.values())

    async def cancel_batch(self, orders: Sequence[CancelOrder]) -> Sequence[Ack | CallError]:
        self.asked.append([order.cid for order in orders])
        answers: list[Ack | CallError] = []
        for one in orders:
            fault = self.cancel_faults.popleft() if self.cancel_faults else "ok"
            if fault == "ok":
                gone = self.orders.pop(one.cid)
                answers.append(Ack(cid=one.cid, order_id=gone.order_id))
            else:
                code = fault if isinstance(fault, int) else None
                if code == DONE:
                    self.orders.pop(one.cid, None)
                answers.append(refusal(Operation.CANCEL, code))
        return answers
