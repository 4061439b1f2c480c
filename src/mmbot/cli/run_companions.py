"""What goes along with a session of `mmbot run` besides its records: kept files, storage."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmbot import core
from mmbot.api.running import RunningSession, SnapshotPaths
from mmbot.config import AppConfig
from mmbot.config.runtime import RuntimeConfig
from mmbot.research.session_metrics import MetricsFile
from mmbot.store.audit_log import AuditLog
from mmbot.store.runtime import artifact_path
from mmbot.telemetry.logs import get_logger
from mmbot.trading.auditing import AuditCompanion
from mmbot.trading.drilling import DrillCompanion
from mmbot.trading.identity import SessionIdentity
from mmbot.trading.journaling import SessionJournal
from mmbot.trading.schedule.recorded import suggest_windows
from mmbot.trading.schedule.suggest import Suggestion, SuggestRequest
from mmbot.trading.session import Companion
from mmbot.trading.snapshot_files import SnapshotCompanion
from mmbot.trading.storage_guard import StorageCompanion, StorageGuard, StorageLimits
from mmbot.trading.window_recompute import WindowRecompute, period_sec

__all__ = [
    "SnapshotChoices",
    "audit_companions",
    "drill_companions",
    "journal_companions",
    "metrics_companion",
    "snapshot_companions",
    "window_recompute",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotChoices:
    """Where the throttle's snapshot lies, how often it is written, and whether any is kept.

    Only a session that follows the clock on a market of its own takes an earlier one's state over
    and leaves its own: a recording, or a run at full speed, is to come out the same every time.
    """

    kept: bool
    throttle_path: Path | None
    throttle_interval_sec: float

    @property
    def paths(self) -> SnapshotPaths:
        """As `RunningSession` takes them."""
        return SnapshotPaths(
            throttle=self.throttle_path or artifact_path("throttle_snapshot.json"),
            throttle_interval_sec=self.throttle_interval_sec,
        )


def snapshot_companions(
    choices: SnapshotChoices,
    engine: core.Backtest,
    runtime: RuntimeConfig,
    say: Callable[[str], None],
    *,
    restores: bool = True,
    beside: bool = False,
) -> list[Companion]:
    """The companion that keeps a session's state over a restart, if it is kept.

    `restores` and `beside` as of `SnapshotCompanion`.
    """
    if not choices.kept:
        return []
    running = RunningSession(engine, lambda: runtime.config, choices.paths)
    return [SnapshotCompanion(running.files, say, restores=restores, beside=beside)]


def audit_companions(
    mode: str,
    runtime: RuntimeConfig,
    say: Callable[[str], None],
    *,
    waits: bool = False,
    audit: AuditLog | None = None,
) -> list[Companion]:
    """What feeds ``audit.jsonl``; a generated session decides nothing that anybody audits.

    `audit` is its writer, if one runs already; else `waits` as of `AuditLog`.
    """
    if mode == "sim":
        return []
    logger = get_logger("exec")
    return [
        AuditCompanion(
            audit or AuditLog(artifact_path("audit.jsonl"), say, waits=waits),
            lambda: runtime.config.latency_boost.tail_batch.tail_age_ms,
            # several a second in a busy market
            logger.debug,
            is_running=audit is not None,
        )
    ]


def window_recompute(
    runtime: RuntimeConfig, symbols: Sequence[str], say: Callable[[str], None]
) -> WindowRecompute | None:
    """What suggests trading windows anew every ``SCHEDULER_RECOMPUTE_SEC``, if that is above 0.

    Raises:
        ConfigError: ``E_CFG_TYPE`` for a value that is no number of seconds.
    """
    every_sec = period_sec()
    if every_sec == 0:
        return None

    def suggest(request: SuggestRequest, now_ns: int) -> tuple[Suggestion, ...]:
        root = runtime.config.recorder.data_dir
        return suggest_windows(root, symbols, now_ns=now_ns, request=request)

    return WindowRecompute(every_sec, suggest, say)


def metrics_companion(
    symbols: Sequence[str],
    mode: str,
    runtime: RuntimeConfig,
    say: Callable[[str], None],
    *,
    beside: bool = False,
) -> Companion:
    """What writes ``metrics.json``; `beside` as of `MetricsFile`."""
    env = os.environ.get("MM_ENV") or "dev"
    return MetricsFile(symbols, lambda: runtime.config, mode=mode, env=env, say=say, beside=beside)


def drill_companions(
    identity: SessionIdentity, mode: str, say: Callable[[str], None]
) -> list[Companion]:
    """What lets `mmbot risk drill kill` reach the session; a generated one is nobody's to drill."""
    return [] if mode == "sim" else [DrillCompanion(identity.session, identity.symbols, say)]


def journal_companions(
    journal: SessionJournal | None,
    config: AppConfig,
    say: Callable[[str], None],
    *,
    lag_records: Callable[[], int] | None = None,
) -> list[Companion]:
    """The journal after those that change what is written; what holds quoting back before it.

    `lag_records` is how far the SQL store is behind, if that may hold quoting back.
    """
    if journal is None:
        return []
    if not journal.goes_on:
        return [journal]
    guard = StorageGuard(StorageLimits.of(config.storage))
    return [StorageCompanion(guard, journal, say, lag_records=lag_records), journal]
