"""How orders are sent: replace throttle, tail cancel, rate windows, breaker, autopolicy."""

from __future__ import annotations

from typing import ClassVar

from mmbot.config.base import Section, key

__all__ = ["AutopolicyConfig", "CircuitConfig", "LatencyBoostConfig", "ThrottleConfig"]


class ReplaceConfig(Section):
    """Section `latency_boost.replace`: replaces of one symbol."""

    HOT: ClassVar[bool] = True

    max_concurrent: float = key(
        2.0, "replaces in flight; one more may go when in_flight + 1 <= this", ge=1
    )
    min_interval_ms: int = key(60, "time between two replaces", ge=0, le=3_600_000)
    replace_rate_per_min: int = key(400, "replaces in 60 s", gt=0)


class TailBatchConfig(Section):
    """Section `latency_boost.tail_batch`: orders that hang off their target."""

    HOT: ClassVar[bool] = True

    tail_age_ms: int = key(800, "age from which such an order is cancelled", ge=0, le=3_600_000)
    max_batch: int = key(10, "cancels in one batch", ge=1, le=1000)
    jitter_ms: int = key(0, "seeded random addition to the age", ge=0, le=10_000)


class LatencyBoostConfig(Section):
    """Section `latency_boost`."""

    replace: ReplaceConfig = key(ReplaceConfig(), "replace throttle")
    tail_batch: TailBatchConfig = key(TailBatchConfig(), "tail-age batch cancel")


class ThrottleConfig(Section):
    """Section `throttle`: request windows and back-off."""

    HOT: ClassVar[bool] = True

    window_sec: int = key(3, "length of the window", ge=1, le=3600)
    max_creates_per_sec: float = key(10.0, "creates, mean over the window", gt=0)
    max_amends_per_sec: float = key(20.0, "amends, mean over the window", gt=0)
    max_cancels_per_sec: float = key(25.0, "cancels, mean over the window", gt=0)
    backoff_base_ms: int = key(200, "first back-off", ge=1, le=60_000)
    backoff_cap_ms: int = key(5000, "largest back-off", ge=1, le=600_000)
    jitter_pct: float = key(0.1, "random part of a back-off, fraction", ge=0, le=0.5)
    error_rate_trigger: float = key(0.02, "share of failed calls that backs off", ge=0, le=1)
    ws_lag_trigger_ms: float = key(500.0, "lag of the feed that backs off", ge=0)


class CircuitConfig(Section):
    """Section `circuit`: breaker of one venue session."""

    HOT: ClassVar[bool] = True

    window_sec: float = key(60.0, "window of the rates", ge=1, le=3600)
    err_rate_open: float = key(0.5, "share of errors that opens", ge=0, le=1)
    http_5xx_rate_open: float = key(0.2, "share of 5xx that opens", ge=0, le=1)
    http_429_rate_open: float = key(0.2, "share of 429 that opens", ge=0, le=1)
    open_duration_sec: float = key(30.0, "time before probes", gt=0)
    half_open_probes: int = key(5, "probes before a verdict", ge=1, le=100)
    cooldown_sec: float = key(5.0, "time between probes", ge=0)
    min_samples: int = key(5, "results needed for a verdict", ge=1, le=1000)


class AutopolicyConfig(Section):
    """Section `autopolicy`: calmer quoting while throttled."""

    HOT: ClassVar[bool] = True

    enabled: bool = key(default=True, doc="evaluate every second")
    level_max: int = key(3, "calmest level", ge=0, le=10)
    trigger_backoff_ms: float = key(3000.0, "back-off that counts as bad", gt=0)
    trigger_events_total: int = key(40, "requests in the window, per symbol, that are bad", gt=0)
    hysteresis_bad_required: int = key(2, "bad evaluations in a row that raise the level", ge=1)
    hysteresis_good_required: int = key(2, "good evaluations in a row that lower it", ge=1)
    cooldown_minutes: float = key(2.0, "time between changes", ge=0)
    min_time_in_book_ms_step_pct: float = key(0.15, "increase per level, fraction", ge=0, le=1)
    replace_threshold_bps_step_pct: float = key(0.15, "increase per level, fraction", ge=0, le=1)
    levels_per_side_shrink_step_pct: float = key(0.25, "decrease per level, fraction", ge=0, le=1)
    min_levels_cap: int = key(1, "levels never fall below", ge=1, le=100)
    max_min_time_in_book_ms: int = key(60_000, "time in book never rises above", ge=0)
    max_replace_threshold_bps: float = key(
        100.0, "replace threshold never rises above", ge=0, le=1000
    )
