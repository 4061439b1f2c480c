"""The execution recorder: one JSON line per order event in ``exe_YYYYmmdd.jsonl``.

`record` only puts the event into a bounded queue; a thread writes what has gathered, syncs it, and
then moves `last_write_ts`. A batch that fails is cut off the file again and stays queued, so a line
is never there twice and never in halves. The last line of a killed process may be torn: it was
never acknowledged and is cut off when the file is opened again, else replay would refuse the file.
"""

from __future__ import annotations

import math
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from mmbot.clock import wall_ns
from mmbot.errors import InputError, StoreError
from mmbot.store.artifacts import sync_directory
from mmbot.store.canonical import canonical_json
from mmbot.units import NS_PER_MS, NS_PER_SEC, format_utc

__all__ = ["ExecEvent", "ExecLog", "ExecRecorder", "ExecRequestError", "RecorderStatus", "Rotated"]

# One second of the busiest session recorded, times hundred.
_QUEUE_MAX: Final = 100_000
_BATCH_MAX: Final = 4096
_COMMIT_NS: Final = 200 * NS_PER_MS
_BACKOFF_MAX_NS: Final = 5 * NS_PER_SEC
_DECIMALS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecEvent:
    """An order event; `price` in quote and `qty` in base currency, `ts_ms` since 1970 UTC.

    `kind`: order (request sent), fill (accepted by the venue), reject, exec (real execution).
    """

    cid: str
    color: Literal["blue", "green"]
    kind: Literal["order", "fill", "reject", "exec"]
    price: float
    qty: float
    side: Literal["Buy", "Sell"]
    symbol: str
    ts_ms: int

    def as_json(self) -> dict[str, Any]:
        """The line's object."""
        return {
            "cid": self.cid,
            "color": self.color,
            "kind": self.kind,
            "price": self.price,
            "qty": self.qty,
            "side": self.side,
            "symbol": self.symbol,
            "ts": self.ts_ms,
        }


class ExecRequestError(InputError):
    """A request that is refused; `reason` and `http_status` are what the admin API answers."""

    def __init__(self, reason: str, *, http_status: int = 400, line: int | None = None) -> None:
        where = "" if line is None else f"line={line}"
        super().__init__("E_REC_IMPORT", where, "is refused", detail=reason)
        self.reason = reason
        self.http_status = http_status
        self.line = line

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling."""
        return _refusal, (self.reason, self.http_status, self.line)

    def as_json(self) -> dict[str, Any]:
        """Body of the answer."""
        body: dict[str, Any] = {"error": self.reason}
        return body if self.line is None else {**body, "detail": self.line}


def _refusal(reason: str, http_status: int, line: int | None) -> ExecRequestError:
    return ExecRequestError(reason, http_status=http_status, line=line)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderStatus:
    """Answer of ``GET /admin/execution/recorder/status``; `last_write_ts` in seconds, 0 if none."""

    enabled: bool
    file: str
    last_write_ts: float


@dataclass(frozen=True, slots=True)
class Rotated:
    """Answer of ``POST /admin/execution/recorder/rotate``."""

    file: str
    ok: bool = True


class ExecLog:
    """The files, without threads: append a batch durably, or change to a new file."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._day = ""
        self._path: Path | None = None

    @property
    def path(self) -> Path | None:
        """The file written last."""
        return self._path

    def append(self, events: Sequence[ExecEvent]) -> None:
        """Write events in order, each to the file of its UTC day, and sync.

        Raises:
            StoreError: ``E_REC_WRITE``; nothing of a day that failed is in its file, while days
            before it are. Pass one day at a time to know what to repeat.
        """
        for day, batch in _by_day(events):
            if day != self._day or self._path is None:
                self._day, self._path = day, self._directory / f"exe_{day}.jsonl"
            _append(self._path, b"".join(canonical_json(e.as_json(), dp=_DECIMALS) for e in batch))

    def rotate(self, now_ns: int) -> Path:
        """Go on in a new file ``exe_YYYYmmdd_HHMMSS.jsonl`` until the day of the events changes."""
        while True:
            time = format_utc(now_ns)
            day = time[:10].replace("-", "")
            path = self._directory / f"exe_{day}_{time[11:19].replace(':', '')}.jsonl"
            if not path.exists():
                break
            now_ns += NS_PER_SEC
        _append(path, b"")
        self._day, self._path = self._day or day, path
        return path


def _by_day(events: Sequence[ExecEvent]) -> list[tuple[str, list[ExecEvent]]]:
    days: list[tuple[str, list[ExecEvent]]] = []
    for event in events:
        day = format_utc(event.ts_ms * NS_PER_MS)[:10].replace("-", "")
        if not days or days[-1][0] != day:
            days.append((day, []))
        days[-1][1].append(event)
    return days


def _append(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        created = not path.exists()
        with path.open("a+b") as file:
            size = _whole_lines(file)
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                file.truncate(size)
                raise
        if created:
            sync_directory(path.parent)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise StoreError("E_REC_WRITE", f"file={path}", f"cannot be written: {reason}") from exc


def _whole_lines(file: Any) -> int:  # noqa: ANN401 -- BinaryIO with truncate
    """Cut a torn last line; return the size that is left."""
    end = int(file.seek(0, os.SEEK_END))
    position = end
    while position > 0:
        step = min(4096, position)
        position -= step
        file.seek(position)
        newline = file.read(step).rfind(b"\n")
        if newline >= 0:
            position += newline + 1
            break
    if position != end:
        file.truncate(position)
    file.seek(0, os.SEEK_END)
    return position


class ExecRecorder:
    """Takes events from the trading loop and writes them in its own thread.

    Args:
        directory: artifacts directory; None: the recorder is off and takes nothing.
        now_ns: wall clock.
    """

    def __init__(self, directory: Path | None, *, now_ns: Callable[[], int] = wall_ns) -> None:
        self._log = None if directory is None else ExecLog(directory)
        self._now_ns = now_ns
        self._queue: deque[ExecEvent] = deque()
        self._wake = threading.Condition()
        self._io = threading.Lock()
        self._closing = False
        self._last_write_ns = 0
        self.errors = 0
        self.dropped = 0
        self._thread: threading.Thread | None = None
        if self._log is not None:
            self._thread = threading.Thread(target=self._run, name="exec-recorder", daemon=True)
            self._thread.start()

    def record(self, event: ExecEvent) -> bool:
        """Queue an event; never waits for the disk. False if it was not taken (off, full, NaN)."""
        if self._log is None:
            return False
        is_usable = math.isfinite(event.price) and math.isfinite(event.qty) and event.ts_ms >= 0
        with self._wake:
            if not is_usable or self._closing or len(self._queue) >= _QUEUE_MAX:
                self.dropped += 1
                return False
            self._queue.append(event)
        return True

    def status(self) -> RecorderStatus:
        """Whether it is on, the file written last, and when a sync was last complete."""
        path = None if self._log is None else self._log.path
        return RecorderStatus(
            enabled=self._log is not None,
            file="" if path is None else str(path),
            last_write_ts=self._last_write_ns / NS_PER_SEC,
        )

    def rotate(self) -> Rotated:
        """Write what is queued, then go on in a new file.

        Raises:
            ExecRequestError: 409 ``recorder_disabled``.
            StoreError: ``E_REC_WRITE``.
        """
        if self._log is None:
            raise ExecRequestError("recorder_disabled", http_status=409)
        self.flush()
        with self._io:
            return Rotated(str(self._log.rotate(self._now_ns())))

    def flush(self) -> None:
        """Write and sync what is queued now; ``E_REC_WRITE`` leaves it queued and counts."""
        while self._commit():
            pass

    def close(self) -> None:
        """Stop taking events, write the rest, end the thread; ``E_REC_WRITE`` if that fails."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.flush()

    def _commit(self) -> bool:
        """Write one batch; whether there was one."""
        with self._io:
            with self._wake:
                batch = [self._queue[i] for i in range(min(len(self._queue), _BATCH_MAX))]
            if self._log is None or not batch:
                return False
            # One day at a time, so that a failure at midnight repeats nothing.
            for _, events in _by_day(batch):
                try:
                    self._log.append(events)
                except StoreError:
                    self.errors += 1
                    raise
                with self._wake:
                    for _ in events:
                        self._queue.popleft()
                self._last_write_ns = self._now_ns()
        return True

    def _run(self) -> None:
        pause_ns = _COMMIT_NS
        while True:
            with self._wake:
                if not self._closing:
                    self._wake.wait(pause_ns / NS_PER_SEC)
                if self._closing:
                    return
            try:
                self.flush()
                pause_ns = _COMMIT_NS
            except StoreError:
                # Counted in `_commit`; the events are still queued.
                pause_ns = min(2 * pause_ns, _BACKOFF_MAX_NS)
