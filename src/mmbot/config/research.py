"""Edge accounting, the simulator, soak."""

from __future__ import annotations

from typing import ClassVar

from mmbot.config.base import Section, key

__all__ = ["EdgeConfig", "SimConfig", "SoakConfig"]


class EdgeConfig(Section):
    """Section `edge`."""

    HOT: ClassVar[bool] = True

    adverse_horizon_ms: int = key(1000, "adverse selection is measured after", ge=100, le=60_000)


class SimConfig(Section):
    """Section `sim`."""

    queue_power_n: float = key(2.0, "exponent of the power queue model", ge=0.1, le=10)


class MaxDeltaPerHour(Section):
    """Section `soak.max_delta_per_hour`: how far tuning may move a parameter in one hour."""

    min_interval_ms: float = key(30.0, "net change in an hour", ge=0)
    impact_cap_ratio: float = key(0.04, "net change in an hour", ge=0, le=1)
    base_spread_bps_delta: float = key(0.20, "net change in an hour, bps", ge=0)
    max_delta_ratio: float = key(0.04, "net change in an hour", ge=0, le=1)
    tail_age_ms: float = key(200.0, "net change in an hour", ge=0)
    replace_rate_per_min: float = key(120.0, "net change in an hour", ge=0)


class SoftGateConfig(Section):
    """Section `soak.soft_gate`: when one iteration fails or warns; markets pay differently."""

    fail_net_bps: float = key(2.0, "fails below this net edge", ge=-1000, le=1000)
    fail_risk_ratio: float = key(0.50, "fails above this share of risk blocks", ge=0, le=1)
    warn_risk_ratio: float = key(0.40, "warns above this share of risk blocks", ge=0, le=1)
    warn_adverse_p95_bps: float = key(
        3.0, "warns above this p95 of adverse selection", ge=-1000, le=1000
    )


class SoakConfig(Section):
    """Section `soak`."""

    min_fills_per_iteration: int = key(20, "fewer fills give no verdict", ge=0)
    warmup_iterations: int = key(4, "iterations with the warm-up overlay", ge=0)
    rampdown_iterations: int = key(2, "iterations in which it fades", ge=0)
    max_delta_per_hour: MaxDeltaPerHour = key(MaxDeltaPerHour(), "velocity limits")
    soft_gate: SoftGateConfig = key(SoftGateConfig(), "limits of the gate of one iteration")
