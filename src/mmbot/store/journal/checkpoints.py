"""Snapshots of a session's state beside its journal, so that late orders are explained quickly.

``checkpoints.mmi`` holds the heads: what is known of each checkpoint and where its state lies. The
states are in ``0.mms``, ``1.mms``, ..., an hour of market time each. All are kept for a day, then
the first of each file. They serve speed alone: nothing is synced, whatever is missing, cut or
damaged is passed over, and the journal is read from further back.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mmbot import core
from mmbot.store.journal.segments import Segment, refused
from mmbot.units import NS_PER_DAY, NS_PER_HOUR

__all__ = ["CheckpointWriter", "Checkpoints"]

INDEX_NAME: Final = "checkpoints.mmi"
SUFFIX: Final = ".mms"


@dataclass(slots=True)
class _StateFile:
    path: Path
    first_ns: int
    last_ns: int
    first_bytes: int


class CheckpointWriter:
    """Writes the checkpoints of a new session; what an earlier life of it left behind goes."""

    def __init__(self, session: Path) -> None:
        self._session = session
        self._index: Segment | None = None
        self._states: Segment | None = None
        self._number = -1
        self._files: deque[_StateFile] = deque()

    def append(self, checkpoint: core.Checkpoint) -> None:
        """Write a checkpoint whose record the journal has.

        Raises:
            StoreError: ``E_STORE_DISK`` or ``E_STORE_JOURNAL`` when the machine refuses; this
            checkpoint is missing then, the next one may be written all the same.
        """
        state = checkpoint.state
        with refused(self._session):
            index = self._index or self._begin()
            file = self._files[-1] if self._files else None
            if file is None or checkpoint.ts_ns - file.first_ns >= NS_PER_HOUR:
                file = self._rotate(checkpoint.ts_ns, len(state))
            assert self._states is not None
            offset = self._states.size
            self._states.append(state)
            index.append(checkpoint.head(file=self._number, offset=offset))
            file.last_ns = checkpoint.ts_ns

    def close(self) -> None:
        """Close the files."""
        for file in (self._index, self._states):
            if file is not None:
                file.close()
        self._index = self._states = None

    def _begin(self) -> Segment:
        index = self._session / INDEX_NAME
        for stale in (index, *self._session.glob(f"*{SUFFIX}")):
            stale.unlink(missing_ok=True)
        self._index = Segment(index)
        return self._index

    def _rotate(self, now_ns: int, first_bytes: int) -> _StateFile:
        number = self._number + 1
        path = _state_path(self._session, number)
        following = Segment(path)
        if self._states is not None:
            self._states.close()
        self._states, self._number = following, number
        self._files.append(_StateFile(path, now_ns, now_ns, first_bytes))
        while now_ns - self._files[0].last_ns > NS_PER_DAY:
            old = self._files.popleft()
            with old.path.open("r+b") as file:
                file.truncate(old.first_bytes)
        return self._files[-1]


class Checkpoints:
    """The checkpoints of a session, to read; none where the files are missing."""

    def __init__(self, session: Path) -> None:
        self._session = session
        path = session / INDEX_NAME
        with refused(path):
            self.index = core.CheckpointIndex(path.read_bytes() if path.is_file() else b"")

    def state(self, head: core.CheckpointHead) -> bytes | None:
        """The state of a checkpoint; None if it is not there any more."""
        number, offset, length = head.state
        path = _state_path(self._session, number)
        with refused(path):
            if not path.is_file():
                return None
            with path.open("rb") as file:
                file.seek(offset)
                state = file.read(length)
        return state if len(state) == length else None

    @property
    def is_cut(self) -> bool:
        """Whether the newest state has no whole head: one of the two was not written to its end."""
        numbers = [
            int(path.stem) for path in self._session.glob(f"*{SUFFIX}") if path.stem.isdigit()
        ]
        if not numbers:
            return False
        newest = max(numbers)
        number, offset, length = (
            self.index.head(len(self.index) - 1).state if len(self.index) else (-1, 0, 0)
        )
        return (number, offset + length) != (
            newest,
            _state_path(self._session, newest).stat().st_size,
        )


def _state_path(session: Path, number: int) -> Path:
    return session / f"{number}{SUFFIX}"
