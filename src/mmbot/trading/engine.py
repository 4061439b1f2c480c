"""Building the engine of a session: one place that turns a configuration into what the core takes.

Backtest, paper and sim sessions are built here, so that a parameter means the same in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmbot import core
from mmbot.config import AppConfig, lane_params
from mmbot.config.session import session_params
from mmbot.portfolio import AllocatorSettings
from mmbot.portfolio.rebalancing import Rebalancer

__all__ = ["EngineSpec", "allocator_settings", "build_engine"]

Quoter = Callable[[dict[str, Any]], Sequence[tuple[str, float, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """What an engine is made of.

    `configs` holds one configuration per lane. `simulator` is the exchange's mapping of
    `mmbot.core.Backtest`, `open_ns` the trading windows ([from, to) in ns; None is always open).
    `rebalancer` gives the weights of several symbols; one is made where none is given. `journal`
    has the only lane written down. `follows` has lanes leave a stale or lost book at once, as live
    trading does: for a market that happens while the engine runs.
    """

    instruments: Sequence[core.Instrument]
    configs: Sequence[AppConfig]
    simulator: Mapping[str, Any]
    seed: int
    bar_ns: int
    threads: int = 1
    record: bool = False
    curve_ns: int | None = None
    quoter: Quoter | None = None
    open_ns: Sequence[tuple[int, int]] | None = None
    cid_prefix: str = ""
    lane_overrides: Mapping[str, object] = field(default_factory=dict)
    rebalancer: Rebalancer | None = None
    journal: Mapping[str, Any] | None = None
    follows: bool = False


def build_engine(spec: EngineSpec) -> core.Backtest:
    """The engine; several symbols share one session per lane.

    Raises:
        CoreError: the core refuses a parameter.
    """
    symbols = [instrument.symbol for instrument in spec.instruments]
    overrides = dict(spec.lane_overrides)
    if spec.quoter is not None:
        overrides["strategy.kind"] = "external"
    lanes = [
        [lane_params(config, symbol) | overrides for symbol in symbols] for config in spec.configs
    ]
    sessions = [
        session_params(config, symbols, open_ns=spec.open_ns, cid_prefix=spec.cid_prefix)
        for config in spec.configs
    ]
    rebalancer = spec.rebalancer
    if rebalancer is None and len(symbols) > 1 and len(spec.configs) == 1:
        rebalancer = Rebalancer(allocator_settings(spec.configs[0]), symbols)
    options: dict[str, Any] = {} if spec.curve_ns is None else {"curve_ns": spec.curve_ns}
    engine = core.Backtest(
        list(spec.instruments),
        lanes,
        sim=dict(spec.simulator),
        session=sessions,
        seed=spec.seed,
        threads=spec.threads,
        bar_ns=spec.bar_ns,
        record=spec.record,
        strategy=spec.quoter,
        allocate=rebalancer,
        journal=spec.journal,
        **options,
    )
    if spec.follows:
        engine.watch_books()
    return engine


def allocator_settings(config: AppConfig) -> AllocatorSettings:
    """The sections of a configuration that the allocator obeys."""
    return AllocatorSettings(
        portfolio=config.portfolio,
        smoothing=config.allocator.smoothing,
        fees=config.fees,
        signals=config.signals,
    )
