"""What a session is to do, what it has heard, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mmbot.trading.live.recovering import RecoveryReport
from mmbot.trading.live.shutdown import Shutdown
from mmbot.trading.reconcile import OwnScope
from mmbot.venues.failures import VenueCodes
from mmbot.venues.records import InstrumentRules

if TYPE_CHECKING:
    from mmbot.trading.live.shell import Shell

__all__ = ["Heard", "ShellEnd", "ShellPlan", "Watch"]


class Watch(Protocol):
    """Looks after something beside trading, about four times a second."""

    async def look(self, shell: Shell, now_ns: int) -> None:
        """Look, and hold or lift what is to be held or lifted; it may raise `MmbotError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellPlan:
    """What a session is to do.

    Attributes:
        depth: levels of the public books.
        duration_ns: how long, None is without end.
        drain_timeout_ns: how long a stop may take.
        scope: which orders are ours.
        rules: grids by symbol.
        fee_assets: see `ReportSource`.
        codes: of the venue.
        seed: of back-offs.
        busy_poll: whether its loop never sleeps while it trades.
    """

    symbols: tuple[str, ...]
    depth: int
    duration_ns: int | None
    drain_timeout_ns: int
    scope: OwnScope
    rules: dict[str, InstrumentRules]
    fee_assets: dict[str, str]
    codes: VenueCodes
    seed: int
    busy_poll: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellEnd:
    """How a session ended; `fatal` says what it could not go on with."""

    reason: str
    fatal: str | None
    stop: Shutdown
    recovery: RecoveryReport | None
    kept: int


@dataclass(slots=True)
class Heard:
    """Local times of the newest events."""

    private_ns: int | None = None
    reconnected_ns: int | None = None
    cycled_ns: int | None = None
    market_ns: dict[str, int] = field(default_factory=dict)
