"""Blue and green: split, ramp, kill-switch, promotion, chaos, latency objective, canary."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from mmbot.config.base import FrozenMap, Items, Section, key, refuse

__all__ = [
    "AutopromoteConfig",
    "CanaryConfig",
    "ChaosConfig",
    "KillswitchConfig",
    "LatencySloConfig",
    "RolloutConfig",
    "RolloutRampConfig",
]


def _scalar(value: object) -> object:
    if not isinstance(value, bool | int | float | str):
        raise refuse("E_CFG_TYPE", "must be a number, true, false or text")
    return value


Overlay = FrozenMap[Annotated[Any, AfterValidator(_scalar)]]
"""Dotted keys of the configuration and their values for one colour."""

_Pct = Annotated[float, Field(ge=0, le=100)]


def _unique(items: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


class RolloutConfig(Section):
    """Section `rollout`."""

    blue: Overlay = key({}, "overlay of colour blue: dotted key to value")
    green: Overlay = key({}, "overlay of colour green: dotted key to value")
    traffic_split_pct: int = key(0, "percent of orders that are green", ge=0, le=100)
    active: Literal["blue", "green"] = key("blue", "colour of the base")
    salt: str = key("default", "salt of the split", min_length=1, max_length=64)
    pinned_cids_green: Annotated[Items[str], AfterValidator(_unique)] = key(
        (), "order ids that are always green", max_length=10_000
    )


class RolloutRampConfig(Section):
    """Section `rollout_ramp`."""

    enabled: bool = key(default=False, doc="raise the split step by step")
    steps_pct: Items[_Pct] = key((0.0, 5.0, 10.0, 25.0, 50.0), "splits, percent", min_length=1)
    step_interval_sec: float = key(600.0, "time between steps", ge=10)
    max_reject_rate_delta_pct: float = key(2.0, "more rejects than blue, percent", ge=0)
    max_latency_delta_ms: float = key(50.0, "slower than blue", ge=0)
    max_pnl_delta_usd: float = key(0.0, "less PnL than blue", ge=0)
    min_sample_fills: int = key(200, "fills before a step", ge=1)
    max_step_increase_pct: float = key(10.0, "largest step, percent", ge=0, le=100)
    cooldown_after_rollback_sec: float = key(900.0, "rest after a rollback", ge=0)


class KillswitchConfig(Section):
    """Section `killswitch`."""

    enabled: bool = key(default=False, doc="watch green against blue")
    dry_run: bool = key(default=True, doc="report, never act")
    max_reject_delta: float = key(0.02, "more rejects than blue, fraction", ge=0, le=1)
    max_latency_delta_ms: float = key(50.0, "slower than blue", ge=0)
    min_fills: int = key(500, "fills before a verdict", ge=1)
    action: Literal["rollback", "freeze"] = key("rollback", "what a breach does")


class AutopromoteConfig(Section):
    """Section `autopromote`."""

    enabled: bool = key(default=False, doc="promote green after stable steps")
    stable_steps_required: int = key(6, "stable steps in a row", ge=1)
    min_split_pct: float = key(25.0, "least split, percent", ge=0, le=100)


class ChaosConfig(Section):
    """Section `chaos`: inflated metrics, for development only."""

    HOT: ClassVar[bool] = True

    enabled: bool = key(default=False, doc="inflate green's metrics")
    reject_inflate_pct: float = key(0.0, "share of orders counted as rejected", ge=0, le=1)
    latency_inflate_ms: float = key(0.0, "added to latency samples", ge=0, le=10_000)


class LatencySloConfig(Section):
    """Section `latency_slo`."""

    enabled: bool = key(default=False, doc="measure the objective")
    p95_target_ms: float = key(50.0, "95th percentile", gt=0)
    p99_target_ms: float = key(100.0, "99th percentile", gt=0)
    window_sec: float = key(60.0, "window", gt=0)
    burn_alert_threshold: float = key(1.0, "burn rate that alerts", gt=0)


class CanaryConfig(Section):
    """Section `canary`."""

    fraction: float = key(0.10, "share of budget that a canary may use", ge=0, le=1)
