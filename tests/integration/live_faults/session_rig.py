"""A live session and the exchange that it trades on, in one process and one loop.

The session is built as `mmbot run --mode live` builds it, over real sockets. A judge looks at both
sides between any two steps of the loop, where neither can be half-way through something.

Deadlines are measured net of stalls: time in which this process had no processor. A session that
computes for too long gets nothing off, for then the process has one.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.ports.world import SYMBOL, World, exchange
from tests.fault_rows import LEAVES
from tests.integration.live_faults.judge import LOOK_S, Judge

from mmbot.cli.live_venue import (
    ListedVenue,
    ask_venue,
    instrument_of,
    own_prefix,
    venue_sets,
)
from mmbot.cli.venue_wire import NamedVenue
from mmbot.clock import wall_ns
from mmbot.config import AppConfig, ConfigRequest, LoadedConfig, lane_params
from mmbot.config.runtime import RuntimeConfig
from mmbot.config.session import session_params
from mmbot.store.audit_chain import verify
from mmbot.store.audit_log import AuditLog
from mmbot.store.journal import JournalReader
from mmbot.trading.identity import SessionIdentity
from mmbot.trading.journaling import journal_header
from mmbot.trading.live.fault_book import FaultWatch
from mmbot.trading.live.fault_kinds import COUNTED_ONLY
from mmbot.trading.live.fault_sources import FaultSources
from mmbot.trading.live.limits_watch import LimitsWatch
from mmbot.trading.live.opening import Beginning, Opened, Wanted, open_session
from mmbot.trading.live.parameters import CoreParameters, ReloadWatch, fee_params
from mmbot.trading.live.shell import Shell
from mmbot.trading.live.shell_records import ShellEnd, ShellPlan
from mmbot.trading.live.shutdown import Stage
from mmbot.trading.live.watches import ClockWatch, ListingWatch
from mmbot.trading.live_config import LiveConfig
from mmbot.trading.reconcile import OwnScope
from mmbot.trading.replaying import replay_journal
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.bybit.adapter import BybitVenue
from mmbot.venues.bybit.build import build_bybit
from mmbot.venues.bybit.codes import BYBIT_CODES

KEYS = {"BYBIT_API_KEY": "key-1", "BYBIT_API_SECRET": "secret-of-1"}
PATIENCE_S = 60.0
STORY_S = 900.0
_OURS = 1
# Quotes stand inside the spread of the exchange's book, so that somebody can trade with them.
_SETS = (
    "runtime_guard.enabled=false",
    "trading.base_spread_bps=0.2",
    "ha_failover.drain_timeout_ms=15000",
)


@dataclass
class Live:
    """A session that trades."""

    world: World
    port: BybitVenue
    opened: Opened
    shell: Shell
    judge: Judge
    lines: list[str]
    stages: list[tuple[int, str]]
    faults: FaultWatch
    audit: AuditLog
    ended: ShellEnd | None = None

    @property
    def end(self) -> ShellEnd:
        """How it ended; of one that has."""
        assert self.ended is not None
        return self.ended

    @property
    def journal(self) -> Path:
        """Its journal."""
        return self.opened.writer.path

    @property
    def counts(self) -> dict[str, int]:
        """What went wrong so far, by the name of its counter."""
        return self.faults.book.totals

    def said(self, text: str) -> bool:
        """Whether a line of the log holds a text."""
        return any(text in line for line in self.lines)

    def own_open(self) -> list[str]:
        """What rests at the venue."""
        return [one for one in self.world.open_cids() if one.startswith(self.judge.prefix)]

    def records(self, *kinds: str) -> list[dict[str, Any]]:
        """Records of the journal; all of them once the session has ended."""
        return list(JournalReader(self.journal).records(kinds=kinds))

    def placed(self, since_ns: int = 0) -> list[dict[str, Any]]:
        """New orders that it wanted since a moment."""
        intents = self.records("intent")
        return [one for one in intents if one["action"] == "place" and one["ts_ns"] >= since_ns]

    def venue_orders(self) -> list[Any]:
        """All orders of ours that the venue ever had."""
        orders = self.world.exchange.desks[_OURS].orders.values()
        return [one for one in orders if one.terms.link_id.startswith(self.judge.prefix)]

    async def until(self, holds: Callable[[], object], within_s: float = PATIENCE_S) -> int:
        """Wait until something is so; the moment."""
        deadline_ns = wall_ns() + int(within_s * NS_PER_SEC)
        while not holds():
            assert wall_ns() < deadline_ns, f"did not happen: {self.lines[-10:]}"
            await asyncio.sleep(LOOK_S)
        return wall_ns()

    async def quoting(self) -> int:
        """Wait until orders rest on both sides."""
        return await self.until(lambda: len(self.own_open()) >= 2)


def play(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story of a session; one that hangs fails."""

    async def whole() -> None:
        await asyncio.wait_for(story(), STORY_S)

    asyncio.run(whole())


@contextmanager
def exchange_beside() -> Iterator[World]:
    """An exchange in a thread of its own, which goes on while the session stands still."""
    made: list[tuple[World, asyncio.AbstractEventLoop, asyncio.Event]] = []
    ready = threading.Event()

    async def serve() -> None:
        stop = asyncio.Event()
        async with exchange() as world:
            made.append((world, asyncio.get_running_loop(), stop))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(PATIENCE_S)
    world, loop, stop = made[0]
    try:
        yield world
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE_S)


@asynccontextmanager
async def trading(
    world: World,
    directory: Path,
    *,
    sets: Sequence[str] = (),
    symbols: tuple[str, ...] = (SYMBOL,),
    strategy: Any = None,
    has_ghosts: bool = False,
    is_locked_out: bool = False,
    keep_orders: bool = False,
    row: int = 0,
    leaves: Sequence[str] = (),
) -> AsyncIterator[Live]:
    """A session on `world`, ended in order afterwards, and then judged as a whole.

    Args:
        world: the exchange.
        directory: of the journal.
        sets: configuration.
        symbols: that it trades.
        strategy: of its own, as `Wanted.strategy`.
        has_ghosts: requests may take effect after they were given up: then an order may rest
            uncounted until it is heard of.
        is_locked_out: at the end the venue tells the session nothing any more.
        keep_orders: leave them at the end.
        row: of the table of faults: what it says that a fault leaves is there afterwards.
        leaves: other faults that have to have a counter and a line in the audit.
    """
    given = (*venue_sets("bybit", world.rest_url), *_SETS, *sets)
    lines: list[str] = []
    request = ConfigRequest(symbols=symbols, sets=given)
    runtime = RuntimeConfig(RuntimeConfig.load(request, lines.append), lines.append)
    loaded, config = runtime.loaded, runtime.config
    port = build_bybit(config, env=KEYS, seed=7)
    stages: list[tuple[int, str]] = []
    try:
        named = NamedVenue(port=port, codes=BYBIT_CODES, verdict=port.clock_verdict)
        venue = await ask_venue(
            named, config, mode="live", seed=7, calibration=None, log=lines.append
        )
        opened = _opened(loaded, venue, directory, strategy, lines)
        audit = AuditLog(directory / "audit.jsonl", lines.append)
        faults = FaultWatch(audit.put, FaultSources)
        shell = Shell(
            _plan(config, venue),
            opened,
            port,
            watches=(
                ClockWatch(port.clock_verdict),
                ListingWatch(period_ns=NS_PER_SEC),
                LimitsWatch(_reload(runtime, opened, venue, strategy).set_cut),
                faults,
            ),
            on_stage=lambda _shell, stage, _text: stages.append((wall_ns(), stage)),
            log=lines.append,
        )
        judge = Judge(world, own_prefix(config), shell)
        live = Live(world, port, opened, shell, judge, lines, stages, faults, audit)
        with audit:
            async with _running(live, keep_orders=keep_orders):
                yield live
            faults.end(shell, wall_ns())
        _judge_whole(live, keep_orders=keep_orders)
        _judge_faults(live, (*leaves, *LEAVES.get(row, ())))
        if not is_locked_out:
            _judge_positions(live)
        if not has_ghosts:
            assert judge.found == []
    finally:
        await port.aclose()


def _reload(
    runtime: RuntimeConfig, opened: Opened, venue: ListedVenue, strategy: Any
) -> ReloadWatch:
    symbols = opened.identity.symbols
    live = LiveConfig(symbols, overrides=_external(strategy), cid_prefix=opened.identity.cid_prefix)
    return ReloadWatch(runtime, live, CoreParameters(opened.core, symbols, wall_ns, venue.fees))


def _external(strategy: Any) -> dict[str, str]:
    return {} if strategy is None else {"strategy.kind": "external"}


def _opened(
    loaded: LoadedConfig, venue: ListedVenue, directory: Path, strategy: Any, lines: list[str]
) -> Opened:
    config = loaded.config
    symbols = config.trading.symbols
    identity = SessionIdentity.of(config, symbols)
    external = _external(strategy)

    def begin() -> Beginning:
        header = journal_header(loaded, identity, mode="live", seed=7)
        return Beginning(
            identity=identity,
            header=header | {"ts_ns": wall_ns()},
            params=[
                lane_params(config, one) | external | fee_params(venue.fees.get(one))
                for one in symbols
            ],
            session=session_params(config, symbols, cid_prefix=identity.cid_prefix),
            seed=7,
        )

    wanted = Wanted(
        journal_dir=directory,
        fsync_ms=config.storage.journal_fsync_ms,
        bot_prefix=own_prefix(config),
        mode="live",
        instruments=[instrument_of(venue.rules[one]) for one in symbols],
        hash_every_ns=NS_PER_SEC,
        strategy=strategy,
    )
    return open_session(wanted, begin, now_ns=wall_ns(), log=lines.append)


def _plan(config: AppConfig, venue: ListedVenue) -> ShellPlan:
    symbols = config.trading.symbols
    return ShellPlan(
        symbols=symbols,
        depth=50,
        duration_ns=None,
        drain_timeout_ns=config.ha_failover.drain_timeout_ms * NS_PER_MS,
        scope=OwnScope(own_prefix(config), frozenset(symbols)),
        rules=venue.rules,
        fee_assets=dict.fromkeys(symbols, "USDT"),
        codes=BYBIT_CODES,
        seed=7,
    )


@asynccontextmanager
async def _running(live: Live, *, keep_orders: bool) -> AsyncIterator[None]:
    session = asyncio.create_task(live.shell.run(lambda: keep_orders))
    looking: asyncio.Task[None] | None = None
    try:
        await live.until(lambda: session.done() or "trading" in [name for _, name in live.stages])
        looking = asyncio.create_task(live.judge.run())
        yield
    finally:
        live.shell.stop("test")
        done = await asyncio.wait_for(asyncio.gather(session, return_exceptions=True), PATIENCE_S)
        if looking is not None:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
    (end,) = done
    assert isinstance(end, ShellEnd), end
    live.ended = end


def _judge_whole(live: Live, *, keep_orders: bool) -> None:
    """What holds for every session, whatever it went through."""
    assert live.judge.looks > 0
    links = [one.terms.link_id for one in live.venue_orders()]
    assert len(links) == len(set(links)), "an order was sent twice"
    if live.end.stop.stage is Stage.VERIFIED and not keep_orders:
        assert live.own_open() == []
    replayed = replay_journal(live.journal)
    assert replayed.diff_seq is None, replayed
    assert replayed.actions > 0 or live.end.fatal is not None


def _judge_faults(live: Live, leaves: Sequence[str]) -> None:
    """Each fault has its counter and its audit lines, and there are not more of those than that."""
    log = live.audit.path.read_bytes().splitlines() if live.audit.path.exists() else []
    assert verify(log).broken == 0
    fields = [json.loads(line)["fields"] for line in log]
    begun, ended = (
        Counter((one["name"], one["detail"]) for one in fields if (one["event"] == "begin") is want)
        for want in (True, False)
    )
    assert begun == ended
    for name in leaves:
        kind, _, detail = name.partition(".")
        assert live.counts.get(name), f"{name} is not counted: {live.counts}"
        assert begun[kind, detail] > 0, f"{name} is not in the audit: {begun}"
    counted = {name.partition(".")[0] for name in live.counts}
    assert counted - {name for name, _ in begun} <= {one.value for one in COUNTED_ONLY}


def _judge_positions(live: Live) -> None:
    """Ours are the venue's."""
    for symbol in live.shell.plan.symbols:
        lots = live.world.position_lots(symbol)
        assert live.shell.desk.ledger.position_lots(symbol) == lots
        assert live.shell.desk.core.position_lots(symbol) == lots
