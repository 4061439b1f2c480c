"""Reads the bytes of a journal as they come, across its segments, while somebody may be writing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from mmbot.errors import StoreError
from mmbot.store.journal.segments import refused, segment_path

__all__ = ["JournalTail"]

BLOCK_BYTES: Final = 1 << 20


class JournalTail:
    """The bytes of a session's journal from its beginning.

    Args:
        session: its directory.
        on_segment_end: called when a segment has been read to its end and the next one begins; its
            answer is the offset of a torn tail, which only the last segment may have, or None.
    """

    def __init__(self, session: Path, on_segment_end: Callable[[], int | None]) -> None:
        self._session = session
        self._on_segment_end = on_segment_end
        self._number = 0
        self._file: BinaryIO | None = None
        self._offset = 0

    def read(self, size: int = BLOCK_BYTES) -> bytes:
        """The next bytes, at most `size`; none if there are no more for now.

        Raises:
            StoreError: ``E_STORE_DISK``; ``E_STORE_JOURNAL`` for a torn segment that another one
                follows, or for one that became shorter: it was cut, and must be read anew.
        """
        path = segment_path(self._session, self._number)
        with refused(path):
            data = self._read_some(path, size)
            if not data and segment_path(self._session, self._number + 1).exists():
                # the writer may have added to it between the read and the next segment
                data = self._read_some(path, size) or self._next(path, size)
        return data

    def _read_some(self, path: Path, size: int) -> bytes:
        if self._file is None:
            if not path.exists():
                return b""  # nothing was written yet
            self._file = path.open("rb", buffering=0)
        data = self._file.read(size) or b""
        self._offset += len(data)
        if not data and path.stat().st_size < self._offset:
            key = f"file={path} offset={self._offset}"
            raise StoreError("E_STORE_JOURNAL", key, "was cut while it was read")
        return data

    def _next(self, path: Path, size: int) -> bytes:
        torn_at = self._on_segment_end()
        if torn_at is not None:
            key = f"file={path} offset={torn_at}"
            raise StoreError("E_STORE_JOURNAL", key, "is torn, but another segment follows")
        self.close()
        self._number += 1
        self._offset = 0
        return self._read_some(segment_path(self._session, self._number), size)

    @property
    def number(self) -> int:
        """The segment that is being read."""
        return self._number

    def is_at_end(self) -> bool:
        """Whether everything that is written has been read."""
        path = segment_path(self._session, self._number)
        with refused(path):
            has_next = segment_path(self._session, self._number + 1).exists()
            return not has_next and path.stat().st_size == self._offset

    def close(self) -> None:
        """Close the file that is open."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
