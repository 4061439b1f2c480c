"""The strict gate over the last eight complete iterations: ready, or hold."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["LAST8_LIMITS", "Last8", "complete", "last8_gate"]

WINDOW: Final = 8


@dataclass(frozen=True, slots=True)
class _Limit:
    """Median (or maximum) of a metric against a bound."""

    at_least: bool
    bound: float
    of_maximum: bool = False


LAST8_LIMITS: Final[Mapping[str, _Limit]] = {
    "maker_taker_ratio": _Limit(at_least=True, bound=0.83),
    "net_bps": _Limit(at_least=True, bound=2.9),
    "p95_latency_ms": _Limit(at_least=False, bound=330.0, of_maximum=True),
    "risk_ratio": _Limit(at_least=False, bound=0.40),
}


@dataclass(frozen=True, slots=True)
class Last8:
    """`values` of the four metrics (None: missing) and what failed; nothing failed: ready."""

    values: Mapping[str, float | None]
    failures: tuple[str, ...]
    iterations: int

    @property
    def ready(self) -> bool:
        """Whether every limit holds."""
        return not self.failures

    @property
    def line(self) -> str:
        """``READINESS: OK`` or ``READINESS: HOLD``."""
        return f"READINESS: {'OK' if self.ready else 'HOLD'}"


def complete(summaries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Iterations that count: neither cut short nor without a report; ascending by number."""
    kept = [
        s
        for s in summaries
        if not s.get("partial") and dict(s.get("summary") or {}).get("net_bps") is not None
    ]
    return sorted(kept, key=lambda s: int(s["iteration"]))


def last8_gate(summaries: Sequence[Mapping[str, Any]]) -> Last8:
    """Judge the eight highest complete iterations; fewer, or a missing metric, is a hold."""
    window = [dict(s["summary"]) for s in complete(summaries)[-WINDOW:]]
    failures = [] if len(window) == WINDOW else ["iterations"]
    values: dict[str, float | None] = {}
    for name, limit in LAST8_LIMITS.items():
        values[name] = _value([s.get(name) for s in window], limit)
        if not _holds(values[name], limit):
            failures.append(name)
    return Last8(values, tuple(failures), len(window))


def _value(found: Sequence[float | None], limit: _Limit) -> float | None:
    numbers = [value for value in found if value is not None]
    if not numbers or len(numbers) < len(found):
        return None
    return max(numbers) if limit.of_maximum else statistics.median(numbers)


def _holds(value: float | None, limit: _Limit) -> bool:
    if value is None:
        return False
    return value >= limit.bound if limit.at_least else value <= limit.bound
