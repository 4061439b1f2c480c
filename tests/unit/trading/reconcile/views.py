"""Views with one order of 10 lots, 4 filled, on ABC; cycles are 25 s apart."""

from decimal import Decimal
from typing import Any

from mmbot.trading.reconcile import (
    Execution,
    LocalOrder,
    LocalPosition,
    LocalView,
    OrderState,
    Plan,
    ReconcileState,
    VenueOrder,
    VenueView,
    reconcile,
)
from mmbot.units import NS_PER_SEC
from mmbot.venues.records import OrderStatus, Side

SYMBOLS = frozenset({"ABC"})
CYCLE_NS = 25 * NS_PER_SEC


def order(**changes) -> LocalOrder:
    options: dict[str, Any] = {
        "cid": "mmbotx-1",
        "symbol": "ABC",
        "side": Side.BUY,
        "state": OrderState.LIVE,
        "price_ticks": 100,
        "qty_lots": 10,
        "filled_lots": 4,
        "changed_ns": 0,
    }
    return LocalOrder(**(options | changes))


def there(**changes) -> VenueOrder:
    options: dict[str, Any] = {
        "order_id": "V1",
        "cid": "mmbotx-1",
        "symbol": "ABC",
        "side": Side.BUY,
        "status": OrderStatus.OPEN,
        "price_ticks": 100,
        "qty_lots": 10,
        "filled_lots": 4,
    }
    return VenueOrder(**(options | changes))


def execution(exec_id: str = "E2", qty_lots: int = 6, **changes) -> Execution:
    options: dict[str, Any] = {
        "order_id": "V1",
        "cid": "mmbotx-1",
        "symbol": "ABC",
        "side": Side.BUY,
        "price": Decimal("100.5"),
        "fee": Decimal("0.01"),
        "fee_asset": "USDT",
        "is_maker": True,
        "ts_ns": 5,
        "seq": 1,
    }
    return Execution(exec_id=exec_id, qty_lots=qty_lots, **(options | changes))


def local(*orders: LocalOrder, lots: int = 4, exec_ids=("E1",), **position) -> LocalView:
    options: dict[str, Any] = {"position_lots": lots, "fills_lots": lots}
    return LocalView(
        orders=orders,
        positions={"ABC": LocalPosition(**(options | position))},
        exec_ids=frozenset(exec_ids),
    )


def view(number: int = 1, **changes) -> VenueView:
    """What cycle `number` fetched: nothing open, nothing ended, a position of 4."""
    options: dict[str, Any] = {
        "open_orders": (),
        "history": (),
        "executions": (),
        "positions": {"ABC": 4},
    }
    return VenueView(started_ns=number * CYCLE_NS, **(options | changes))


def cycle(ours: LocalView, theirs: VenueView, state: ReconcileState | None = None) -> Plan:
    return reconcile(ours, theirs, state or ReconcileState(), symbols=SYMBOLS)


def names(plan: Plan) -> list[str]:
    return [action.name.value for action in plan.actions]
