"""The acceptance gates of a backtest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbot.research.models import Gates, Thresholds

__all__ = ["evaluate"]


def evaluate(headline: Mapping[str, Any], thresholds: Thresholds) -> Gates:
    """Compare ``net_bps``, ``taker_share_pct`` and ``order_age_p95_ms`` with their limits."""
    reasons = []
    net_bps = headline["net_bps"]
    if not net_bps >= thresholds.net_bps:
        reasons.append(f"net_bps {net_bps:.6f} < {thresholds.net_bps:g}")
    for key, most in (
        ("taker_share_pct", thresholds.taker_share_pct),
        ("order_age_p95_ms", thresholds.order_age_p95_ms),
    ):
        if not headline[key] <= most:
            reasons.append(f"{key} {headline[key]:.6f} > {most:g}")
    return Gates(passed=not reasons, reasons=tuple(reasons), thresholds=thresholds)
