"""The allocator in the private Rust extension: a part of the stub of `mmbot._core`."""

from collections.abc import Mapping, Sequence
from typing import Protocol, final

CALIBRATION_K_MAX: float
CALIBRATION_CAP_MAX_BPS: float

class _Observation(Protocol):
    @property
    def value(self) -> float: ...
    @property
    def ts_sec(self) -> float: ...

class _SymbolInputs(Protocol):
    @property
    def spread_bps(self) -> _Observation | None: ...
    @property
    def volume_usd(self) -> _Observation | None: ...
    @property
    def depth_usd(self) -> _Observation | None: ...
    @property
    def k_eff(self) -> float | None: ...
    @property
    def cap_eff_bps(self) -> float | None: ...
    @property
    def fill_rate(self) -> float: ...
    @property
    def turnover_usd(self) -> float: ...
    @property
    def position_usd(self) -> float: ...
    @property
    def skew_frozen(self) -> bool: ...
    @property
    def color_breach(self) -> bool: ...
    @property
    def mid_usd(self) -> float: ...
    @property
    def imbalance(self) -> float: ...
    @property
    def micro_tilt(self) -> float: ...
    @property
    def sigma(self) -> float | None: ...

class _AccountInputs(Protocol):
    @property
    def now_sec(self) -> float: ...
    @property
    def equity_usd(self) -> float | None: ...
    @property
    def foreign_margin_usd(self) -> float: ...
    @property
    def flow_usd(self) -> float: ...
    @property
    def intraday_breached(self) -> bool: ...
    @property
    def tilt_blocked(self) -> bool: ...

@final
class PortfolioParams:
    """Parameters of the allocator for symbols in a fixed order.

    `values` is a flat mapping of dotted keys (`mmbot.config.allocator_params`). Errors:
    ``E_CFG_RANGE``, ``E_CFG_TYPE``, ``E_CFG_UNKNOWN_KEY``.
    """

    def __new__(cls, values: Mapping[str, object], symbols: Sequence[str]) -> PortfolioParams: ...
    def cost_of(self, symbol: str) -> CostParams:
        """Costs that hold for a symbol."""
    def max_levels(self, weight: float) -> int:
        """Open orders per side that a weight allows; halves round up."""

@final
class CostParams:
    """`portfolio.cost` as it holds for one symbol."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
    def values(self) -> dict[str, float | bool | int]:
        """All values by key."""
    def cost_of(
        self,
        target_usd: float,
        *,
        spread_bps: float | None,
        volume_usd: float | None,
        slippage: SlippageOverride | None = None,
    ) -> Cost:
        """Cost of quoting a target; an unknown input falls back to the static model."""
    def fill_attenuation(self, rate: float) -> float:
        """Factor of a fill rate, 0..1."""
    def liquidity_factor(self, depth_usd: float) -> float:
        """Depth over its target, in [floor, 1]; 1 without a target."""
    def liquidity_attenuation(self, depth_usd: float) -> float:
        """Factor of the depth, 0..1."""
    def turnover_factor(self, turnover_usd: float, budget_usd: float) -> float:
        """Factor of turnover against the symbol's own budget, in [floor, 1]."""

@final
class Cost:
    """Cost of one target, bps, and the factor that it leaves, 0..1."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
    @property
    def slippage_bps(self) -> float: ...
    @property
    def cost_bps(self) -> float: ...
    @property
    def attenuation(self) -> float: ...

@final
class SlippageOverride:
    """Slope (bps per kUSD) and cap (bps) of slippage; `None` is not set."""

    def __new__(
        cls, k_eff: float | None = None, cap_eff_bps: float | None = None
    ) -> SlippageOverride: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
    @property
    def k_eff(self) -> float | None: ...
    @property
    def cap_eff_bps(self) -> float | None: ...

@final
class FillRate:
    """Share of orders that get filled, decayed; 1 at the start."""

    def __new__(cls) -> FillRate: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
    @property
    def rate(self) -> float: ...
    @property
    def ts_sec(self) -> float: ...
    @property
    def samples(self) -> int: ...
    def after(self, sample: int, now_sec: float, params: CostParams) -> FillRate:
        """With the sample (0 or 1) of one more order end. Two are at least 1 s apart."""

@final
class Turnover:
    """Traded notional, USD, an exponentially decayed sum."""

    def __new__(cls) -> Turnover: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
    @property
    def usd(self) -> float: ...
    @property
    def ts_sec(self) -> float: ...
    def at(self, now_sec: float, params: CostParams) -> float:
        """Decayed to a time, USD."""
    def after(self, usd: float, now_sec: float, params: CostParams) -> Turnover | None:
        """With one more fill; `None` where the notional is negative or not finite."""

@final
class SymbolCalibration:
    """Means of what fills of one symbol cost: bps, USD, kUSD."""

    def __new__(
        cls,
        *,
        samples: int = 0,
        spread_bps: float = 0.0,
        volume_usd: float = 0.0,
        slip_bps: float = 0.0,
        slip_sq: float = 0.0,
        excess_bps: float = 0.0,
        size_kusd: float = 0.0,
    ) -> SymbolCalibration: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
    @property
    def samples(self) -> int: ...
    @property
    def spread_bps(self) -> float: ...
    @property
    def volume_usd(self) -> float: ...
    @property
    def slip_bps(self) -> float: ...
    @property
    def slip_sq(self) -> float: ...
    @property
    def excess_bps(self) -> float: ...
    @property
    def size_kusd(self) -> float: ...
    def after(
        self,
        *,
        spread_bps: float,
        volume_usd: float,
        slippage_bps: float,
        notional_usd: float,
        params: CostParams,
    ) -> SymbolCalibration | None:
        """With one more fill; `None` for a value that is negative, not finite, or no notional."""
    def in_force(self, set: SlippageOverride, params: CostParams) -> SlippageOverride:
        """Slope and cap that hold; `None` where the configuration governs."""
    def slippage_ewma_bps(self, params: CostParams) -> float:
        """Mean slippage as published and used; 0 before there are enough observations."""
    def values(self) -> dict[str, float | int]:
        """All means by name."""

@final
class PortfolioTarget:
    """What one symbol may quote: USD per side, open orders per side, factor per side (0 or 1)."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
    @property
    def target_usd(self) -> float: ...
    @property
    def max_levels(self) -> int: ...
    @property
    def bid_mult(self) -> float: ...
    @property
    def ask_mult(self) -> float: ...

@final
class Backoff:
    """Backoff of one symbol: index into ``backoff_steps`` and ticks since the last breach."""

    def __new__(cls, level: int = 0, clean_ticks: int = 0) -> Backoff: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
    @property
    def level(self) -> int: ...
    @property
    def clean_ticks(self) -> int: ...

@final
class SmoothingStep:
    """One symbol's move in stage 10, USD. `cap_usd` is `None` on a cold start (no clamp)."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
    @property
    def current_usd(self) -> float: ...
    @property
    def desired_usd(self) -> float: ...
    @property
    def delta_raw_usd(self) -> float: ...
    @property
    def bias_usd(self) -> float: ...
    @property
    def cap_usd(self) -> float | None: ...
    @property
    def backoff_level(self) -> int: ...
    @property
    def delta_capped_usd(self) -> float: ...
    @property
    def next_usd(self) -> float: ...
    @property
    def bound(self) -> bool: ...
    @property
    def level_changed(self) -> bool: ...

@final
class SymbolFigures:
    """How a symbol's target came about: cost, factors, move."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
    @property
    def cost(self) -> Cost: ...
    @property
    def fill_attenuation(self) -> float: ...
    @property
    def liquidity_factor(self) -> float: ...
    @property
    def turnover_factor(self) -> float: ...
    @property
    def step(self) -> SmoothingStep: ...

@final
class AllocatorTick:
    """The result of a tick; lists are in the order of the symbols of the parameters.

    `targets` and `stages` are empty after a breach of the caps of the day; `stages` has the targets
    after each of the twelve stages, USD.
    """

    @property
    def targets(self) -> list[PortfolioTarget]: ...
    @property
    def figures(self) -> list[SymbolFigures]: ...
    @property
    def stages(self) -> list[list[float]]: ...
    @property
    def current_usd(self) -> list[float]: ...
    @property
    def backoff(self) -> list[Backoff]: ...
    @property
    def hwm_equity_usd(self) -> float: ...
    @property
    def budget_available_usd(self) -> float: ...
    @property
    def limit_usd(self) -> float: ...
    @property
    def drawdown(self) -> float: ...
    @property
    def soft_permille(self) -> int: ...
    @property
    def tilt(self) -> float: ...

def allocator_tick(
    params: PortfolioParams,
    account: _AccountInputs,
    symbols: Sequence[_SymbolInputs],
    *,
    weights: Sequence[float],
    current_usd: Sequence[float],
    backoff: Sequence[Backoff],
    hwm_equity_usd: float,
    improvement_bps: float | None = None,
) -> AllocatorTick:
    """Runs the twelve stages once; sequences have one entry per symbol of `params`.

    `improvement_bps` is what the next fee tier saves where it is worth a tilt. Errors:
    ``E_ALLOC_INPUT``.
    """

def fill_sample(
    *, filled: bool, rested_ms: float, min_time_in_book_ms: float, rejected: bool
) -> int | None:
    """1 with any fill; 0 unfilled after its time in the book, or rejected; else no sample."""
