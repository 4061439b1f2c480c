"""Fee tiers and whether the next one is worth a tilt (03 section 7). Tables are data, not code."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mmbot.config.portfolio import BybitFeesConfig, FeeTier
from mmbot.errors import ConfigError

__all__ = [
    "FeeStatus",
    "effective_fee_jump",
    "effective_shares",
    "fee_line",
    "fee_status",
    "with_account_rates",
]

_JUMP_BPS: Final = 0.4


@dataclass(frozen=True, slots=True)
class FeeStatus:
    """Where the account stands: tiers, fees in bps, missing turnover in USD (0 at the top)."""

    tier_now: FeeTier
    tier_next: FeeTier | None
    effective_bps: float
    improvement_bps: float
    distance_usd: float
    worth_a_tilt: bool


def fee_status(
    config: BybitFeesConfig, *, turnover_30d_usd: float, maker_share: float = 1.0
) -> FeeStatus:
    """The tier of a turnover and whether the next one is near and worth it.

    Raises:
        ConfigError: ``E_CFG_INVARIANT`` when the tiers do not ascend from 0.
    """
    at = _tier_at(config.tiers, turnover_30d_usd)
    now = config.tiers[at]
    following = config.tiers[at + 1] if at + 1 < len(config.tiers) else None
    effective = _effective_bps(now, maker_share)
    if following is None:
        return FeeStatus(now, None, effective, 0.0, 0.0, worth_a_tilt=False)
    distance = following.req_30d_usd - turnover_30d_usd
    improvement = effective - _effective_bps(following, maker_share)
    near = distance <= config.distance_usd_threshold
    worth = near and improvement >= config.min_improvement_bps
    return FeeStatus(now, following, effective, improvement, distance, worth_a_tilt=worth)


def _tier_at(tiers: Sequence[FeeTier], turnover_usd: float) -> int:
    needs = [tier.req_30d_usd for tier in tiers]
    if needs[0] != 0 or any(b <= a for a, b in itertools.pairwise(needs)):
        raise ConfigError(
            "E_CFG_INVARIANT", "fees.bybit.tiers", "must have ascending req_30d_usd from 0"
        )
    return max(i for i, need in enumerate(needs) if i == 0 or turnover_usd >= need)


def _effective_bps(tier: FeeTier, maker_share: float) -> float:
    return maker_share * tier.maker_bps + (1.0 - maker_share) * tier.taker_bps


def effective_shares(*, maker_usd: float, taker_usd: float) -> float:
    """Maker share of the notional of the last 24 h; 1 without fills (decision 19)."""
    total = maker_usd + taker_usd
    return maker_usd / total if total > 0 else 1.0


def with_account_rates(
    config: BybitFeesConfig, *, turnover_30d_usd: float, maker_bps: float, taker_bps: float
) -> BybitFeesConfig:
    """The account's own rates in place of those of its current tier."""
    at = _tier_at(config.tiers, turnover_30d_usd)
    own = config.tiers[at].model_copy(update={"maker_bps": maker_bps, "taker_bps": taker_bps})
    return config.model_copy(update={"tiers": (*config.tiers[:at], own, *config.tiers[at + 1 :])})


def effective_fee_jump(status: FeeStatus) -> bool:
    """Whether the fee paid is more than 0.4 bps above the tier's maker fee."""
    return status.effective_bps - status.tier_now.maker_bps > _JUMP_BPS


def fee_line(status: FeeStatus) -> str:
    """What `mmbot portfolio fees` prints."""
    following = "-" if status.tier_next is None else str(status.tier_next.level)
    suggestion = "tilt ON" if status.worth_a_tilt else "tilt OFF"
    return (
        f"tier_now={status.tier_now.level} eff_now_bps={status.effective_bps:.3f} "
        f"tier_next={following} distance_usd={status.distance_usd:.0f} suggestion={suggestion}"
    )
