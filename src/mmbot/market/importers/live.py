"""Frames that were recorded just now into the catalog, on a thread of its own.

The decoders are those of the import, so a recording has the rows that importing its capture would
give. Rows become readable in parts of a quarter of an hour; what a killed process had in no part is
decoded again from its capture by the next one (`CatalogSink.catch_up`).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from mmbot.errors import StoreError
from mmbot.market.frames.layout import CaptureHead, Frame, FrameKind, gap_frame
from mmbot.market.importers.base import Found, Grid
from mmbot.market.importers.frames import CaptureDecoder, head_line, line_of
from mmbot.market.parts import Root
from mmbot.market.record_market import last_value
from mmbot.market.record_parts import PartSeries
from mmbot.market.schema import STREAMS, Stream
from mmbot.market.writer import Monotonic, Series, config_hash
from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["CatalogSink", "series_of"]

# Each holds some hundred frames at most: a minute of a disk that stands still.
_BATCHES_MAX: Final = 1200
_POLL_NS: Final = 200 * NS_PER_MS
# Lines are made with the interpreter held, a quarter of a millisecond at a time: a session may
# trade meanwhile.
_CATCH_UP: Final = 256
# The first line of a segment that goes on from nothing.
_BEGIN: Final = head_line({"goes_on": False})
Queued = tuple[int, int, bytes]


def series_of(head: CaptureHead, symbol: str, *, recording: str) -> Series:
    """What rows of a symbol of a capture mean; `recording` is unique to who records."""
    grid = Grid(*head.grids[symbol])
    return Series(
        venue=head.venue,
        symbol=symbol,
        tick_size=grid.tick_size,
        lot_size=grid.lot_size,
        cfg_hash=config_hash({"format": "mmbot-frames", "url": head.url}),
        market=head.market or "unknown",
        contract_size="1" if head.market in {"linear", "spot"} else None,
        extra={"recording": recording},
    )


class _Symbol:
    """Decoder and parts of one symbol; rows up to `held_ns` (receive time) are there already."""

    def __init__(self, root: Root, head: CaptureHead, symbol: str, *, tag: str) -> None:
        grid = Grid(*head.grids[symbol])
        found = Found(exchange=head.exchange, market=head.market, symbol=symbol, key=symbol)
        series = series_of(head, symbol, recording=tag)
        self.decoder = CaptureDecoder(head, found, grid)
        self.parts = {stream: PartSeries(root, series, stream, tag=tag) for stream in STREAMS}
        self._clocks = {stream: Monotonic() for stream in STREAMS}
        self.held_ns = {
            stream: last_value(root, head.venue, symbol, stream, "recv_ns") for stream in STREAMS
        }

    def add(self, lines: bytes) -> None:
        """Decode lines; new rows go to the parts."""
        self.decoder.feed(lines)
        tables = {"book": self.decoder.take_book(), "trades": self.decoder.take_trades()}
        self.decoder.take_rejects()
        for stream in STREAMS:
            self._keep(stream, tables[stream])

    def _keep(self, stream: Stream, table: pa.Table) -> None:
        if not table.num_rows:
            return
        sent, received = self._clocks[stream].apply(
            table.column("ts_ns").to_numpy(), table.column("recv_ns").to_numpy()
        )
        timed = table.set_column(0, table.schema.field(0), pa.array(sent))
        timed = timed.set_column(1, table.schema.field(1), pa.array(received))
        self.parts[stream].add(
            timed.slice(int(np.searchsorted(received, self.held_ns[stream], "right")))
        )


class CatalogSink:
    """A `FrameSink` that fills the catalog; `start` once, then `close`, which does without, too.

    Args:
        root: ``recorder.data_dir``.
        head: what is recorded; its grids name the symbols.
        tag: unique to the process; part of temporary names.

    Attributes:
        lost: frames that came faster than they could be decoded; a gap stands for them.
        errors: writes that the disk refused.
    """

    def __init__(self, root: str, head: CaptureHead, *, tag: str) -> None:
        place = Root(root)
        self._symbols = [_Symbol(place, head, symbol, tag=tag) for symbol in head.grids]
        self._batches: queue.Queue[Sequence[Queued] | None] = queue.Queue(_BATCHES_MAX)
        self._thread = threading.Thread(target=self._run, name="frame-catalog", daemon=True)
        self._failure: Exception | None = None
        self._is_broken = False
        self.lost = 0
        self.errors = 0
        self._feed(_BEGIN)

    @property
    def rows(self) -> dict[Stream, int]:
        """Rows in complete parts."""
        return {stream: sum(one.parts[stream].rows for one in self._symbols) for stream in STREAMS}

    def catch_up(self, frames: Iterable[Frame]) -> None:
        """Decode the frames of a killed process again; before `start`.

        Rows that are in the catalog are left out; after the last frame the books are broken.
        """
        lines = bytearray()
        for count, frame in enumerate(frames, 1):
            lines += line_of(frame)
            if count % _CATCH_UP == 0:
                self._feed(bytes(lines))
                lines.clear()
        # as an import goes from segment to segment, so that the gap has the same times
        self._feed(bytes(lines) + _BEGIN)
        self._write_due()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def on_frames(self, frames: Sequence[Queued]) -> None:
        """See `mmbot.market.frames.recorder.FrameSink`; never waits."""
        if self._is_broken:
            frames = [gap_frame(frames[0][0], "overflow"), *frames]
        try:
            self._batches.put_nowait(frames)
        except queue.Full:
            self.lost += len(frames) - self._is_broken
            self._is_broken = True
        else:
            self._is_broken = False

    def close(self) -> None:
        """Decode and write what waits, end the thread.

        Raises:
            StoreError: ``E_REC_WRITE`` when rows are lost because the disk refuses them.
        """
        if self._thread.ident is None:
            return
        self._batches.put(None)
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while self._take():
                self._write_due()
            for one in self._symbols:
                one.decoder.end_file(last=True)
                one.add(b"")
                for parts in one.parts.values():
                    parts.write_due(all_rows=True)
        except Exception as exc:  # noqa: BLE001 -- the outermost frame of the thread
            self._failure = exc

    def _take(self) -> bool:
        """Decode a batch, if one comes; False at the end."""
        try:
            batch = self._batches.get(timeout=_POLL_NS / NS_PER_SEC)
        except queue.Empty:
            return True
        if batch is None:
            return False
        frames = (Frame(0, recv_ns, FrameKind(kind), data) for recv_ns, kind, data in batch)
        self._feed(b"".join(map(line_of, frames)))
        return True

    def _feed(self, lines: bytes) -> None:
        for one in self._symbols:
            one.add(lines)

    def _write_due(self) -> None:
        for one in self._symbols:
            for parts in one.parts.values():
                try:
                    parts.write_due()
                except StoreError:
                    # the rows stay for the next time
                    self.errors += 1
