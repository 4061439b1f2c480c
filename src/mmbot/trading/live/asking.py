"""Asking the venue: for single orders past their deadline, and for everything in a cycle.

The shell around `deadlines` and `mmbot.trading.reconcile`: it fetches, and does what they decided.
A call that fails is an answer that did not come, never an empty one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from mmbot.trading.live.adoption import Adoption
from mmbot.trading.live.deadlines import Deadlines, Question
from mmbot.trading.live.holds import HoldReason, Holds
from mmbot.trading.reconcile import (
    Action,
    Close,
    MarkCanceled,
    MarkFilled,
    OwnScope,
    PauseQuoting,
    Plan,
    PositionMismatch,
    ReattachFill,
    ReconcileState,
    ResumeQuoting,
    UpdateState,
    reconcile,
)
from mmbot.trading.reconcile.fetched import Fetched, venue_view
from mmbot.units import NS_PER_MIN
from mmbot.venues.ports import CallError, VenuePort
from mmbot.venues.records import (
    ExecutionRecord,
    InstrumentRules,
    OrderRecord,
    PositionRecord,
)

if TYPE_CHECKING:
    from mmbot.trading.live.desk import Desk
    from mmbot.trading.live.reports import ReportSource
    from mmbot.trading.live.sending import Sender

__all__ = ["Asker", "AskingCounters", "CycleResult"]

T = TypeVar("T")
# Executions are asked for since the last one known, and this much before it.
_OVERLAP_NS: Final = NS_PER_MIN
_QUESTIONS_AT_ONCE: Final = 8


@dataclass(slots=True)
class AskingCounters:
    """What was asked and found.

    Attributes:
        actions: ``reconcile_actions_total`` by action.
        cycles: comparisons so far.
        failures: questions that failed, by `Failure.label`.
        not_found: questions for an order that the venue does not know.
        lost_orders: orders given up because of that.
        fills_healed: executions that no stream had told before.
        closed: orders of the bot that are not the session's, by client order id.
    """

    actions: dict[str, int] = field(default_factory=dict)
    cycles: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    not_found: int = 0
    lost_orders: int = 0
    fills_healed: int = 0
    closed: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class CycleResult:
    """A cycle: its plan, and the venue's answers that it was made from."""

    plan: Plan
    fetched: Fetched


@dataclass(slots=True)
class Asker:
    """Asks, and tells the desk.

    Attributes:
        since_ns: executions and ended orders from before this are of no interest.
    """

    port: VenuePort
    desk: Desk
    source: ReportSource
    sender: Sender
    holds: Holds
    adoption: Adoption
    scope: OwnScope
    rules: Mapping[str, InstrumentRules]
    since_ns: int
    clock: Callable[[], int]
    log: Callable[[str], None]
    on_fatal: Callable[[str], None]
    state: ReconcileState = field(default_factory=ReconcileState)
    counters: AskingCounters = field(default_factory=AskingCounters)
    deadlines: Deadlines = field(default_factory=Deadlines)

    async def resolve(self) -> int:
        """Ask for the orders whose answers are overdue; return how many were asked for."""
        questions = self.deadlines.due(self.desk.ledger, self.clock())
        for start in range(0, len(questions), _QUESTIONS_AT_ONCE):
            part = questions[start : start + _QUESTIONS_AT_ONCE]
            found = await asyncio.gather(*(self._ask(one) for one in part))
            executions = await self._answered(self.port.executions(since_ns=self._since_ns()))
            if executions is None:
                continue
            self._book(executions)
            for question, (is_answer, record) in zip(part, found, strict=True):
                if is_answer:
                    self._judge(question, record)
        return len(questions)

    async def cycle(self) -> CycleResult:
        """Fetch everything, decide, and do it."""
        fetched = await self._fetch()
        answers = venue_view(fetched, scope=self.scope, instruments=self.rules)
        for error in answers.errors:
            self.log(f"| reconcile | WARN | {error} |")
        plan = reconcile(
            self.desk.ledger.view(self.scope.symbols),
            answers.view,
            self.state,
            symbols=self.scope.symbols,
        )
        self.state = plan.state
        self.counters.cycles += 1
        result = CycleResult(plan, fetched)
        await self._do(result)
        return result

    async def own_open(self) -> list[OrderRecord] | None:
        """Our open orders at the venue; None if it could not be asked."""
        records = await self._answered(self.port.open_orders())
        if records is None:
            return None
        return [one for one in records if self.scope.owns(cid=one.cid, symbol=one.symbol)]

    def failed(self, exc: CallError) -> None:
        """A question of the session was not answered."""
        self.counters.failures[exc.failure.label] += 1
        self.log(f"| venue | WARN | {exc} |")

    async def _fetch(self) -> Fetched:
        started_ns, since_ns = self.clock(), self._since_ns()
        open_orders, history, executions, positions = await asyncio.gather(
            self._answered(self.port.open_orders()),
            self._answered(self.port.order_history(since_ns=since_ns)),
            self._answered(self.port.executions(since_ns=since_ns)),
            self._answered(self.port.positions()),
        )
        return Fetched(
            started_ns=started_ns,
            open_orders=open_orders,
            history=history,
            executions=executions,
            positions=positions,
        )

    async def _answered(self, call: Awaitable[T]) -> T | None:
        try:
            return await call
        except CallError as exc:
            self.failed(exc)
            if exc.failure.code is not None and self._is_fatal(exc):
                self.on_fatal(exc.failure.label)
            return None

    def _is_fatal(self, exc: CallError) -> bool:
        return self.sender.is_fatal(exc.failure)

    def _since_ns(self) -> int:
        newest_ns = self.desk.ledger.last_exec_ns
        return self.since_ns if newest_ns is None else max(self.since_ns, newest_ns - _OVERLAP_NS)

    async def _ask(self, question: Question) -> tuple[bool, OrderRecord | None]:
        call = self.port.find_order(symbol=question.symbol, cid=question.client_id)
        try:
            return True, await call
        except CallError as exc:
            self.failed(exc)
            return False, None

    def _judge(self, question: Question, record: OrderRecord | None) -> None:
        order = self.desk.ledger.find(question.client_id)
        if order is None:
            return
        # While the request itself is on its way the venue may just not have it yet.
        is_busy = self.sender.is_busy(question.client_id)
        is_overdue = not is_busy and order.asked_ns < question.asked_ns
        self.counters.not_found += record is None
        if record is not None:
            self.desk.tell(self.source.on_order(record, is_answer=is_overdue))
        elif is_overdue and self.deadlines.is_lost(order, question):
            self.counters.lost_orders += 1
            self.log(f"| order | WARN | lost cid={order.client_id} symbol={order.symbol} |")
            self.desk.tell(self.source.on_lost(order))

    def _book(self, executions: Sequence[ExecutionRecord]) -> None:
        for record in sorted(executions, key=lambda one: (one.ts_ns, one.seq, one.exec_id)):
            is_ours = self.scope.owns(cid=record.cid, symbol=record.symbol)
            if is_ours and not self.desk.ledger.is_booked(record.exec_id):
                self.counters.fills_healed += self.desk.tell(self.source.on_execution(record))

    async def _do(self, result: CycleResult) -> None:
        records = _Records.of(result.fetched)
        closing: dict[str, list[str]] = {}
        for action in result.plan.actions:
            name = action.name.value
            self.counters.actions[name] = self.counters.actions.get(name, 0) + 1
            if isinstance(action, Close):
                closing.setdefault(action.venue.symbol, []).append(action.venue.cid)
                self.counters.closed.add(action.venue.cid)
            self._apply(action, records)
        for alert in result.plan.alerts:
            self.log(f"| reconcile | ALERT | action={alert.name.value} cause={alert.cause.value} |")
        for one in result.plan.violations:
            self.log(f"| reconcile | ALERT | invariant={one.invariant.value} what={one.subject} |")
        for symbol, client_ids in closing.items():
            await self.sender.cancel(symbol, client_ids)

    def _apply(self, action: Action, records: _Records) -> None:
        match action:
            case ReattachFill():
                self._reattach(action, records)
            case UpdateState(venue=venue):
                is_overdue = not self.sender.is_busy(venue.cid)
                record = records.resting[venue.cid]
                self.desk.tell(self.source.on_order(record, is_answer=is_overdue))
            case MarkFilled(local=local) | MarkCanceled(local=local):
                self._end(local.cid, records, is_full=isinstance(action, MarkFilled))
            case PositionMismatch(symbol=symbol, venue_lots=lots, fills_lots=fills):
                text = f"E_STORE_POSITION_MISMATCH:{symbol}: venue_lots={lots} fills_lots={fills}"
                self.desk.ledger.adopt(symbol, lots)
                if self.holds.put(HoldReason.POSITION, text, [symbol]):
                    self.log(f"| reconcile | ALERT | {text} |")
            case PauseQuoting(cause=cause):
                self.holds.put(HoldReason.DESYNC, cause.value)
            case ResumeQuoting(symbol=str(symbol)):
                self.desk.ledger.explained(symbol)
                self.holds.lift(HoldReason.POSITION, [symbol])
            case ResumeQuoting():
                self.holds.lift(HoldReason.DESYNC)
            case Close():
                # Done together, once everything else is known.
                return

    def _reattach(self, action: ReattachFill, records: _Records) -> None:
        if action.local is None:
            self.adoption.add(action.execution)
        else:
            record = records.executions[action.execution.exec_id]
            self.counters.fills_healed += self.desk.tell(self.source.on_execution(record))

    def _end(self, client_id: str, records: _Records, *, is_full: bool) -> None:
        order = self.desk.ledger.find(client_id)
        if order is None:
            return
        record = records.ended.get(client_id)
        if record is not None:
            self.desk.tell(self.source.on_order(record))
        if order.state.is_open:
            ends = self.source.on_full(order) if is_full else self.source.on_lost(order)
            self.desk.tell(ends)


@dataclass(frozen=True, slots=True)
class _Records:
    """The venue's records of a cycle by id."""

    resting: Mapping[str, OrderRecord]
    ended: Mapping[str, OrderRecord]
    executions: Mapping[str, ExecutionRecord]
    positions: Mapping[str, PositionRecord]

    @classmethod
    def of(cls, fetched: Fetched) -> _Records:
        return cls(
            {one.cid: one for one in fetched.open_orders or ()},
            {one.cid: one for one in fetched.history or ()},
            {one.exec_id: one for one in fetched.executions or ()},
            {one.symbol: one for one in fetched.positions or ()},
        )
