"""How fast market time runs: at a multiple of wall time, or as fast as the machine can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mmbot.errors import ConfigError
from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["SPEEDS", "Pacer", "parse_speed"]

SPEEDS: Final = ("1x", "10x", "max")

# At full speed a step is market time that takes about this much wall time: short enough that the
# screen and Ctrl-C stay quick.
_STEP_WALL_NS: Final = 25 * NS_PER_MS
_STEP_MIN_NS: Final = NS_PER_MS
_STEP_MAX_NS: Final = 3600 * NS_PER_SEC
# Paced: how long the engine rests between two steps.
_REST_NS: Final = 10 * NS_PER_MS
# After a suspension of the machine market time goes on from where it was.
_LAG_MAX_NS: Final = NS_PER_SEC


def parse_speed(text: str) -> int | None:
    """The multiple of wall time; None is as fast as possible.

    Raises:
        ConfigError: ``E_CFG_RANGE``.
    """
    if text not in SPEEDS:
        raise ConfigError("E_CFG_RANGE", "--speed", f"must be one of {', '.join(SPEEDS)}")
    return None if text == "max" else int(text.removesuffix("x"))


@dataclass(slots=True)
class Pacer:
    """Turns wall time into the market time to advance to.

    `speed` as of `parse_speed`. Call `target_ns` before each step and `rest_ns` after it. One that
    `follows` a market of now makes up for every delay; any other goes on from where it was.
    """

    speed: int | None
    market_ns: int
    wall_ns: int
    _step_ns: int = 100 * NS_PER_MS
    follows: bool = False

    def target_ns(self, now_ns: int) -> int:
        """Market time that the engine should reach in this step."""
        if self.speed is None:
            self.market_ns += self._step_ns
            self.wall_ns = now_ns
            return self.market_ns
        elapsed_ns = now_ns - self.wall_ns
        if not self.follows:
            elapsed_ns = min(elapsed_ns, _LAG_MAX_NS)
        self.wall_ns = now_ns
        self.market_ns += elapsed_ns * self.speed
        return self.market_ns

    def rest_ns(self, now_ns: int) -> int:
        """How long to sleep after a step; at full speed the next step is sized instead."""
        took_ns = now_ns - self.wall_ns
        if self.speed is not None:
            return max(0, _REST_NS - took_ns)
        if took_ns < _STEP_WALL_NS // 2:
            self._step_ns = min(2 * self._step_ns, _STEP_MAX_NS)
        elif took_ns > 2 * _STEP_WALL_NS:
            self._step_ns = max(self._step_ns // 2, _STEP_MIN_NS)
        return 0
