"""What a session is to do, what it has heard, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from mmbot.trading.live.recovering import RecoveryReport
from mmbot.trading.live.shutdown import Shutdown
from mmbot.trading.reconcile import CycleInputs, OwnScope, next_cycle_ns
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.failures import VenueCodes
from mmbot.venues.records import InstrumentRules

if TYPE_CHECKING:
    from mmbot.trading.live.parameters import RequestCut
    from mmbot.trading.live.shell import Shell

__all__ = ["STALL_NS", "Heard", "ShellEnd", "ShellPlan", "Watch"]

_PAUSED_CYCLE_NS: Final = 2 * NS_PER_SEC
_BREAK_NS: Final = NS_PER_SEC
# Half of the age at which a decision is too old to be sent.
STALL_NS: Final = 500 * NS_PER_MS


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
    """Local times of the newest events, and what else tasks have to tell each other.

    Attributes:
        limit_cuts: how often the venue cut the limits of requests.
        cut: what they leave room for; None without a cut.
        stalls: how often the loop itself stood still.
    """

    private_ns: int | None = None
    reconnected_ns: int | None = None
    cycled_ns: int | None = None
    market_ns: dict[str, int] = field(default_factory=dict)
    limit_cuts: int = 0
    cut: RequestCut | None = None
    stalls: int = 0
    longest_stall_ns: int = 0

    def cycle_due_ns(self, now_ns: int, *, is_paused: bool) -> int:
        """When to compare with the venue again; `is_paused`: nothing is quoted until it agrees."""
        inputs = CycleInputs(
            last_cycle_ns=self.cycled_ns,
            reconnected_ns=self.reconnected_ns,
            unknown_since_ns=None,
        )
        due_ns = next_cycle_ns(inputs, started_ns=now_ns)
        if self.cycled_ns is not None:
            if is_paused:
                # Only a clean cycle ends the pause.
                due_ns = min(due_ns, self.cycled_ns + _PAUSED_CYCLE_NS)
            # A venue that does not answer is not asked without a break.
            due_ns = max(due_ns, self.cycled_ns + _BREAK_NS)
        return due_ns

    def woke(self, late_ns: int) -> None:
        """A task woke up so much later than it wanted to."""
        if late_ns > STALL_NS:
            self.stalls += 1
            self.longest_stall_ns = max(self.longest_stall_ns, late_ns)
