"""Trading windows around the time of a market, renewed before they end."""

from __future__ import annotations

from typing import Final

from mmbot.config.scheduling import SchedulerConfig
from mmbot.trading.schedule.windows import OpenWindow, open_windows
from mmbot.units import NS_PER_DAY

__all__ = ["OpenHours"]

# A day back for a window that crosses midnight; ahead so far that renewing costs nothing.
_BEHIND_NS: Final = NS_PER_DAY
_AHEAD_NS: Final = 400 * NS_PER_DAY
_RENEW_NS: Final = 200 * NS_PER_DAY


class OpenHours:
    """The windows that a session needs now; a session without windows never asks again."""

    def __init__(self) -> None:
        self._renew_ns: int | None = None

    def due(self, config: SchedulerConfig, market_ns: int) -> bool:
        """True if the session needs (new) windows at `market_ns`."""
        if not config.windows:
            return False
        return self._renew_ns is None or market_ns >= self._renew_ns

    def around(self, config: SchedulerConfig, market_ns: int) -> tuple[OpenWindow, ...] | None:
        """Windows around `market_ns`, as `mmbot.config.session_params` takes them.

        Raises:
            ConfigError: ``E_CFG_TYPE`` for an unknown time zone.
        """
        self._renew_ns = market_ns + _RENEW_NS
        return open_windows(config, start_ns=market_ns - _BEHIND_NS, end_ns=market_ns + _AHEAD_NS)
