"""What a watch sees of a shell."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tests.unit.trading.live.made_orders import RULES, SYMBOL

from mmbot.trading.live.holds import Holds


@dataclass
class Place:
    """What a watch sees of a shell."""

    port: Any = None
    lines: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    deaf: list[bool] = field(default_factory=list)

    def __post_init__(self):
        self.holds = Holds((SYMBOL,))
        self.plan = SimpleNamespace(symbols=(SYMBOL,), rules={SYMBOL: RULES})
        self.desk = SimpleNamespace(disk_error=None, write=lambda: True)
        self.log, self.stop, self.fail = (
            self.lines.append,
            self.stopped.append,
            self.failed.append,
        )
        self.asker = SimpleNamespace(failed=lambda exc: self.log(f"| venue | WARN | {exc} |"))

    def set_deaf(self, *, is_deaf):
        self.deaf.append(is_deaf)

    def look(self, watch, now_ns=0):
        asyncio.run(watch.look(self, now_ns))
