"""Putting a configuration in force in a running engine: at one event boundary, without a restart.

The one way of it: reloads of a session and tuning between soak windows go through here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mmbot.config import AppConfig, lane_params
from mmbot.config.session import session_params
from mmbot.portfolio.rebalancing import Rebalancer
from mmbot.trading.engine import allocator_settings
from mmbot.trading.schedule import OpenHours

__all__ = ["LiveConfig", "ParameterTarget"]


class ParameterTarget(Protocol):
    """What takes parameters: `mmbot.core.Backtest`, or what stands for a live core."""

    def apply_params(self, lane: int, params: Mapping[str, Any], symbol: int = 0) -> None:
        """Atomic change of a symbol's parameters."""

    def apply_session(self, lane: int, session: Mapping[str, Any]) -> None:
        """Atomic change of the session's parameters."""


class LiveConfig:
    """Hands configurations to the lane of an engine that trades `symbols`, in their order.

    Args:
        symbols: in the order of the engine's instruments.
        overrides: lane parameters that hold whatever the configuration says.
        rebalancer: that of the engine, if it has one.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        overrides: Mapping[str, object],
        rebalancer: Rebalancer | None = None,
        cid_prefix: str = "",
    ) -> None:
        self._symbols = tuple(symbols)
        self._overrides = dict(overrides)
        self._rebalancer = rebalancer
        self._cid_prefix = cid_prefix
        self._hours = OpenHours()

    def renew_hours(self, engine: ParameterTarget, config: AppConfig, market_ns: int) -> None:
        """Give the session new trading windows if those it has are about to end."""
        if self._hours.due(config.scheduler, market_ns):
            self._apply_session(engine, config, market_ns)

    def apply(self, engine: ParameterTarget, config: AppConfig, market_ns: int) -> None:
        """Put a configuration in force.

        Raises:
            CoreError: the core refuses a parameter.
        """
        for at, symbol in enumerate(self._symbols):
            engine.apply_params(0, lane_params(config, symbol) | self._overrides, at)
        self._apply_session(engine, config, market_ns)
        if self._rebalancer is not None:
            self._rebalancer.settings = allocator_settings(config)

    def _apply_session(self, engine: ParameterTarget, config: AppConfig, market_ns: int) -> None:
        open_ns = self._hours.around(config.scheduler, market_ns)
        engine.apply_session(
            0, session_params(config, self._symbols, open_ns=open_ns, cid_prefix=self._cid_prefix)
        )
