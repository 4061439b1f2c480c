"""Looks at both sides of a live session between any two steps of the loop.

Deadlines are measured net of stalls: time in which this process had no processor.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import process_time_ns

from tests.conformance.ports.world import World

from mmbot.clock import wall_ns
from mmbot.trading.live.shell import Shell
from mmbot.units import NS_PER_MS

__all__ = ["LOOK_S", "Judge"]

LOOK_S = 0.003
_OURS = 1
_STALL_NS = 15 * NS_PER_MS


@dataclass
class Judge:
    """Looks at the venue and at the session, and writes down what may not be.

    `heard_ns` is when the session last took in a public frame.
    """

    world: World
    prefix: str
    shell: Shell
    found: list[str] = field(default_factory=list)
    looks: int = 0
    heard_ns: int = 0
    frames: int = 0
    stalls: list[tuple[int, int]] = field(default_factory=list)

    async def run(self) -> None:
        """Look until it is cancelled."""
        last_ns, used_ns = wall_ns(), process_time_ns()
        while True:
            await asyncio.sleep(LOOK_S)
            now_ns, cpu_ns = wall_ns(), process_time_ns()
            idle_ns = now_ns - last_ns - (cpu_ns - used_ns)
            if idle_ns > _STALL_NS:
                self.stalls.append((now_ns - idle_ns, now_ns))
            last_ns, used_ns = now_ns, cpu_ns
            self.look()

    def net_ms(self, begin_ns: int, end_ns: int) -> float:
        """Time between two moments, stalls left out."""
        away = sum(max(0, min(end, end_ns) - max(start, begin_ns)) for start, end in self.stalls)
        return (end_ns - begin_ns - away) / NS_PER_MS

    def look(self) -> None:
        """Every order of ours at the venue is one that the session counts as open, once."""
        self.looks += 1
        core = self.shell.desk.core
        frames = sum(core.feed_counts(one)["frames"] for one in self.shell.plan.symbols)
        if frames != self.frames:
            self.frames, self.heard_ns = frames, wall_ns()
        ledger = self.shell.desk.ledger
        links: set[str] = set()
        for order in list(self.world.exchange.desks[_OURS].open.values()):
            link = order.terms.link_id
            if not link.startswith(self.prefix):
                continue
            if link in links:
                self.found.append(f"{link} rests twice")
            links.add(link)
            known = ledger.find(link)
            if known is None or not known.state.is_open:
                self.found.append(f"{link} rests and is not counted: {known}")
