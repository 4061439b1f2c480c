"""Acceptance of a release soak: 24 hours, or 96 iterations of 900 s, without a blemish."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mmbot.soak.audit import oscillations_of
from mmbot.soak.last8 import complete

__all__ = ["canary_24h"]

HOURS: Final = 24.0
SIZE_MB_MAX: Final = 1024.0
_SEC_PER_HOUR: Final = 3600.0


def canary_24h(
    summaries: Sequence[Mapping[str, Any]],
    *,
    leak_detected: bool | None,
    size_mb: float,
) -> list[str]:
    """What failed, in words; empty: accepted.

    Args:
        summaries: all ITER_SUMMARY documents of the run.
        leak_detected: result of the resource analysis; None: there is none.
        size_mb: size of the soak tree.
    """
    windows = complete(summaries)
    hours = math.fsum(float(s["window"]["seconds"]) for s in windows) / _SEC_PER_HOUR
    failed = []
    if hours < HOURS:
        failed.append(f"duration {hours:.2f} h of {HOURS:g} h")
    bad = [s["iteration"] for s in windows if s["summary"]["kpi_verdict"] != "PASS"]
    if bad:
        failed.append(f"kpi not PASS in {len(bad)} iterations, first {bad[0]}")
    guards = [dict(s["tuning"].get("guards") or {}) for s in windows]
    if not any(guard.get("frozen_until_iter") is not None for guard in guards):
        failed.append("freeze never activated")
    swings = oscillations_of(windows)
    if swings:
        failed.append(f"oscillation of {swings[0]['param']} at iteration {swings[0]['iteration']}")
    if leak_detected is None:
        failed.append("no resource analysis")
    elif leak_detected:
        failed.append("memory leak")
    if size_mb >= SIZE_MB_MAX:
        failed.append(f"size {size_mb:.1f} MB of {SIZE_MB_MAX:g} MB")
    return failed
