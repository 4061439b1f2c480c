"""The preview of weights, base targets and levels (03 section 8), as data and as text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from mmbot.config.portfolio import PortfolioConfig
from mmbot.portfolio.allocator import core_params
from mmbot.portfolio.models import AllocatorSettings
from mmbot.portfolio.weights import next_weights, risk_contributions

__all__ = ["DEMO_VOLAS", "DEMO_WEIGHTS", "Preview", "PreviewRow", "preview", "preview_text"]

DEMO_VOLAS: Final[Mapping[str, float]] = {
    "BTCUSDT": 0.025,
    "ETHUSDT": 0.035,
    "SOLUSDT": 0.045,
    "ADAUSDT": 0.055,
    "DOTUSDT": 0.065,
}
DEMO_WEIGHTS: Final[Mapping[str, float]] = {"BTCUSDT": 0.6, "ETHUSDT": 0.4}

_RULE: Final = "-" * 56


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One symbol; `risk_share` is its share of ``sum w*vol``."""

    symbol: str
    vola: float
    weight: float
    target_usd: float
    max_levels: int
    risk_share: float


@dataclass(frozen=True, slots=True)
class Preview:
    """Rows by falling weight, then symbol."""

    config: PortfolioConfig
    rows: tuple[PreviewRow, ...]
    source: Literal["option", "recorded", "demo"]
    warnings: tuple[str, ...]


def preview(
    config: PortfolioConfig,
    volas: Mapping[str, float],
    *,
    source: Literal["option", "recorded", "demo"],
) -> Preview:
    """Weights without a previous allocation and without attenuation."""
    found = next_weights(config, volas, {})
    shares = risk_contributions(found.weights, volas)
    core = core_params(AllocatorSettings(portfolio=config), tuple(found.weights))
    rows = [
        PreviewRow(
            symbol=symbol,
            vola=volas[symbol],
            weight=weight,
            target_usd=config.budget_usd * weight,
            max_levels=core.max_levels(weight),
            risk_share=shares[symbol],
        )
        for symbol, weight in found.weights.items()
    ]
    rows.sort(key=lambda row: (-row.weight, row.symbol))
    return Preview(config, tuple(rows), source, found.warnings)


def preview_text(view: Preview) -> str:
    """The table, ASCII, with a line feed at the end."""
    config = view.config
    lines = [
        "Portfolio Allocation Preview",
        f"Mode: {config.mode}",
        f"Budget: ${config.budget_usd:,.0f}",
        f"EMA Alpha: {config.ema_alpha}",
        f"Weight Range: {config.min_weight:.1%} - {config.max_weight:.1%}",
        "",
        "Symbol       Vol      Weight   Target USD  Max Levels",
        _RULE,
    ]
    lines += [
        f"{row.symbol:<12} {row.vola:<8.4f} {row.weight:<8.4f} "
        f"{f'${row.target_usd:,.0f}':<11} {row.max_levels}"
        for row in view.rows
    ]
    weight = math.fsum(row.weight for row in view.rows)
    total = math.fsum(row.target_usd for row in view.rows)
    lines += [
        _RULE,
        f"{'TOTAL':<12} {'':<8} {weight:<8.4f} ${total:,.0f}",
        "",
        f"Vol source: {view.source}",
    ]
    return "\n".join(lines) + "\n"
