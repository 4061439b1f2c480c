"""What the allocator reads and gives: frozen values, nothing else.

Money is USD, rates are bps, times are UTC seconds. A value that is not known is `None`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mmbot.config.portfolio import FeesConfig, PortfolioConfig, SmoothingConfig
from mmbot.config.signals import SignalsConfig
from mmbot.core import Backoff, PortfolioTarget, SmoothingStep, SymbolFigures

__all__ = [
    "STAGES",
    "Allocation",
    "AllocatorInputs",
    "AllocatorSettings",
    "AllocatorState",
    "Backoff",
    "Observation",
    "PortfolioTarget",
    "SmoothingStep",
    "Stage",
    "SymbolFigures",
    "SymbolInputs",
]

STAGES: tuple[str, ...] = (
    "intraday_caps",
    "base",
    "availability",
    "soft_factor",
    "cost",
    "fill_rate",
    "liquidity",
    "turnover",
    "skew",
    "smoothing",
    "fee_tilt",
    "final",
)
"""Names of the twelve stages of 03 section 3, in order."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A measured value and when it was seen, UTC seconds."""

    value: float
    ts_sec: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolInputs:
    """What is known of one symbol now.

    `fill_rate` and `turnover_usd` are decayed to now by the caller's `FlowBook`. `skew_frozen` and
    `color_breach` come from the position-skew guard, signals from the aggregator.
    """

    vola: float | None = None
    spread_bps: Observation | None = None
    volume_usd: Observation | None = None
    depth_usd: Observation | None = None
    k_eff: float | None = None
    cap_eff_bps: float | None = None
    fill_rate: float = 1.0
    turnover_usd: float = 0.0
    position_usd: float = 0.0
    skew_frozen: bool = False
    color_breach: bool = False
    mid_usd: float = 0.0
    imbalance: float = 0.0
    micro_tilt: float = 0.0
    sigma: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatorInputs:
    """One tick. `symbols` holds every traded symbol; `equity_usd` is `None` while unknown.

    `foreign_margin_usd` is margin used by positions outside ``trading.symbols``; `flow_usd` is
    deposits minus withdrawals since the last tick.
    """

    now_sec: float
    symbols: Mapping[str, SymbolInputs]
    equity_usd: float | None = None
    foreign_margin_usd: float = 0.0
    flow_usd: float = 0.0
    intraday_breached: bool = False
    tilt_blocked: bool = False
    config_changed: bool = False
    turnover_30d_usd: float = 0.0
    maker_share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatorSettings:
    """The sections of the configuration that the allocator obeys."""

    portfolio: PortfolioConfig
    smoothing: SmoothingConfig = field(default_factory=SmoothingConfig)
    fees: FeesConfig = field(default_factory=FeesConfig)
    signals: SignalsConfig = field(default_factory=SignalsConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatorState:
    """What one tick leaves for the next. `current_usd` is the published target without tilt."""

    weights: Mapping[str, float] = field(default_factory=dict)
    volas: Mapping[str, float] = field(default_factory=dict)
    current_usd: Mapping[str, float] = field(default_factory=dict)
    backoff: Mapping[str, Backoff] = field(default_factory=dict)
    hwm_equity_usd: float = 0.0
    rebalanced_sec: float | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """Targets after a stage, in the order of `Allocation.symbols`; `number` is 1..12."""

    number: int
    name: str
    targets_usd: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """The result of a tick; every stage is kept, so that each cut can be shown."""

    symbols: tuple[str, ...]
    targets: Mapping[str, PortfolioTarget]
    stages: tuple[Stage, ...]
    figures: Mapping[str, SymbolFigures]
    budget_available_usd: float
    limit_usd: float
    drawdown: float
    soft_permille: int
    tilt: float
    rebalanced: bool
    bounds_relaxed: bool
    warnings: tuple[str, ...]
    mode: Literal["manual", "inverse_vol", "risk_parity"]

    @property
    def smoothing(self) -> dict[str, SmoothingStep]:
        """The move of each symbol in stage 10."""
        return {symbol: figures.step for symbol, figures in self.figures.items()}

    def cut_usd(self, symbol: str) -> dict[str, float]:
        """What each stage after the base took from `symbol`, USD; negative where it gave."""
        at = self.symbols.index(symbol)
        pairs = zip(self.stages, self.stages[1:], strict=False)
        return {b.name: a.targets_usd[at] - b.targets_usd[at] for a, b in pairs if a.number > 1}
