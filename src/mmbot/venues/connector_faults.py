"""What went wrong with the connections of an adapter, as counters that whoever wants to reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ConnectorFaults"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorFaults:
    """Counts since the adapter was made; what an adapter cannot know stays empty.

    Attributes:
        lost: connections that were lost or not made, by stream and `mmbot.venues.ports.GapReason`.
        reconnects: connections after the first, by stream.
        down: streams that are not connected now.
        unreadable: frames that were not what the venue promises, by stream.
        overflows: inboxes whose reader was behind by more than they hold, by stream.
        late_answers: answers to order requests that came after their deadline.
        hedged_cancels: cancels that went a second way because the first did not answer.
        clock_steps: contradictions between the venue's times: a clock was set.
        clock_off: how often the machine's clock turned out to be off.
        budget_waited_ns: what requests waited for the rate budget, all together.
    """

    lost: Mapping[tuple[str, str], int] = field(default_factory=dict)
    reconnects: Mapping[str, int] = field(default_factory=dict)
    down: frozenset[str] = frozenset()
    unreadable: Mapping[str, int] = field(default_factory=dict)
    overflows: Mapping[str, int] = field(default_factory=dict)
    late_answers: int = 0
    hedged_cancels: int = 0
    clock_steps: int = 0
    clock_off: int = 0
    budget_waited_ns: int = 0
