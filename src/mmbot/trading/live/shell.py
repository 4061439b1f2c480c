"""The one shell of a session that meets a venue: frames and events in, requests out.

It has no opinion about trading. Every task does one thing: public frames, private events, timers,
overdue answers, reconciliation, watches. Whatever enters goes through the desk, and whatever the
core asks for leaves through `pump`, behind the journal. The start is a recovery and the end a
state machine; a task that fails ends the session in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Final

from mmbot.clock import monotonic_ns, wall_ns
from mmbot.errors import MmbotError, VenueError
from mmbot.ids import sub_seed
from mmbot.trading.live.adoption import Adoption
from mmbot.trading.live.asking import Asker
from mmbot.trading.live.busy_poll import busy_poll
from mmbot.trading.live.closing import close_orders
from mmbot.trading.live.desk import Desk, JournalFile
from mmbot.trading.live.foreign import ForeignOrders
from mmbot.trading.live.gate import Gate
from mmbot.trading.live.hearing import FrameTap, MarketEar
from mmbot.trading.live.holds import HoldReason, Holds
from mmbot.trading.live.opening import Opened
from mmbot.trading.live.recovering import RecoveryReport, begin_positions, recover
from mmbot.trading.live.rejects import RejectBrake
from mmbot.trading.live.reports import ReportSource
from mmbot.trading.live.sending import Sender
from mmbot.trading.live.shell_records import Heard, ShellEnd, ShellPlan, Watch
from mmbot.trading.live.shutdown import Shutdown, Stage
from mmbot.trading.live.state_file import StageName
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.ports import CallError, StreamChange, VenuePort
from mmbot.venues.records import ExecutionRecord, OrderRecord

if TYPE_CHECKING:
    from mmbot.core import OrderRequest

__all__ = ["Shell"]

# The core decides at most every `quote_refresh_ms`; a timer that is this late is not felt.
_TIMER_MAX_NS: Final = 20 * NS_PER_MS
_RESOLVE_NS: Final = 100 * NS_PER_MS
_CYCLE_LOOK_NS: Final = 200 * NS_PER_MS
_WATCH_NS: Final = 250 * NS_PER_MS
_CONNECT_NS: Final = 15 * NS_PER_SEC
_RECOVER_NS: Final = 30 * NS_PER_SEC
_IDLE_STOP_NS: Final = 2 * NS_PER_SEC
_GATE_STAGES: Final[dict[Stage, StageName]] = {
    Stage.GATE_CLOSED: "gate_closed",
    Stage.CANCELLING: "drained",
    Stage.VERIFYING: "cancelled",
    Stage.VERIFIED: "verified",
}


class Shell:
    """One session; `run` is called once.

    `reason` is why it ends, `fatal` what it could not go on with.
    """

    def __init__(
        self,
        plan: ShellPlan,
        opened: Opened,
        port: VenuePort,
        *,
        watches: Sequence[Watch],
        on_stage: Callable[[Shell, StageName, str], None],
        log: Callable[[str], None],
        journal: JournalFile | None = None,
        tap: FrameTap | None = None,
        clock: Callable[[], int] = wall_ns,
    ) -> None:
        self.plan = plan
        self.opened = opened
        self.port = port
        self.clock = clock
        self.log = log
        self.holds = Holds(plan.symbols)
        self.brake = RejectBrake(plan.symbols)
        self.heard = Heard()
        self.recovery: RecoveryReport | None = None
        ledger = opened.recalled.ledger
        records = opened.writer if journal is None else journal
        self.desk = Desk(opened.core, records, ledger, clock, opened.checkpoints)
        self.gate = Gate(ledger, self.brake, clock, log)
        self.ear = MarketEar(
            self.desk,
            port,
            plan.symbols,
            pump=self.pump,
            spawn=self._spawn,
            log=log,
            tap=tap,
        )
        self.source = ReportSource(ledger, plan.rules, plan.fee_assets)
        self.sender = Sender(
            port,
            self.desk,
            codes=plan.codes,
            batch_max=lambda symbol: plan.rules[symbol].batch_max,
            jitter=Random(sub_seed(plan.seed, "live:back-off")),
            on_fatal=self.fail,
            on_told=self.pump,
            on_refused=lambda why, symbol: self.brake.refused(why, symbol, self.clock()),
        )
        self.asker = Asker(
            port,
            self.desk,
            self.source,
            self.sender,
            self.holds,
            Adoption(self.desk, self.holds, plan.rules, log),
            plan.scope,
            plan.rules,
            since_ns=opened.recalled.since_ns,
            clock=clock,
            log=log,
            on_fatal=self.fail,
        )
        self._watches = tuple(watches)
        self._on_stage = on_stage
        self._over = asyncio.Event()
        self._connected = asyncio.Event()
        self.reason = "interrupted"
        self.fatal: str | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.foreign = ForeignOrders(self.desk, self.sender, plan.scope, self._spawn, log)
        self._newest: Sequence[OrderRequest] = ()

    @property
    def is_ending(self) -> bool:
        """Whether somebody has asked it to end."""
        return self._over.is_set()

    def stop(self, reason: str) -> None:
        """End the session in order."""
        if not self._over.is_set():
            self.reason = reason
            self._over.set()

    def fail(self, what: str) -> None:
        """End the session because it cannot go on."""
        if self.fatal is None:
            self.fatal = what
            self.log(f"| session | ERROR | fatal={what} |")
        self.stop("fatal")

    async def run(self, keep_orders: Callable[[], bool]) -> ShellEnd:
        """Recover, trade until the end, and stop; `keep_orders` is asked at the stop.

        Raises:
            MmbotError: recovery failed. Orders that may rest are cancelled if that can be done.
        """
        try:
            self._spawn(self._private(), "private stream")
            self.recovery = await self._recover()
            if not self._over.is_set():
                self._trade()
                timeout = self.plan.duration_ns
                with busy_poll(self.rehearse, is_wanted=self.plan.busy_poll):
                    await self._wait(None if timeout is None else timeout / NS_PER_SEC)
        finally:
            stop = await self._close(keep=self.recovery is not None and keep_orders())
        kept = len(self.desk.ledger.open_orders) if stop.keep_orders else 0
        return ShellEnd(
            reason=self.reason, fatal=self.fatal, stop=stop, recovery=self.recovery, kept=kept
        )

    def pump(self) -> None:
        """Send what the core wants, once its journal is on the disk."""
        if not self.brake.is_quiet:
            for line in self.brake.hold(self.holds, self.clock()):
                self.log(line)
        held = self.holds.held
        if held != self.desk.held:
            for symbol in self.plan.symbols:
                self.desk.hold(symbol, on=symbol in held)
        requests = self.desk.flush()
        if requests:
            staying = self.gate.staying(requests)
            if staying:
                self.desk.refuse(staying)
                requests = [one for one in requests if one not in staying]
            self.sender.send(requests)
            self._newest = requests
        self.desk.settle()

    def rehearse(self) -> None:
        """Go the way of a request without one, so that its code is at hand when one is due."""
        if not self.gate.is_open:
            return
        try:
            self.pump()
            self.desk.journal.rehearse()
            self.sender.rehearse(self._newest)
        except Exception as exc:  # noqa: BLE001 -- nobody else is above a callback of the loop
            self.fail(f"rehearsal:{exc}")

    def set_deaf(self, *, is_deaf: bool) -> None:
        """Take in no market data: every frame would be written down where there is no room."""
        if self.ear.set_deaf(is_deaf=is_deaf):
            self._spawn(self.port.resubscribe(self.plan.symbols), "resubscribe")

    async def _recover(self) -> RecoveryReport:
        self._on_stage(self, "recovering", "")
        waiter = asyncio.ensure_future(self._connected.wait())
        over = asyncio.ensure_future(self._over.wait())
        timeout = _CONNECT_NS / NS_PER_SEC
        await asyncio.wait((waiter, over), timeout=timeout, return_when="FIRST_COMPLETED")
        waiter.cancel()
        over.cancel()
        if not self._connected.is_set():
            why = self.fatal or "no connection"
            raise VenueError("E_VENUE_CALL", "private stream", why, detail="connect")
        await begin_positions(self.asker)
        report = await recover(
            self.asker,
            timeout_ns=_RECOVER_NS,
            torn_records=self.opened.torn_records,
            wake=self.pump,
        )
        self.heard.cycled_ns = self.clock()
        self.log(report.marker)
        return report

    def _trade(self) -> None:
        self.gate.is_open = True
        self._on_stage(self, "trading", "")
        self._spawn(self.ear.listen(depth=self.plan.depth), "public stream")
        self._spawn(self._timers(), "timers")
        self._spawn(self._every(_RESOLVE_NS, self._resolve), "overdue answers")
        self._spawn(self._every(_CYCLE_LOOK_NS, self._reconcile), "reconciliation")
        self._spawn(self._every(_WATCH_NS, self._watch), "watches")

    async def _close(self, *, keep: bool) -> Shutdown:
        self.gate.is_open = False
        self.desk.core.control(self.clock(), "keep_orders" if keep else "stop")
        self.pump()
        begin = Shutdown(
            keep_orders=keep,
            started_ns=self.clock(),
            timeout_ns=self._stop_timeout_ns(),
        )
        try:
            stop = await close_orders(
                begin, self.asker, self.sender, step=self._closing_step, on_stage=self._tell_stage
            )
        finally:
            await self._end_tasks()
            self._end_journal(keep=keep)
        return stop

    def _stop_timeout_ns(self) -> int:
        """A session that has sent nothing leaves nothing that would be worth the wait."""
        is_idle = not self.sender.counters.sent and not self.desk.ledger.open_orders
        most_ns = self.plan.drain_timeout_ns
        return min(_IDLE_STOP_NS, most_ns) if is_idle else most_ns

    def _tell_stage(self, stop: Shutdown) -> None:
        stage = _GATE_STAGES.get(stop.stage)
        if stage is not None:
            text = "kept" if stop.keep_orders else f"left={len(stop.left)}"
            self._on_stage(self, stage, text)

    async def _closing_step(self) -> None:
        await self._resolve()
        for watch in self._watches:
            await watch.look(self, self.clock())

    def _end_journal(self, *, keep: bool) -> None:
        now_ns = self.clock()
        if not keep:
            self.desk.core.end(now_ns, self.reason)
        self.desk.write()
        self.opened.checkpoints.close()
        self.opened.writer.close()

    async def _end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.sender.aclose()

    async def _wait(self, timeout: float | None) -> None:  # noqa: ASYNC109 -- it is the duration
        try:
            await asyncio.wait_for(self._over.wait(), timeout)
        except TimeoutError:
            self.stop("duration")

    async def _private(self) -> None:
        async for event in self.port.private_events():
            self.heard.private_ns = self.clock()
            match event:
                case OrderRecord():
                    self._on_order(event)
                case ExecutionRecord():
                    self.desk.tell(self.source.on_execution(event))
                case StreamChange(is_connected=is_connected):
                    self._on_connection(is_connected=is_connected)
                case _:
                    continue
            self.pump()

    def _on_order(self, record: OrderRecord) -> None:
        if self.foreign.takes(record):
            return
        for report in self.source.on_order(record):
            if report.kind == "rejected":
                self.brake.refused("rejected", record.symbol, self.clock())
            self.desk.tell([report])

    def _on_connection(self, *, is_connected: bool) -> None:
        if is_connected:
            self._connected.set()
            self.heard.reconnected_ns = self.clock()
        else:
            self.holds.put(HoldReason.PRIVATE, "disconnected")
            self.log("| private | LOST | quoting stops until it is back and reconciled |")

    async def _timers(self) -> None:
        core = self.desk.core
        frames = dict.fromkeys(self.plan.symbols, 0)
        while True:
            now_ns = self.clock()
            wait_ns = min(max(core.next_due_ns() - now_ns, NS_PER_MS), _TIMER_MAX_NS)
            slept_ns = monotonic_ns()
            await asyncio.sleep(wait_ns / NS_PER_SEC)
            self.heard.woke(monotonic_ns() - slept_ns - wait_ns)
            now_ns = self.clock()
            core.on_timer(now_ns)
            self.asker.adoption.book()
            self.pump()
            for symbol in self.plan.symbols:
                count = core.feed_counts(symbol)["frames"]
                if count != frames[symbol]:
                    frames[symbol], self.heard.market_ns[symbol] = count, now_ns
            self.ear.ask_anew()

    async def _resolve(self) -> None:
        if await self.asker.resolve():
            self.pump()

    async def _reconcile(self) -> None:
        heard = self.heard
        now_ns = self.clock()
        if heard.cycle_due_ns(now_ns, is_paused=self.holds.has(HoldReason.DESYNC)) > now_ns:
            return
        reconnected_ns = heard.reconnected_ns
        result = await self.asker.cycle()
        heard.cycled_ns = self.clock()
        is_answered = result.fetched.open_orders is not None
        if is_answered and heard.reconnected_ns == reconnected_ns:
            heard.reconnected_ns = None
            if self.holds.lift(HoldReason.PRIVATE):
                self.log("| private | OK | back and reconciled |")
        self.pump()

    async def _watch(self) -> None:
        for watch in self._watches:
            await watch.look(self, self.clock())
        self.pump()

    async def _every(self, period_ns: int, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            await work()
            await asyncio.sleep(period_ns / NS_PER_SEC)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.append(task)
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks = [one for one in self._tasks if one is not task]
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, CallError):
            self.asker.counters.failures[error.failure.label] += 1
        if isinstance(error, MmbotError):
            self.fail(f"{task.get_name()}: {error}")
        elif error is not None:
            self.fail(f"{task.get_name()}: {type(error).__name__}: {error}")
