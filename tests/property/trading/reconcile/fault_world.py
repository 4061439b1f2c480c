"""A venue, a lossy channel and a trader that believes what it is told.

One seed tells the whole story. Reports may be lost, doubled or late; requests may be
lost or arrive late; a cycle's fetches may fail, and steps happen between them.
"""

import dataclasses
import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from mmbot.trading.reconcile import (
    Close,
    Execution,
    ForeignOrder,
    LocalOrder,
    LocalPosition,
    LocalView,
    OrderState,
    Plan,
    ReconcileState,
    VenueOrder,
    VenueView,
    apply_plan,
    reconcile,
)
from mmbot.units import NS_PER_SEC
from mmbot.venues.records import OrderStatus, Side

SYMBOLS = ("AAA", "BBB")
OWN = "mmbot"
# Weights of what may happen next.
KINDS = {
    "place": 8,
    "fill": 8,
    "cancel": 3,
    "amend": 4,
    "venue_cancel": 2,
    "foreign": 1,
    "foreign_gone": 1,
    "stray": 0.3,
    "manual": 0.1,
    "arrive": 2,
    "report_one": 2,
    "wait": 6,
}
WAYS = ("now", "lost", "late", "twice")
CYCLE_SHARE = 0.15


@dataclass(frozen=True)
class Step:
    kind: str
    pick: int
    size: int
    request: str
    answer: str


@dataclass(frozen=True)
class CycleStep:
    """Four parts are fetched, each after the steps of its slot; those in `failed` do not come."""

    failed: frozenset[str]
    between: tuple[tuple[Step, ...], ...]


PARTS = ("open_orders", "history", "executions", "positions")


def story(seed: int, length: int = 120) -> list[Step | CycleStep]:
    """What happens in one run, from one seed; a quarter of the stories are without failed calls."""
    rng = random.Random(seed)
    fails = rng.choice((0.0, 0.1, 0.1, 0.3))
    return [_cycle(rng, fails) if rng.random() < CYCLE_SHARE else _step(rng) for _ in range(length)]


def _step(rng: random.Random) -> Step:
    return Step(
        kind=rng.choices(tuple(KINDS), tuple(KINDS.values()))[0],
        pick=rng.randrange(60),
        size=rng.randint(1, 12),
        request=rng.choices(WAYS, (12, 1, 2, 0))[0],
        answer=rng.choices(WAYS, (12, 2, 2, 1))[0],
    )


def _cycle(rng: random.Random, fails: float) -> CycleStep:
    return CycleStep(
        failed=frozenset(part for part in PARTS if rng.random() < fails),
        between=tuple(
            tuple(_step(rng) for _ in range(rng.choice((0, 0, 1, 3)))) for _ in (*PARTS, "")
        ),
    )


@dataclass
class World:
    now_ns: int = NS_PER_SEC
    venue: dict[str, VenueOrder] = field(default_factory=dict)
    foreign: dict[str, ForeignOrder] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    manual: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SYMBOLS, 0))
    local: LocalView = field(default_factory=LocalView)
    state: ReconcileState = field(default_factory=ReconcileState)
    late_requests: list[tuple[str, Any]] = field(default_factory=list)
    late_reports: list[tuple[str, Any]] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)
    count: int = 0

    # --- the story --------------------------------------------------------------------------------

    def do(self, step: Step) -> None:
        self.now_ns += 1
        getattr(self, f"_{step.kind}")(step)

    def _place(self, step: Step) -> None:
        order = self._new_order(step, f"{OWN}s1-{self._next()}")
        mine = LocalOrder(
            cid=order.cid,
            symbol=order.symbol,
            side=order.side,
            state=OrderState.PENDING_NEW,
            price_ticks=order.price_ticks,
            qty_lots=order.qty_lots,
            filled_lots=0,
            changed_ns=self.now_ns,
        )
        self.local = dataclasses.replace(self.local, orders=(*self.local.orders, mine))
        self._send(("create", order), step)

    def _cancel(self, step: Step) -> None:
        mine = self._pick([o for o in self.local.orders if o.state is OrderState.LIVE], step)
        if mine is not None:
            self._change(mine.cid, state=OrderState.PENDING_CANCEL)
            self._send(("cancel", mine.cid), step)

    def _amend(self, step: Step) -> None:
        mine = self._pick([o for o in self.local.orders if o.state is OrderState.LIVE], step)
        if mine is not None:
            self._change(mine.cid, state=OrderState.PENDING_AMEND)
            change = (mine.cid, mine.price_ticks + 1, mine.filled_lots + step.size)
            self._send(("amend", change), step)

    def _fill(self, step: Step) -> None:
        order = self._pick([o for o in self.venue.values() if o.status.is_open], step)
        if order is None:
            return
        lots = min(step.size, order.qty_lots - order.filled_lots)
        filled = order.filled_lots + lots
        status = OrderStatus.FILLED if filled == order.qty_lots else OrderStatus.OPEN
        self._at_venue(order.cid, filled_lots=filled, status=status)
        execution = Execution(
            exec_id=f"E{self._next()}",
            order_id=order.order_id,
            cid=order.cid,
            symbol=order.symbol,
            side=order.side,
            price=Decimal(order.price_ticks),
            qty_lots=lots,
            fee=Decimal(0),
            fee_asset="USDT",
            is_maker=True,
            ts_ns=self.now_ns // 3,
            seq=len(self.executions),
        )
        self.executions.append(execution)
        self._report(("fill", (execution, status)), step.answer)

    def _venue_cancel(self, step: Step) -> None:
        order = self._pick([o for o in self.venue.values() if o.status.is_open], step)
        if order is not None:
            self._at_venue(order.cid, status=OrderStatus.EXPIRED)
            self._report(("ended", (order.cid, OrderStatus.EXPIRED)), step.answer)

    def _foreign(self, step: Step) -> None:
        number = f"F{self._next()}"
        self.foreign[number] = ForeignOrder(order_id=number, cid="web", symbol="AAA")

    def _foreign_gone(self, step: Step) -> None:
        gone = self._pick(sorted(self.foreign), step)
        if gone is not None:
            del self.foreign[gone]

    def _stray(self, step: Step) -> None:
        """An order of an earlier session that nobody here knows."""
        order = self._new_order(step, f"{OWN}s0-{self._next()}")
        self.venue[order.cid] = order

    def _manual(self, step: Step) -> None:
        self.manual[SYMBOLS[step.pick % 2]] += step.size - 6

    def _arrive(self, step: Step) -> None:
        if self.late_requests:
            request = self.late_requests.pop(step.pick % len(self.late_requests))
            self._at(request, step.answer)

    def _report_one(self, step: Step) -> None:
        if self.late_reports:
            self._hear(self.late_reports.pop(step.pick % len(self.late_reports)))

    def _wait(self, step: Step) -> None:
        self.now_ns += step.size * NS_PER_SEC
        for mine in self.local.orders:
            if mine.state.is_pending and self.now_ns - mine.changed_ns >= 3 * NS_PER_SEC:
                self._change(mine.cid, state=OrderState.UNKNOWN)

    # --- requests at the venue --------------------------------------------------------------------

    def _send(self, request: tuple[str, Any], step: Step) -> None:
        if step.request == "late":
            self.late_requests.append(request)
        elif step.request != "lost":
            self._at(request, step.answer)

    def _at(self, request: tuple[str, Any], answer: str) -> None:
        kind, what = request
        if kind == "create":
            assert what.cid not in self.venue
            self.venue[what.cid] = what
            self._report(("ack", what.cid), answer)
            return
        cid = what if kind == "cancel" else what[0]
        order = self.venue.get(cid)
        if order is None or not order.status.is_open:
            return
        if kind == "cancel":
            self._at_venue(cid, status=OrderStatus.CANCELLED)
            self._report(("ended", (cid, OrderStatus.CANCELLED)), answer)
        elif what[2] > order.filled_lots:
            self._at_venue(cid, price_ticks=what[1], qty_lots=what[2])
            self._report(("amended", what), answer)

    def _at_venue(self, cid: str, **changes: Any) -> None:
        self.venue[cid] = dataclasses.replace(self.venue[cid], **changes)

    # --- reports here -----------------------------------------------------------------------------

    def _report(self, report: tuple[str, Any], way: str) -> None:
        if way == "late":
            self.late_reports.append(report)
        elif way != "lost":
            self._hear(report)
            if way == "twice":
                self._hear(report)

    def _hear(self, report: tuple[str, Any]) -> None:
        kind, what = report
        if kind == "fill":
            self._hear_fill(*what)
            return
        cid = what if kind == "ack" else what[0]
        mine = {o.cid: o for o in self.local.orders}.get(cid)
        if mine is None or not mine.state.is_open:
            return
        if kind == "ack":
            if mine.state in {OrderState.PENDING_NEW, OrderState.UNKNOWN}:
                self._change(cid, state=OrderState.LIVE)
        elif kind == "amended":
            self._change(cid, state=OrderState.LIVE, price_ticks=what[1], qty_lots=what[2])
        else:
            self._change(cid, state=OrderState.CANCELLED)

    def _hear_fill(self, execution: Execution, status: OrderStatus) -> None:
        if execution.exec_id in self.local.exec_ids:
            return
        old = self.local.positions.get(execution.symbol, LocalPosition())
        lots = execution.side.sign * execution.qty_lots
        position = dataclasses.replace(
            old,
            position_lots=old.position_lots + lots,
            fills_lots=old.fills_lots + lots,
            changed_ns=self.now_ns,
        )
        self.local = dataclasses.replace(
            self.local,
            exec_ids=self.local.exec_ids | {execution.exec_id},
            positions={**self.local.positions, execution.symbol: position},
        )
        mine = {o.cid: o for o in self.local.orders}.get(execution.cid)
        if mine is not None:
            filled = mine.filled_lots + execution.qty_lots
            is_done = status is OrderStatus.FILLED and filled >= mine.qty_lots
            state = OrderState.FILLED if is_done else mine.state
            self._change(mine.cid, filled_lots=filled, state=state)

    def _change(self, cid: str, **changes: Any) -> None:
        self.local = dataclasses.replace(
            self.local,
            orders=tuple(
                dataclasses.replace(o, changed_ns=self.now_ns, **changes) if o.cid == cid else o
                for o in self.local.orders
            ),
        )

    # --- a cycle ----------------------------------------------------------------------------------

    def fetch(self, step: CycleStep) -> VenueView:
        started_ns = self.now_ns
        parts: dict[str, Any] = {}
        foreign: tuple[ForeignOrder, ...] = ()
        for part, happening in zip(PARTS, step.between, strict=False):
            for other in happening:
                self.do(other)
            parts[part] = None if part in step.failed else self._answer(part)
            if part == "open_orders":
                foreign = tuple(self.foreign.values())
        for other in step.between[-1]:
            self.do(other)
        return VenueView(started_ns=started_ns, foreign_orders=foreign, **parts)

    def cycle(self, step: CycleStep) -> tuple[VenueView, Plan]:
        self.now_ns += NS_PER_SEC
        view = self.fetch(step)
        plan = reconcile(self.local, view, self.state, symbols=frozenset(SYMBOLS))
        self.local = apply_plan(self.local, plan.actions)
        self.state = plan.state
        self.reported += [order.order_id for order in plan.foreign]
        for action in plan.actions:
            if isinstance(action, Close) and self.venue[action.venue.cid].status.is_open:
                self._at_venue(action.venue.cid, status=OrderStatus.CANCELLED)
        return view, plan

    def position(self, symbol: str) -> int:
        own = sum(e.side.sign * e.qty_lots for e in self.executions if e.symbol == symbol)
        return own + self.manual[symbol]

    def _answer(self, part: str) -> Any:
        orders = self.venue.values()
        return {
            "open_orders": tuple(o for o in orders if o.status.is_open),
            "history": tuple(o for o in orders if not o.status.is_open),
            "executions": tuple(self.executions),
            "positions": {s: self.position(s) for s in SYMBOLS if self.position(s)},
        }[part]

    # --- small things -----------------------------------------------------------------------------

    def _new_order(self, step: Step, cid: str) -> VenueOrder:
        return VenueOrder(
            order_id=f"V{cid}",
            cid=cid,
            symbol=SYMBOLS[step.pick % 2],
            side=Side.BUY if step.pick % 3 else Side.SELL,
            status=OrderStatus.OPEN,
            price_ticks=100 + step.pick,
            qty_lots=step.size,
            filled_lots=0,
        )

    def _next(self) -> int:
        self.count += 1
        return self.count

    @staticmethod
    def _pick(items: Any, step: Step) -> Any:
        return items[step.pick % len(items)] if items else None
