"""Does a parameter swing: away by a tenth or more, and back to where it was?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["MONITORED", "check_oscillation_all_params", "detect_oscillation", "oscillates"]

MONITORED: Final = (
    "min_interval_ms",
    "impact_cap_ratio",
    "base_spread_bps_delta",
    "tail_age_ms",
)
_THRESHOLD: Final = 0.1
_WINDOW: Final = 3
# Relative changes of a value that is 0 are measured against this.
_LEAST: Final = 1e-9


def oscillates(values: Sequence[float], *, threshold: float = _THRESHOLD) -> bool:
    """Whether three consecutive values a, b, c go ``|b-a| > t|a|`` away and ``|c-a| < t|a|`` back.

    Anything but three values: False.
    """
    if len(values) != _WINDOW:
        return False
    first, middle, last = values
    scale = max(abs(first), _LEAST)
    return abs(last - first) / scale < threshold < abs(middle - first) / scale


def detect_oscillation(
    history: Sequence[Mapping[str, Any]],
    param: str | None = None,
    window: int = _WINDOW,
    threshold: float = _THRESHOLD,
) -> bool:
    """Whether a parameter (default: any monitored one) oscillates at the end of a history.

    Args:
        history: items with ``overrides``, oldest first; fewer than `window`: False.
        param: one parameter.
        window: how many items back the comparison begins.
        threshold: share of the first value that counts as a move.
    """
    if len(history) < max(window, _WINDOW):
        return False
    recent = list(history)[-window:]
    sample = [recent[0], recent[len(recent) // 2], recent[-1]]
    return any(
        oscillates(_series(sample, name), threshold=threshold)
        for name in (MONITORED if param is None else (param,))
    )


def check_oscillation_all_params(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """Monitored parameters that oscillate at the end of a history."""
    return [name for name in MONITORED if detect_oscillation(history, name)]


def _series(items: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    overrides = [item.get("overrides") or {} for item in items]
    return [float(values[name]) for values in overrides if name in values]
