"""What a backtest is asked and what it answers; frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from mmbot.units import NS_PER_MIN

__all__ = [
    "BacktestReport",
    "BacktestRequest",
    "Columns",
    "Gates",
    "Progress",
    "SilentProgress",
    "SymbolRun",
    "Synthetic",
    "Thresholds",
]

Columns = Mapping[str, NDArray[Any]]
FillMode = Literal["queue_aware", "conservative"]
QueueModel = Literal["conservative", "power", "log", "calibrated"]
OnBadLine = Literal["fail", "skip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthetic:
    """A generated market. `duration_ns` counts when the request gives no range."""

    regime: str = "mixed"
    start_price: float = 50_000.0
    duration_ns: int = 60 * NS_PER_MIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Gates: net result at least, taker share and order age at most."""

    net_bps: float = 2.5
    taker_share_pct: float = 15.0
    order_age_p95_ms: float = 350.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRequest:
    """One backtest.

    Attributes:
        ticks: tick JSONL file; one of `ticks`, `data`, `synthetic` is given.
        data: catalog directory or URL, with `symbols`.
        synthetic: generated market, with `symbols`.
        symbols: one engine runs for each.
        venue: which one, when the catalog has a symbol twice.
        config: configuration file; None takes the default file if it is there.
        profile: configuration profile.
        params: file with strategy parameters, over the configuration.
        sets: ``KEY=VALUE`` assignments over everything else.
        start_ns: first instant, nanoseconds UTC; None is the start of the data.
        end_ns: first instant left out.
        mode: fill logic.
        queue_model: queue position model of mode ``queue_aware``.
        calibration: file with simulator parameters.
        seed: seed of the simulated exchange, and of a generated market.
        bar_minutes: length of a PnL observation.
        on_bad_line: what to do with a bad line of `ticks`.
        thresholds: limits of the gates, which are always evaluated.
        detail: keep fills and samples for pictures and exports.
    """

    ticks: Path | None = None
    data: str | None = None
    synthetic: Synthetic | None = None
    symbols: tuple[str, ...] = ()
    venue: str | None = None
    config: Path | None = None
    profile: str | None = None
    params: Path | None = None
    sets: tuple[str, ...] = ()
    start_ns: int | None = None
    end_ns: int | None = None
    mode: FillMode = "queue_aware"
    queue_model: QueueModel = "power"
    calibration: Path | None = None
    seed: int = 42
    bar_minutes: int = 60
    on_bad_line: OnBadLine = "fail"
    thresholds: Thresholds = field(default_factory=Thresholds)
    detail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolRun:
    """One symbol of a run: the engine's result, and what was kept for pictures.

    `curve` holds samples and `fills` fills, both thinned to a bounded number; None when not kept.
    """

    symbol: str
    result: Mapping[str, Any]
    tick_size: str
    curve: Columns | None = None
    fills: Columns | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """The verdict: reasons are ``<key> <actual> <op> <threshold>``, empty when all pass."""

    passed: bool
    reasons: tuple[str, ...]
    thresholds: Thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestReport:
    """A finished run: `document` is the content of ``BACKTEST_REPORT.json``.

    `budget_usd` is the equity that the account starts with, `bar_minutes` the length of a PnL
    observation.
    """

    document: Mapping[str, Any]
    gates: Gates
    runs: tuple[SymbolRun, ...]
    budget_usd: float
    bar_minutes: int


class Progress(Protocol):
    """Where a run tells how far it is; nothing of it reaches an artifact."""

    def begin(self, symbol: str, start_ns: int | None, end_ns: int | None) -> None:
        """A symbol begins; its period if known."""

    def advance(self, rows: int, ts_ns: int) -> None:
        """`rows` more were processed, up to venue time `ts_ns`."""


class SilentProgress:
    """Nobody watches."""

    def begin(self, symbol: str, start_ns: int | None, end_ns: int | None) -> None:
        """See `Progress`."""

    def advance(self, rows: int, ts_ns: int) -> None:
        """See `Progress`."""
