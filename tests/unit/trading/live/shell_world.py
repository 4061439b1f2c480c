"""A whole session in one process: the shell over a market of frames and virtual orders."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.unit.trading.live.disks import Disk
from tests.unit.trading.live.live_sessions import BOT, beginning, wanted
from tests.unit.trading.live.made_orders import MS, RULES, SYMBOL

from mmbot.clock import wall_ns
from mmbot.store.journal import JournalReader
from mmbot.trading.live.opening import Opened, open_session
from mmbot.trading.live.shadowing import MarketTap
from mmbot.trading.live.shell import Shell
from mmbot.trading.live.shell_records import ShellEnd, ShellPlan, Watch
from mmbot.trading.reconcile import OwnScope
from mmbot.units import NS_PER_SEC
from mmbot.venues.bybit.codes import BYBIT_CODES
from mmbot.venues.connector_faults import ConnectorFaults
from mmbot.venues.ports import PublicFrame, StreamChange
from mmbot.venues.records import FeeRates
from mmbot.venues.virtual import VirtualVenue

FEES = FeeRates(symbol=SYMBOL, maker="-0.0001", taker="0.0006")
_FRAME_SEC = 0.02


def snapshot(number: int, mid_ticks: int) -> bytes:
    """A book of ten levels a side."""
    side = [(str(RULES.price_text(mid_ticks - at)), "5") for at in range(1, 11)]
    other = [(str(RULES.price_text(mid_ticks + at)), "5") for at in range(1, 11)]
    now_ms = wall_ns() // MS
    return json.dumps(
        {
            "topic": f"orderbook.50.{SYMBOL}",
            "type": "snapshot",
            "ts": now_ms,
            "cts": now_ms,
            "data": {"s": SYMBOL, "b": side, "a": other, "u": number, "seq": number},
        }
    ).encode("ascii")


@dataclass
class Source:
    """A market that hardly moves, frame by frame."""

    name: str = "somewhere"
    resubscribed: int = 0
    mid_ticks: int = 500_000
    faults: ConnectorFaults = field(default_factory=ConnectorFaults)

    async def instruments(self, symbols: Any) -> dict[str, Any]:
        return dict.fromkeys(symbols, RULES)

    async def server_time_ns(self) -> int:
        return wall_ns()

    async def public_frames(self, symbols: Any, *, depth: int) -> AsyncIterator[PublicFrame]:
        assert (tuple(symbols), depth) == ((SYMBOL,), 50)
        number = 1
        while True:
            number += 1
            yield PublicFrame(wall_ns(), snapshot(number, self.mid_ticks + number // 10 % 2))
            await asyncio.sleep(_FRAME_SEC)

    async def follow(self, symbols: Any, *, depth: int, take: Any) -> None:
        async for frame in self.public_frames(symbols, depth=depth):
            take(frame)

    async def resubscribe(self, symbols: Any) -> None:
        assert tuple(symbols) == (SYMBOL,)
        self.resubscribed += 1

    async def aclose(self) -> None:
        return


class Port(VirtualVenue):
    """Virtual orders, and what a test has the venue say besides."""

    is_down = False
    asked = 0

    def say(self, event: Any) -> None:
        self._events.put_nowait(event)

    async def open_orders(self) -> Any:
        self.asked += 1
        while self.is_down:
            await asyncio.sleep(0.01)
        return await super().open_orders()


@dataclass
class World:
    """One session; `play` runs it with a story beside it."""

    directory: Path
    watches: list[Watch] = field(default_factory=list)
    stages: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    drain_sec: float = 5.0
    disk: Disk = field(init=False)

    def __post_init__(self) -> None:
        self.source = Source()
        sim = {"latency_ms_mean": 2}
        self.port = Port(
            self.source, {SYMBOL: RULES}, {SYMBOL: FEES}, sim=sim, seed=3, clock=wall_ns
        )
        now_ns = wall_ns()
        begun = beginning()
        begun = replace(begun, header={**begun.header, "ts_ns": now_ns})
        self.opened: Opened = open_session(
            wanted(self.directory), lambda: begun, now_ns=now_ns, log=self.lines.append
        )
        self.disk = Disk(self.opened.writer)
        tap = MarketTap(self.disk, (SYMBOL,), self.port.on_rows)
        self.shell = Shell(
            self.plan(),
            self.opened,
            self.port,
            watches=self.watches,
            on_stage=lambda _shell, stage, text: self.stages.append((stage, text)),
            log=self.lines.append,
            journal=tap,
        )

    def plan(self) -> ShellPlan:
        return ShellPlan(
            symbols=(SYMBOL,),
            depth=50,
            duration_ns=None,
            drain_timeout_ns=int(self.drain_sec * NS_PER_SEC),
            scope=OwnScope(BOT, frozenset({SYMBOL})),
            rules={SYMBOL: RULES},
            fee_assets={SYMBOL: "USDT"},
            codes=BYBIT_CODES,
            seed=3,
        )

    def play(self, story: Callable[[World], Any], *, keep: bool = False) -> ShellEnd:
        """Run the session; it is stopped when the story is over."""

        async def tell() -> ShellEnd:
            running = asyncio.create_task(self.shell.run(lambda: keep))
            try:
                await asyncio.wait_for(story(self), 60)
            finally:
                self.shell.stop("interrupted")
            return await running

        return asyncio.run(tell())

    async def until(self, what: Callable[[], Any]) -> None:
        """Wait for what is awaited; the story has a minute."""
        while not what():
            await asyncio.sleep(0.01)

    async def quoting(self) -> None:
        await self.until(lambda: len(self.port._orders) >= 2)

    def resting(self) -> list[str]:
        return sorted(self.port._orders)

    def journal(self, *kinds: str) -> list[dict[str, Any]]:
        return list(JournalReader(self.opened.writer.path).records(kinds=kinds))

    @property
    def path(self) -> Path:
        return self.opened.writer.path


def reconnected(*, is_connected: bool) -> StreamChange:
    return StreamChange(wall_ns(), is_connected=is_connected)
