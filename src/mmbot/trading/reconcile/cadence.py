"""When the next cycle is due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mmbot.units import NS_PER_SEC

__all__ = ["CYCLE_NS", "UNKNOWN_NS", "CycleInputs", "next_cycle_ns"]

CYCLE_NS: Final = 25 * NS_PER_SEC
UNKNOWN_NS: Final = NS_PER_SEC


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleInputs:
    """Local times of what asks for a cycle; None: it has not happened.

    `unknown_since_ns` is the time at which the longest unresolved order became `Unknown`.
    """

    last_cycle_ns: int | None
    reconnected_ns: int | None
    unknown_since_ns: int | None


def next_cycle_ns(inputs: CycleInputs, *, started_ns: int) -> int:
    """Local time at which the next cycle is due; in the past: now.

    At start at once, then every 25 s, at once after the private stream reconnected, and within 1 s
    of an order becoming `Unknown`, every second while it stays so.
    """
    last_ns = inputs.last_cycle_ns
    if last_ns is None:
        return started_ns
    due_ns = last_ns + CYCLE_NS
    if inputs.reconnected_ns is not None and inputs.reconnected_ns >= last_ns:
        due_ns = min(due_ns, inputs.reconnected_ns)
    if inputs.unknown_since_ns is not None:
        due_ns = min(due_ns, max(last_ns, inputs.unknown_since_ns) + UNKNOWN_NS)
    return due_ns
