"""Does a process leak? Least squares over its resident memory, and spans of the other figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["analyse", "slope"]

SETTLING_SEC: Final = 1800.0
DATA_MIN_SEC: Final = 7200.0
LEAK_MB_PER_HOUR: Final = 10.0
_SEC_PER_HOUR: Final = 3600.0


def analyse(snapshots: Sequence[Mapping[str, Any]], *, skipped: int = 0) -> dict[str, Any]:
    """The content of ``<stem>.analysis.json``.

    Memory is the process's resident memory: that of the machine also holds other programs. The
    first 30 minutes are settling; a leak needs two hours of data and more than 10 MB an hour.
    """
    times = [float(s["timestamp_unix"]) for s in snapshots]
    duration_sec = times[-1] - times[0] if len(times) > 1 else 0.0
    points = _points(snapshots, "process_memory_mb")
    settled = [(t, v) for t, v in points if t - points[0][0] >= SETTLING_SEC] if points else []
    leak = slope(settled)
    per_hour = None if leak is None else leak * _SEC_PER_HOUR
    return {
        "snapshot_count": len(snapshots),
        "skipped_lines": skipped,
        "duration_hours": duration_sec / _SEC_PER_HOUR,
        "memory": {
            **_span(points, "mb"),
            "leak_mb_per_hour": per_hour,
            "leak_detected": bool(
                per_hour is not None
                and duration_sec >= DATA_MIN_SEC
                and per_hour > LEAK_MB_PER_HOUR
            ),
        },
        "cpu": _span(_points(snapshots, "process_cpu_percent"), "percent"),
        "disk": {
            **_span(_points(snapshots, "disk_used_gb"), "gb"),
            "growth_gb": _growth(_points(snapshots, "disk_used_gb")),
        },
    }


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Slope of the least-squares line through (x, y); None without two different x."""
    if len(points) < 2:
        return None
    mean_x = math.fsum(x for x, _ in points) / len(points)
    mean_y = math.fsum(y for _, y in points) / len(points)
    spread = math.fsum((x - mean_x) ** 2 for x, _ in points)
    if spread == 0:
        return None
    return math.fsum((x - mean_x) * (y - mean_y) for x, y in points) / spread


def _points(snapshots: Sequence[Mapping[str, Any]], name: str) -> list[tuple[float, float]]:
    return [
        (float(s["timestamp_unix"]), float(s[name])) for s in snapshots if s.get(name) is not None
    ]


def _span(points: Sequence[tuple[float, float]], unit: str) -> dict[str, float | None]:
    values = [value for _, value in points]
    if not values:
        return dict.fromkeys((f"min_{unit}", f"max_{unit}", f"avg_{unit}"))
    return {
        f"min_{unit}": min(values),
        f"max_{unit}": max(values),
        f"avg_{unit}": math.fsum(values) / len(values),
    }


def _growth(points: Sequence[tuple[float, float]]) -> float | None:
    return points[-1][1] - points[0][1] if points else None
