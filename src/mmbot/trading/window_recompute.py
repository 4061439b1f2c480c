"""Trading windows that follow the recorded market: suggested anew on a period, and taken over.

Looking through two weeks of recordings takes seconds, so a thread does it; the session asks what
has come of it between two steps. An empty suggestion keeps the windows in force: none at all would
open trading at all times.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Final

from mmbot.clock import monotonic_ns
from mmbot.config.scheduling import SchedulerSuggestConfig, TradingWindow
from mmbot.errors import ConfigError, MmbotError
from mmbot.trading.schedule.suggest import Suggestion, SuggestRequest, windows_of
from mmbot.units import NS_PER_SEC

__all__ = ["PERIOD_VARIABLE", "WindowRecompute", "period_sec"]

PERIOD_VARIABLE: Final = "SCHEDULER_RECOMPUTE_SEC"


def period_sec(env: Mapping[str, str] | None = None) -> float:
    """The period that the environment asks for, seconds; 0 is never.

    Raises:
        ConfigError: ``E_CFG_TYPE`` for what is no such number.
    """
    text = (os.environ if env is None else env).get(PERIOD_VARIABLE) or "0"
    try:
        found = float(text)
    except ValueError as exc:
        raise ConfigError("E_CFG_TYPE", PERIOD_VARIABLE, "must be a number of seconds") from exc
    if not 0 <= found <= 7 * 86_400:
        raise ConfigError("E_CFG_TYPE", PERIOD_VARIABLE, "must be between 0 and a week")
    return found


class WindowRecompute:
    """Suggests once a period of wall time.

    Args:
        every_sec: the period, above 0.
        suggest: makes a suggestion as of a market time; called on a thread of its own.
        say: takes one line when it fails; the next period tries again.
    """

    def __init__(
        self,
        every_sec: float,
        suggest: Callable[[SuggestRequest, int], tuple[Suggestion, ...]],
        say: Callable[[str], None],
    ) -> None:
        assert every_sec > 0
        self._every_ns = int(every_sec * NS_PER_SEC)
        self._suggest = suggest
        self._say = say
        self._due_ns = monotonic_ns() + self._every_ns
        self._thread: threading.Thread | None = None
        self._found: tuple[Suggestion, ...] = ()
        self._failure: str | None = None

    def poll(
        self, config: SchedulerSuggestConfig, market_ns: int
    ) -> tuple[TradingWindow, ...] | None:
        """Windows to take over now; None mostly. Starts the next suggestion when it is due."""
        if self._thread is not None and not self._thread.is_alive():
            self._thread.join()
            self._thread = None
            return self._taken()
        if self._thread is None and config.enabled and monotonic_ns() >= self._due_ns:
            self._due_ns = monotonic_ns() + self._every_ns
            request = SuggestRequest(
                mode=config.mode, top_k=config.top_k, min_sample=config.min_sample
            )
            self._thread = threading.Thread(
                target=self._run, args=(request, market_ns), name="windows", daemon=True
            )
            self._thread.start()
        return None

    def _taken(self) -> tuple[TradingWindow, ...] | None:
        found, self._found = self._found, ()
        failure, self._failure = self._failure, None
        if failure is not None:
            self._say(failure)
        return windows_of([(one.start, one.end) for one in found]) if found else None

    def _run(self, request: SuggestRequest, market_ns: int) -> None:
        try:
            self._found = self._suggest(request, market_ns)
        except (MmbotError, OSError) as exc:
            self._failure = f"scheduler: {exc}"
