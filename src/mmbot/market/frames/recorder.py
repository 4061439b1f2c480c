"""From the loop that trades to the disk, without ever holding it up.

`on_frame` puts a frame into a queue that nothing waits for: it takes no lock and does no system
call. A thread takes some hundred frames at a time and writes them; it lets go of the interpreter
with every write, so that the loop never waits for long. What finds no room in the queue is counted
and marked in the capture.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from mmbot import clock
from mmbot.errors import StoreError
from mmbot.market.frames.layout import CaptureHead, FrameKind, gap_frame
from mmbot.market.frames.writer import CaptureWriter
from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["FrameRecorder", "FrameRecorderCounters", "FrameSink", "Gap", "Received"]

# Twenty times below the second that a killed process may lose.
_POLL_NS: Final = 50 * NS_PER_MS
# About 100 us of work between two writes.
_BATCH: Final = 512
_BACKOFF_MAX_NS: Final = 5 * NS_PER_SEC
_ATTEMPTS_LAST: Final = 3
_QUEUE_BYTES: Final = 64 << 20
# What a frame takes beside its bytes.
_FRAME_BYTES: Final = 200
Queued = tuple[int, int, bytes]


class Received(Protocol):
    """A frame of market data as it came (`mmbot.venues.ports.PublicFrame`)."""

    @property
    def recv_ns(self) -> int:
        """Local time."""

    @property
    def data(self) -> bytes:
        """Its bytes."""


class Gap(Protocol):
    """Where books are not to be believed (`mmbot.venues.ports.PublicGap`)."""

    @property
    def recv_ns(self) -> int:
        """Local time."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Whose books."""

    @property
    def reason(self) -> str:
        """Why."""


class FrameSink(Protocol):
    """Told of frames that are on the disk, on the recorder's thread; must not block."""

    def on_frames(self, frames: Sequence[Queued]) -> None:
        """Frames as (local time, kind, bytes)."""


@dataclass(frozen=True, slots=True)
class FrameRecorderCounters:
    """Totals.

    `frames` and `data_bytes` are on the disk, `lost` frames found no room, `errors` are writes that
    the disk refused, `torn` are incomplete ends that an earlier writer had left.
    """

    frames: int
    data_bytes: int
    lost: int
    errors: int
    torn: int


class FrameRecorder:
    """Records the frames of one venue; `on_frame` and `on_gap` are called from one thread.

    Args:
        directory: of the capture.
        head: what is recorded.
        queue_bytes: bound of what waits for the disk.
        sink: told of what was written.

    Raises:
        StoreError: ``E_REC_WRITE`` when the directory cannot be used or somebody else writes there.
    """

    def __init__(
        self,
        directory: Path | str,
        head: CaptureHead,
        *,
        queue_bytes: int = _QUEUE_BYTES,
        sink: FrameSink | None = None,
        now_ns: Callable[[], int] = clock.wall_ns,
    ) -> None:
        self._writer = CaptureWriter(Path(directory), head, now_ns=now_ns())
        self._sink = sink
        self._queue: deque[Queued] = deque()
        self._queue_bytes = queue_bytes
        # Each is changed by one thread only: what went in, what came out.
        self._put_bytes = self._taken_bytes = 0
        self._lost = self._lost_before = 0
        self._lost_since_ns = 0
        self._frames = self._data_bytes = self._errors = 0
        self._failure: Exception | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="frame-recorder", daemon=True)
        self._thread.start()

    @property
    def was_killed(self) -> bool:
        """Whether the writer before this one did not close."""
        return self._writer.was_killed

    def on_frame(self, frame: Received) -> None:
        """Queue a frame that was received."""
        self.put(frame.recv_ns, FrameKind.RECEIVED, frame.data)

    def on_gap(self, gap: Gap) -> None:
        """Queue a mark that books are broken."""
        mark = gap_frame(gap.recv_ns, str(gap.reason), symbols=list(gap.symbols))
        self.put(*mark)

    def put(self, recv_ns: int, kind: int, data: bytes) -> None:
        """Queue a frame of any kind; it is counted as lost if there is no room."""
        size = len(data) + _FRAME_BYTES
        if self._put_bytes - self._taken_bytes + size > self._queue_bytes:
            if self._lost == self._lost_before:
                self._lost_since_ns = recv_ns
            self._lost += 1
            return
        if self._lost != self._lost_before:
            self._mark_lost(recv_ns)
        self._put_bytes += size
        self._queue.append((recv_ns, kind, data))

    def close(self) -> None:
        """Write everything that waits and end the thread.

        Raises:
            StoreError: ``E_REC_WRITE`` when frames are lost because the disk refuses them.
        """
        self._ending.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def counters(self) -> FrameRecorderCounters:
        """Totals so far."""
        return FrameRecorderCounters(
            frames=self._frames,
            data_bytes=self._data_bytes,
            lost=self._lost,
            errors=self._errors,
            torn=self._writer.torn,
        )

    def _mark_lost(self, recv_ns: int) -> None:
        lost = self._lost - self._lost_before
        mark = gap_frame(recv_ns, "overflow", lost=lost, since_ns=self._lost_since_ns)
        self._lost_before = self._lost
        self._put_bytes += len(mark[2]) + _FRAME_BYTES
        self._queue.append(mark)

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                if not self._write(attempts=None):
                    self._ending.wait(_POLL_NS / NS_PER_SEC)
            while self._write(attempts=_ATTEMPTS_LAST):
                pass
            if self._lost != self._lost_before:
                self._mark_lost(self._lost_since_ns)
                self._write(attempts=_ATTEMPTS_LAST)
            self._writer.close()
        except Exception as exc:  # noqa: BLE001 -- the outermost frame of the thread
            self._failure = exc

    def _write(self, *, attempts: int | None) -> int:
        """Write some of what waits; how many frames that were."""
        queue = self._queue
        batch = [queue.popleft() for _ in range(min(len(queue), _BATCH))]
        if not batch:
            return 0
        pause_ns, failed = _POLL_NS, 0
        while True:
            try:
                self._writer.append(batch)
                break
            except StoreError:
                self._errors += 1
                failed += 1
                if attempts is not None and failed >= attempts:
                    raise
            self._ending.wait(pause_ns / NS_PER_SEC)
            pause_ns = min(2 * pause_ns, _BACKOFF_MAX_NS)
            attempts = _ATTEMPTS_LAST if self._ending.is_set() else attempts
        size = sum(len(data) for _, _, data in batch)
        self._taken_bytes += size + _FRAME_BYTES * len(batch)
        self._frames += len(batch)
        self._data_bytes += size
        if self._sink is not None:
            self._sink.on_frames(batch)
        return len(batch)
