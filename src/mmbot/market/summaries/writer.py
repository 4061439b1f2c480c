"""The one that writes hourly summaries: lock, read what is there, merge, check, write, prune.

Nothing is logged here: `WriteOutcome` says what was done. An outcome with an error has written
nothing. A file that cannot be read or does not hold is moved aside, never overwritten.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from mmbot.clock import wall_ns
from mmbot.errors import MarketDataError, MmbotError, StoreError
from mmbot.market.summaries.build import SummaryOptions, merge_summaries
from mmbot.market.summaries.locks import LockTiming, hold_lock
from mmbot.market.summaries.retention import Pruned, prune
from mmbot.market.summaries.schema import read_summary, validate_summary_payload
from mmbot.store.artifacts import write_json
from mmbot.units import NS_PER_SEC, format_stamp, format_utc

__all__ = ["SummaryWriter", "WriteOutcome", "WriteStatus", "summary_path"]


_NOTHING_PRUNED: Final = Pruned(0, 0)


class WriteStatus(StrEnum):
    """What became of one summary."""

    WRITTEN = "written"
    MERGED = "merged"
    # The file exists and is to be left as it is.
    SKIPPED = "skipped"
    # Everything in it is in the file already.
    DUPLICATE = "duplicate"
    # E_SUM_INVALID: the content breaks the schema.
    INVALID = "invalid"
    # E_SUM_LOCK: another writer held the lock.
    LOCKED = "locked"
    # E_STORE_DISK and the like.
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOutcome:
    """Result of one write.

    Attributes:
        status: what was done.
        path: the file of the hour.
        error: why nothing was written.
        corrupt: where a damaged earlier file was moved to.
        locks_broken: abandoned locks removed on the way.
        pruned: files removed afterwards.
    """

    status: WriteStatus
    path: Path
    error: MmbotError | None = None
    corrupt: Path | None = None
    locks_broken: int = 0
    pruned: Pruned = _NOTHING_PRUNED

    @property
    def errors(self) -> int:
        """How much `summary_write_errors_total` grows by."""
        return int(self.error is not None) + int(self.corrupt is not None)


def summary_path(directory: Path, symbol: str, hour_ns: int) -> Path:
    """``<dir>/<SYMBOL>/<SYMBOL>_YYYY-mm-dd_HH.json``; a slash in a symbol becomes a dash."""
    name = symbol.upper().replace("/", "-").replace(":", "-")
    hour = format_utc(hour_ns)
    return directory / name / f"{name}_{hour[:10]}_{hour[11:13]}.json"


class SummaryWriter:
    """Writes summaries below `directory`.

    Args:
        directory: ``recorder.summaries_dir``.
        options: merge, lock and retention rules.
        now_ns: wall clock, for retention and names of damaged files.
        timing: waiting for locks.
    """

    def __init__(
        self,
        directory: Path,
        options: SummaryOptions,
        *,
        now_ns: Callable[[], int] = wall_ns,
        timing: LockTiming | None = None,
    ) -> None:
        self._directory = directory
        self._options = options
        self._now_ns = now_ns
        self._timing = timing

    def write(self, symbol: str, hour_ns: int, build: Callable[[], dict[str, Any]]) -> WriteOutcome:
        """Build and write the summary of one hour; errors come back in the outcome."""
        path = summary_path(self._directory, symbol, hour_ns)
        try:
            with self._locked(path) as broken:
                outcome = self._write_locked(path, build())
        except StoreError as exc:
            status = WriteStatus.LOCKED if exc.code == "E_SUM_LOCK" else WriteStatus.FAILED
            return WriteOutcome(status=status, path=path, error=exc)
        except OSError as exc:
            reason = exc.strerror or type(exc).__name__
            error = StoreError("E_STORE_DISK", f"file={path}", f"cannot be written: {reason}")
            return WriteOutcome(status=WriteStatus.FAILED, path=path, error=error)
        return replace(outcome, locks_broken=broken)

    @contextlib.contextmanager
    def _locked(self, path: Path) -> Iterator[int]:
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._options.lock_mode != "lockfile":
            # o_excl: the temporary file of the store is created with O_EXCL, the last replace wins.
            yield 0
            return
        with hold_lock(path, self._timing) as lock:
            yield lock.broken

    def _write_locked(self, path: Path, new: dict[str, Any]) -> WriteOutcome:
        # Checked before the old file is touched, and again after a merge.
        error = _invalid(path, new)
        if error is not None:
            return WriteOutcome(status=WriteStatus.INVALID, path=path, error=error)
        existing, corrupt = self._existing(path, new)
        status = WriteStatus.WRITTEN
        if existing is not None and not self._options.overwrite_existing_hour:
            if self._options.merge_strategy is None:
                return WriteOutcome(status=WriteStatus.SKIPPED, path=path)
            try:
                merged = merge_summaries(existing, new)
            except MarketDataError as exc:
                return WriteOutcome(status=WriteStatus.INVALID, path=path, error=exc)
            if merged is None:
                return WriteOutcome(status=WriteStatus.DUPLICATE, path=path)
            error = _invalid(path, merged)
            if error is not None:
                return WriteOutcome(status=WriteStatus.INVALID, path=path, error=error)
            new, status = merged, WriteStatus.MERGED
        write_json(path, new)
        pruned = prune(
            path.parent,
            path.parent.name,
            written=path,
            now_ns=self._now_ns(),
            retention_days=self._options.retention_days,
            keep_last=self._options.keep_last,
        )
        return WriteOutcome(status=status, path=path, corrupt=corrupt, pruned=pruned)

    def _existing(
        self, path: Path, new: Mapping[str, Any]
    ) -> tuple[dict[str, Any] | None, Path | None]:
        """The summary that is there, or where a damaged one was moved to."""
        if not path.exists():
            return None, None
        try:
            existing = read_summary(path.read_bytes())
        except (MarketDataError, OSError):
            return None, self._set_aside(path)
        if (existing["symbol"], existing["hour_utc"]) != (new["symbol"], new["hour_utc"]):
            return None, self._set_aside(path)
        return existing, None

    def _set_aside(self, path: Path) -> Path:
        stamp_ns = self._now_ns()
        while True:
            target = path.with_name(f"{path.name}.corrupt.{format_stamp(stamp_ns)}")
            if not target.exists():
                path.rename(target)
                return target
            # Two damaged files within a second: neither may replace the other.
            stamp_ns += NS_PER_SEC


def _invalid(path: Path, payload: Mapping[str, Any]) -> MarketDataError | None:
    ok, errors = validate_summary_payload(payload)
    if ok:
        return None
    return MarketDataError("E_SUM_INVALID", f"file={path}", "; ".join(errors))
