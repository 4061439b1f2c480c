"""The venue's answers, turned into the view that is compared: own or foreign, texts to integers.

An own order with a price or quantity off the grid makes its whole part unusable, which counts as
not fetched: half a list read as the list would say that the rest is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import TypeVar

from mmbot.errors import VenueError
from mmbot.trading.reconcile.models import (
    Execution,
    ForeignOrder,
    OwnScope,
    VenueOrder,
    VenueView,
)
from mmbot.venues.records import (
    ExecutionRecord,
    InstrumentRules,
    OrderRecord,
    PositionRecord,
)

__all__ = ["Fetched", "VenueAnswers", "venue_view"]

T = TypeVar("T")
Instruments = Mapping[str, InstrumentRules]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Raw answers of the venue port; None is a call that failed."""

    started_ns: int
    open_orders: Sequence[OrderRecord] | None
    history: Sequence[OrderRecord] | None
    executions: Sequence[ExecutionRecord] | None
    positions: Sequence[PositionRecord] | None


@dataclass(frozen=True, slots=True)
class VenueAnswers:
    """The view, and what made a part of it unusable."""

    view: VenueView
    errors: tuple[VenueError, ...]


def venue_view(fetched: Fetched, *, scope: OwnScope, instruments: Instruments) -> VenueAnswers:
    """The venue's view from its answers; `instruments` must hold every symbol of the scope."""
    errors: list[VenueError] = []

    def part(read: Callable[[], T], *, has_answer: bool) -> T | None:
        if not has_answer:
            return None
        try:
            return read()
        except VenueError as exc:
            errors.append(exc)
            return None

    def orders(records: Sequence[OrderRecord]) -> tuple[VenueOrder, ...]:
        own = (r for r in records if scope.owns(cid=r.cid, symbol=r.symbol))
        return tuple(_order(record, instruments[record.symbol]) for record in own)

    resting, ended = fetched.open_orders or (), fetched.history or ()
    executions, positions = fetched.executions or (), fetched.positions or ()
    view = VenueView(
        started_ns=fetched.started_ns,
        open_orders=part(lambda: orders(resting), has_answer=fetched.open_orders is not None),
        history=part(lambda: orders(ended), has_answer=fetched.history is not None),
        executions=part(
            lambda: tuple(
                _execution(record, instruments[record.symbol])
                for record in executions
                if scope.owns(cid=record.cid, symbol=record.symbol)
            ),
            has_answer=fetched.executions is not None,
        ),
        positions=part(
            lambda: {
                record.symbol: instruments[record.symbol].lots(record.qty)
                for record in positions
                if record.symbol in scope.symbols
            },
            has_answer=fetched.positions is not None,
        ),
        foreign_orders=tuple(
            ForeignOrder(order_id=r.order_id, cid=r.cid, symbol=r.symbol)
            for r in resting
            if not scope.owns(cid=r.cid, symbol=r.symbol)
        ),
    )
    return VenueAnswers(view, tuple(errors))


def _order(record: OrderRecord, rules: InstrumentRules) -> VenueOrder:
    return VenueOrder(
        order_id=record.order_id,
        cid=record.cid,
        symbol=record.symbol,
        side=record.side,
        status=record.status,
        price_ticks=rules.ticks(record.price),
        qty_lots=rules.lots(record.qty),
        filled_lots=rules.lots(record.filled_qty),
    )


def _execution(record: ExecutionRecord, rules: InstrumentRules) -> Execution:
    return Execution(
        exec_id=record.exec_id,
        order_id=record.order_id,
        cid=record.cid,
        symbol=record.symbol,
        side=record.side,
        price=_number(record.price, record.symbol, "price"),
        qty_lots=rules.lots(record.qty),
        fee=_number(record.fee, record.symbol, "fee"),
        fee_asset=record.fee_asset,
        is_maker=record.is_maker,
        ts_ns=record.ts_ns,
        seq=record.seq,
    )


def _number(text: str, symbol: str, name: str) -> Decimal:
    try:
        value = Decimal(text)
    except DecimalException as exc:
        raise VenueError(
            "E_VENUE_GRID", f"symbol={symbol} {name}={text!r}", "is no number"
        ) from exc
    if not value.is_finite():
        raise VenueError("E_VENUE_GRID", f"symbol={symbol} {name}={text!r}", "is not finite")
    return value
