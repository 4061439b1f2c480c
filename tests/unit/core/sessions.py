"""Small sessions over generated markets, to look at and to steer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mmbot import core
from mmbot.config import AppConfig, ConfigRequest, lane_params, load_config, session_params
from mmbot.units import NS_PER_MS, NS_PER_SEC

START_NS: Final = 1_700_000_000 * NS_PER_SEC
LIVELY: Final = (
    "strategy.k_vola_spread=0",
    "trading.base_spread_bps=0.3",
    "mux.enabled=false",
    "portfolio.budget_usd=20000",
)
"""Quotes near the touch, so that a minute of market brings fills on both sides."""


def config_of(*sets: str, symbols: tuple[str, ...] = ("AUSDT",)) -> AppConfig:
    request = ConfigRequest(env={}, sets=(*LIVELY, *sets), symbols=symbols)
    return load_config(request).config


class World:
    """One engine over generated markets, driven by market time."""

    def __init__(
        self,
        config: AppConfig,
        *,
        seed: int = 7,
        sim: Mapping[str, Any] | None = None,
        session: Mapping[str, Any] | None = None,
        record: bool = False,
    ) -> None:
        symbols = config.trading.symbols
        self.symbols = symbols
        self.engine = core.Backtest(
            [core.Instrument(symbol, "0.1", "0.001", min_qty="0.001") for symbol in symbols],
            [[lane_params(config, symbol) for symbol in symbols]],
            sim=dict(sim or {"latency_ms_mean": 3.0}),
            session=session_params(config, symbols) | dict(session or {}),
            record=record,
        )
        self.control = self.engine.session()
        self.now_ns = START_NS
        self._config = config
        self._markets = [
            core.MarketGenerator(seed + at, start_ts_ns=START_NS) for at, _ in enumerate(symbols)
        ]

    def run(self, seconds: float) -> dict[str, Any]:
        """Trade for so long; the state of the session then."""
        self.now_ns += int(seconds * 1000) * NS_PER_MS
        while self.engine.advance(None, self.now_ns):
            at = self.engine.hungriest()
            assert at is not None
            self.engine.advance(self._markets[at].next_chunk(5_000), self.now_ns, at)
        return self.control.state()

    def reload(self, config: AppConfig) -> None:
        """Another configuration, as a reload applies it."""
        for at, symbol in enumerate(self.symbols):
            self.engine.apply_params(0, lane_params(config, symbol), at)
        self.engine.apply_session(0, session_params(config, self.symbols))

    def orders(self, at: int = 0) -> list[dict[str, Any]]:
        """Open orders of a symbol."""
        orders: list[dict[str, Any]] = self.engine.snapshot(0, at)["orders"]
        return orders

    def hashes(self) -> list[str]:
        """State hashes of all symbols, the session's in each."""
        return [self.engine.state_hash(0, at) for at, _ in enumerate(self.symbols)]
