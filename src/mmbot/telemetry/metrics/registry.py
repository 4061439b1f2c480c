"""All metrics of a session."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mmbot.telemetry.metrics.allocation import ALLOCATION
from mmbot.telemetry.metrics.execution import EXECUTION
from mmbot.telemetry.metrics.guards import GUARDS
from mmbot.telemetry.metrics.market import MARKET
from mmbot.telemetry.metrics.models import Metric

__all__ = ["GIVEN", "METRICS", "metric"]

METRICS: Final[Mapping[str, Metric]] = MappingProxyType(
    {entry.name: entry for entry in (*MARKET, *EXECUTION, *GUARDS, *ALLOCATION)}
)
"""By name; ``strategy_weight`` stands for ``strategy_weight_<profile>``."""

GIVEN: Final = frozenset(entry.name for entry in METRICS.values() if entry.source == "given")
"""Metrics whose values other parts of the program count."""


def metric(name: str) -> Metric:
    """The metric of a sample's name."""
    if name.startswith("strategy_weight_"):
        return METRICS["strategy_weight"]
    for suffix in ("_bucket", "_sum", "_count"):
        whole = METRICS.get(name.removesuffix(suffix))
        if name.endswith(suffix) and whole is not None and whole.kind == "histogram":
            return whole
    return METRICS[name]
