"""The port through which a run trades: parameters in, one measured window out.

A source wraps whatever trades: the scripted generator (`mmbot.soak.mock`), the simulated exchange,
a live session. Orders keep running between windows; a window is a boundary of measuring. A source
knows nothing about tuning, files or verdicts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mmbot.errors import InvariantError
from mmbot.soak.parameters import Values
from mmbot.store.canonical import canonical_json

__all__ = [
    "EngineCrashError",
    "EngineParameters",
    "IterationSource",
    "WindowRequest",
    "WindowResult",
    "parameters_digest",
]


class EngineCrashError(InvariantError):
    """The engine died during a window; the runner restarts it once (``E_SOAK_ENGINE``)."""

    def __init__(self, message: str) -> None:
        super().__init__("E_SOAK_ENGINE", "engine", message)


@dataclass(frozen=True, slots=True)
class EngineParameters:
    """The six effective values, warm-up overlay included, and the factor on position limits."""

    values: Values
    limits_factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRequest:
    """One window to trade: `seconds` of trading time; `stop` asks for an early end."""

    iteration: int
    seconds: float
    parameters: EngineParameters
    stop: Callable[[], bool] = field(default=lambda: False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowResult:
    """What a window gave.

    Attributes:
        report: an ``EDGE_REPORT`` document measured after the adverse horizon; None: there is none.
            Its totals may also carry `hit_rate`, `tick_latency_p95_ms`, `fill_rate` and
            `pos_skew_abs_p95`.
        from_ns: start of the window, nanoseconds UTC (simulated in `sim` mode).
        to_ns: its end; velocity limits count this time.
        sentinel: an ``EDGE_SENTINEL`` document, if the source makes one.
        partial: the window was cut short by `stop`.
        ticks: decision ticks of the window, for the block rate; 0: unknown.
        data_ended: there is nothing more to trade; the window is `partial`, the run ends well.
    """

    report: Mapping[str, Any] | None
    from_ns: int
    to_ns: int
    sentinel: Mapping[str, Any] | None = None
    partial: bool = False
    ticks: int = 0
    data_ended: bool = False


class IterationSource(Protocol):
    """What the runner needs from whatever trades."""

    def apply(self, parameters: EngineParameters) -> str | None:
        """Put parameters in force at one event boundary.

        Returns:
            `parameters_digest` of what is in force, or None when the engine did not acknowledge
            within 5 s.
        """
        ...

    def trade(self, request: WindowRequest) -> WindowResult:
        """Trade one window and measure it.

        Raises:
            EngineCrashError: the engine died; `restart` may bring it back.
        """
        ...

    def restart(self) -> None:
        """Start the engine again from its journal."""
        ...

    def halt(self) -> None:
        """Cancel all orders and stop quoting: end of the run, or a guard stopped the day."""
        ...

    def run_totals(self) -> Mapping[str, float]:
        """Figures of the whole run that the source can pool from samples; may be empty."""
        ...


def parameters_digest(parameters: EngineParameters) -> str:
    """SHA-256 of the canonical JSON of effective parameters: what an acknowledgement carries."""
    content = {"limits_factor": parameters.limits_factor, "values": dict(parameters.values)}
    return hashlib.sha256(canonical_json(content)).hexdigest()
