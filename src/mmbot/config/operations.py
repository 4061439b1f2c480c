"""Running it: leader, listeners, logs, storage, recorder."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mmbot.config.base import Items, Section, key

__all__ = [
    "HaFailoverConfig",
    "JournalConfig",
    "LoggingConfig",
    "MonitoringConfig",
    "RateBudgetConfig",
    "RecorderConfig",
    "RuntimeSection",
    "StorageConfig",
    "WatchdogConfig",
]

_Fraction = Annotated[float, Field(gt=0, lt=1)]


class HaFailoverConfig(Section):
    """Section `ha_failover`."""

    enabled: bool = key(default=False, doc="trade only as leader")
    redis_url: str = key("redis://localhost:6379/0", "coordination; password by secret only")
    lock_key: str = key(
        "mm:quoter:leader", "name of the lock, equal on all instances", min_length=1
    )
    ttl_ms: int = key(3000, "lease of the leader", ge=500)
    renew_ms: int = key(1500, "time between renewals", ge=1)
    poll_ms: int = key(50, "time between a follower's attempts", ge=1, le=100)
    safety_margin_ms: int = key(500, "the leader stops sending this long before its lease", ge=0)
    idempotency_ttl_ms: int = key(5000, "memory of sent actions", ge=0)
    drain_timeout_ms: int = key(10_000, "time to confirm cancels at stop", ge=0)


class MonitoringConfig(Section):
    """Section `monitoring`; equal ports: one listener."""

    metrics_port: int = key(8080, "port of /metrics", ge=1024, le=65_535)
    health_port: int = key(8080, "port of /health", ge=1024, le=65_535)


class LoggingConfig(Section):
    """Section `logging`."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = key("INFO", "least level shown")
    trace_alloc_micro: bool = key(default=False, doc="trace allocation and micro signals")


class StorageConfig(Section):
    """Section `storage`."""

    url: str = key("sqlite:///data/mmbot.db", "SQLAlchemy address; password by secret only")
    batch_size: int = key(1000, "records per transaction", ge=100, le=10_000)
    flush_ms: int = key(200, "longest wait of a record", ge=50, le=5000)
    journal_dir: str = key("data/journal", "where journals lie", min_length=1)
    journal_fsync_ms: int = key(5, "time between syncs, 0: every record", ge=0, le=1000)
    journal_keep_days: int = key(14, "age at which journals go", ge=0)
    max_lag_records: int = key(100_000, "records the store may be behind", ge=1)
    min_free_mb: int = key(512, "free disk below this stops quoting, MiB", ge=0)
    retention_days_order_events: int = key(90, "age at which order events go, days", ge=0)


class JournalConfig(Section):
    """Section `journal`: what makes replaying a journal quick."""

    snapshot_interval_s: float = key(60.0, "time between snapshots of the engine's state", gt=0)


class WatchdogConfig(Section):
    """Section `watchdog`: the process that cancels when the session's heartbeat stops."""

    timeout_s: float = key(5.0, "age of the newest heartbeat that counts as stopped", gt=0)
    venue_protection_s: int | None = key(
        None, "Bybit cancels ALL orders this long after the watchdog is gone", ge=3, le=300
    )


class RateBudgetConfig(Section):
    """Section `rate_budget`: the venue's limits, which belong to account and address."""

    shared: bool = key(default=False, doc="share them through Redis (ha_failover.redis_url)")
    account: str = key("main", "names the account; equal in all programs that use it", min_length=1)
    address: str = key("", "names the network address; empty: the machine's name")
    local_share_ratio: float = key(0.25, "part of the limits while Redis is gone", gt=0, le=1)
    redis_timeout_ms: int = key(50, "longest wait for Redis", ge=1, le=5000)


class RuntimeSection(Section):
    """Section `runtime`: how a session may be started."""

    allow_live: bool = key(default=False, doc="mode live starts without --i-understand-live")
    busy_poll: bool = key(
        default=False,
        doc="a live or shadow session never sleeps: faster answers for a whole processor",
    )


class RecorderConfig(Section):
    """Section `recorder`."""

    enabled: bool = key(default=True, doc="record market data in live, shadow and paper sessions")
    data_dir: str = key("data/research", "catalog directory", min_length=1)
    queue_max: int = key(100_000, "rows waiting to be written", ge=1)
    flush_ms: int = key(200, "longest wait of a row", ge=1)
    summaries_dir: str = key("data/research/summaries", "hourly summaries", min_length=1)
    retention_days: int | None = key(14, "age at which summaries go, null: never", ge=1)
    keep_last: int | None = key(None, "newest summaries kept per symbol, null: all", ge=1)
    overwrite_existing_hour: bool = key(default=True, doc="replace an existing summary")
    merge_strategy: Literal["sum_bins"] | None = key(None, "how to merge when not replaced")
    bins_max_bps: int = key(50, "last bin of distance from mid", ge=1, le=1000)
    percentiles: Items[_Fraction] = key(
        (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99), "of the queue wait", min_length=1
    )
    lock_mode: Literal["none", "lockfile", "o_excl"] = key("lockfile", "several writers")
