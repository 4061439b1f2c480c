"""A metric, and a sample of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Kind", "Metric", "Sample"]

Kind = Literal["gauge", "counter", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; see `mmbot.telemetry.metrics` for `source`. `scale` converts its unit."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str
    source: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One value; label values stand in the order of `Metric.labels`.

    Histograms give ``<name>_bucket`` (with ``le`` after the labels), ``<name>_sum`` and
    ``<name>_count``.
    """

    name: str
    labels: tuple[str, ...]
    value: float
