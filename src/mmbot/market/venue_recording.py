"""What a venue sends, recorded: its frames as they came, and the catalog of them.

One way for whoever listens to a venue. `on_frame` and `on_gap` only queue; two threads do the rest.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from mmbot import clock
from mmbot.market.frames import CaptureHead, FrameRecorder
from mmbot.market.frames.layout import gap_frame
from mmbot.market.frames.reader import last_run
from mmbot.market.frames.recorder import Gap, Received
from mmbot.market.importers.live import CatalogSink

__all__ = ["VenueRecording"]


class VenueRecording:
    """Records from the moment it is made; then `begin` once, and `close` once.

    All three may take seconds after a kill, and none of them belongs on a loop that trades.

    Args:
        root: ``recorder.data_dir``, a local directory.
        head: what is recorded; its grids name the symbols.
        log: takes lines.

    Raises:
        StoreError: ``E_REC_WRITE`` when the directory cannot be used or somebody else records the
            venue there.
    """

    def __init__(self, root: str, head: CaptureHead, log: Callable[[str], None]) -> None:
        self.directory = Path(root) / "frames" / f"venue={head.venue}"
        self._log = log
        self._sink = CatalogSink(root, head, tag=f"frames-{clock.wall_ns()}-{os.getpid()}")
        self._recorder = FrameRecorder(self.directory, head, sink=self._sink)

    def begin(self) -> None:
        """Put what a killed recording had in no part yet into the catalog, then what comes."""
        if self._recorder.was_killed:
            self._log("the last recording was killed: its frames go into the catalog first")
            self._sink.catch_up(last_run(self.directory))
        self._sink.start()

    def on_frame(self, frame: Received) -> None:
        """Queue a frame that was received."""
        self._recorder.on_frame(frame)

    def on_gap(self, gap: Gap) -> None:
        """Queue a mark that books are broken."""
        self._recorder.on_gap(gap)

    def mark(self, recv_ns: int, reason: str, **about: object) -> None:
        """Queue a mark of another kind: something is missing, and the marks say what."""
        self._recorder.put(*gap_frame(recv_ns, reason, **about))

    def close(self) -> None:
        """Write everything that waits.

        Raises:
            StoreError: ``E_REC_WRITE`` when frames or rows are lost because the disk refuses them.
        """
        try:
            self._recorder.close()
        finally:
            self._sink.close()

    @property
    def marker(self) -> str:
        """The marker line at the end: frames, rows, and everything that went wrong."""
        counters, rows = self._recorder.counters(), self._sink.rows
        fields = {
            "frames": counters.frames,
            "bytes": counters.data_bytes,
            "book": rows["book"],
            "trades": rows["trades"],
        }
        trouble = {
            "lost": counters.lost,
            "undecoded": self._sink.lost,
            "torn": counters.torn,
            "errors": counters.errors + self._sink.errors,
        }
        fields |= {name: count for name, count in trouble.items() if count}
        return f"| recorder | CLOSED | {' '.join(f'{name}={n}' for name, n in fields.items())} |"
