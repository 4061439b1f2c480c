"""Files of a session that survive a restart.

They are loaded before the first decision, written on an interval (moved a little by each path, so
that they do not meet on the disk) and at the stop. A damaged file is set aside and the session
starts without it; a write that fails is counted and tried again at the next turn: neither ends a
session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmbot import clock, core
from mmbot.errors import StoreError
from mmbot.store.artifacts import write_json
from mmbot.store.runtime import runtime_block
from mmbot.store.snapshots import SnapshotError, jittered_sec, restore, write_snapshot
from mmbot.telemetry.metrics import GIVEN
from mmbot.trading.session import Taken
from mmbot.units import NS_PER_SEC

__all__ = ["SnapshotCompanion", "SnapshotFile", "SnapshotFiles"]


@dataclass(slots=True)
class SnapshotFile:
    """One kind: where it lies, what became of it. Times are seconds since 1970, 0 is never.

    `load` takes a payload or raises `SnapshotError` for a field; nothing has changed then.
    """

    kind: str
    path: Path
    interval_sec: float
    payload: Callable[[], Mapping[str, Any]]
    load: Callable[[dict[str, Any]], None]
    due_ns: int = 0
    sha256: str = ""
    last_write_ts: float = 0.0
    last_load_ts: float = 0.0
    writes: int = 0
    writes_failed: int = 0
    loads: int = 0
    loads_failed: int = 0
    integrity_failures: int = 0
    problems: list[str] = field(default_factory=list)

    def restore(self) -> None:
        """Load the file if it is there."""
        try:
            found = restore(self.path, self._loaded)
        except StoreError as exc:
            self.loads_failed += 1
            self.problems.append(str(exc))
            return
        if found.refused is not None:
            self.note_refusal(found.refused)
            return
        if found.value:
            self.note_load()

    def _loaded(self, payload: dict[str, Any]) -> bool:
        self.load(payload)
        return True

    def note_load(self) -> None:
        """A load went well, from the file or by request."""
        self.loads += 1
        self.last_load_ts = clock.wall_ns() / NS_PER_SEC

    def note_refusal(self, refused: SnapshotError) -> None:
        """A load was refused."""
        self.loads_failed += 1
        self.integrity_failures += refused.is_damage
        self.problems.append(str(refused))

    def wait(self, now_ns: int) -> None:
        """Make the next turn an interval after `now_ns`."""
        wait_sec = jittered_sec(self.interval_sec, path=self.path, kind=self.kind)
        self.due_ns = now_ns + int(wait_sec * NS_PER_SEC)

    def write(self, now_ns: int) -> None:
        """Write the file; its next turn is an interval later."""
        self.wait(now_ns)
        try:
            self.sha256 = write_snapshot(self.path, self.payload())
        except StoreError as exc:
            self.writes_failed += 1
            self.problems.append(str(exc))
            return
        self.writes += 1
        self.last_write_ts = clock.wall_ns() / NS_PER_SEC


class SnapshotFiles:
    """The files of one session and their index.

    `on_start` before the first data, `poll` every second or so with a monotonic time, `on_stop`
    when the orders are out.
    """

    def __init__(self, files: Sequence[SnapshotFile], index: Path) -> None:
        self.files = tuple(files)
        self._index = index
        self._problems: list[str] = []

    def on_start(self, now_ns: int, *, restores: bool = True) -> None:
        """Load what is there if that is wanted; the first write comes an interval later."""
        for file in self.files:
            if restores:
                file.restore()
            file.wait(now_ns)

    def is_due(self, now_ns: int) -> bool:
        """Whether `poll` has something to write."""
        return any(now_ns >= file.due_ns for file in self.files)

    def poll(self, now_ns: int) -> None:
        """Write the files whose turn it is."""
        self._write([file for file in self.files if now_ns >= file.due_ns], now_ns)

    def on_stop(self, now_ns: int) -> None:
        """Write all files."""
        self._write(self.files, now_ns)

    def take_problems(self) -> list[str]:
        """Errors since the last call, one line each."""
        taken = [problem for file in self.files for problem in file.problems] + self._problems
        for file in self.files:
            file.problems.clear()
        self._problems.clear()
        return taken

    def counts(self) -> dict[str, dict[tuple[str, ...], float]]:
        """Counters by name of the metric, then by label values; see `mmbot.telemetry.metrics`."""
        found: dict[str, dict[tuple[str, ...], float]] = {}
        for file in self.files:
            prefix = f"{file.kind}_snapshot"
            for what in ("writes", "writes_failed", "loads", "loads_failed"):
                found[f"{prefix}_{what}_total"] = {(): getattr(file, what)}
            found[f"{prefix}_mtime_seconds"] = {
                ("write",): file.last_write_ts,
                ("load",): file.last_load_ts,
            }
        found["snapshot_integrity_fail_total"] = {
            (file.kind,): file.integrity_failures for file in self.files
        }
        # not every kind has every metric
        return {name: values for name, values in found.items() if name in GIVEN}

    def _write(self, files: Sequence[SnapshotFile], now_ns: int) -> None:
        for file in files:
            file.write(now_ns)
        if not files:
            return
        kinds = {
            file.kind: {
                "last_write_ts": file.last_write_ts,
                "path": str(file.path),
                "sha256": file.sha256,
            }
            for file in self.files
            if file.sha256
        }
        try:
            write_json(self._index, {"kinds": kinds, "runtime": runtime_block()})
        except StoreError as exc:
            self._problems.append(str(exc))


class SnapshotCompanion:
    """Keeps the files of a session along its way (`mmbot.trading.session.Companion`).

    Files follow the wall clock: a session at full speed does not write them every few milliseconds.

    Args:
        files: of the session.
        say: takes problems.
        restores: False for a session that knows all of it from its journal.
        beside: whether a thread of its own writes, for sessions that wait for no disk.
    """

    def __init__(
        self,
        files: SnapshotFiles,
        say: Callable[[str], None],
        *,
        restores: bool = True,
        beside: bool = False,
    ) -> None:
        self._files = files
        self._say = say
        self._restores = restores
        self._pool = ThreadPoolExecutor(1, "snapshots") if beside else None
        self._writing: Future[None] | None = None

    def begin(self, engine: core.Backtest, market_ns: int) -> None:
        """Load before the first data, as of their time."""
        engine.session(0).begin_at(market_ns)
        self._files.on_start(clock.monotonic_ns(), restores=self._restores)
        self._report()

    def on_chunk(self, symbol: int, chunk: core.EventChunk) -> None:
        """See `Companion`."""

    def step(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """Write what is due."""
        del engine, market_ns, taken
        now_ns = clock.monotonic_ns()
        if self._writing is not None:
            if not self._writing.done():
                return
            self._writing.result()
            self._writing = None
        self._report()
        if not self._files.is_due(now_ns):
            return
        if self._pool is None:
            self._files.poll(now_ns)
            self._report()
        else:
            self._writing = self._pool.submit(self._files.poll, now_ns)

    def close(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """Write all."""
        del engine, market_ns, taken
        if self._pool is not None:
            self._pool.shutdown()
        self._files.on_stop(clock.monotonic_ns())
        self._report()

    def _report(self) -> None:
        for problem in self._files.take_problems():
            self._say(problem)
