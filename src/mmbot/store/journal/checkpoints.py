"""Snapshots of a session's state beside its journal, so that late orders are explained quickly.

``checkpoints.mmi`` holds the heads: what is known of each checkpoint and where its state lies. The
states are in ``0.mms``, ``1.mms``, ..., an hour of market time each. All are kept for a day, then
the first of each file. They serve speed alone: nothing is synced, whatever is missing, cut or
damaged is passed over, and the journal is read from further back.
"""

from __future__ import annotations

import os
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
    number: int
    path: Path
    first_ns: int
    last_ns: int
    first_bytes: int


class CheckpointWriter:
    """Writes the checkpoints of a session behind those of its earlier lives.

    Args:
        session: its directory.
        journal_bytes: of a journal that goes on; checkpoints of what a crash cut off go.

    Raises:
        StoreError: ``E_STORE_DISK`` when those that are there cannot be read.
    """

    def __init__(self, session: Path, *, journal_bytes: int = 0) -> None:
        self._session = session
        self._index: Segment | None = None
        self._states: Segment | None = None
        heads = Checkpoints(session).index
        count, self._kept_bytes = heads.kept(journal_bytes)
        self._files = _state_files(session, heads, count)
        self._number = self._files[-1].number if self._files else -1
        self.next_number = heads.head(count - 1).number + 1 if count else 0
        """Number of the next checkpoint in the session."""

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
            states = self._states = self._states or Segment(file.path)
            offset = states.size
            states.append(state)
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
        kept = {file.path for file in self._files}
        for state in self._session.glob(f"*{SUFFIX}"):
            if state not in kept and _number_of(state) > self._number:
                state.unlink(missing_ok=True)
        has_more = index.is_file() and index.stat().st_size > self._kept_bytes
        self._index = Segment(index, cut_at=self._kept_bytes if has_more else None)
        return self._index

    def _rotate(self, now_ns: int, first_bytes: int) -> _StateFile:
        number = self._number + 1
        path = _state_path(self._session, number)
        following = Segment(path)
        if self._states is not None:
            self._states.close()
        self._states, self._number = following, number
        self._files.append(_StateFile(number, path, now_ns, now_ns, first_bytes))
        while now_ns - self._files[0].last_ns > NS_PER_DAY:
            old = self._files.popleft()
            if old.path.is_file() and old.path.stat().st_size > old.first_bytes:
                os.truncate(old.path, old.first_bytes)
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


def _state_files(session: Path, heads: core.CheckpointIndex, count: int) -> deque[_StateFile]:
    """The files of the first `count` heads, of about a day: older ones were looked after."""
    files: deque[_StateFile] = deque()
    for at in reversed(range(count)):
        head = heads.head(at)
        number, offset, length = head.state
        if files and files[0].number == number:
            files[0].first_ns, files[0].first_bytes = head.ts_ns, offset + length
        elif files and files[-1].last_ns - head.ts_ns > NS_PER_DAY + NS_PER_HOUR:
            break
        else:
            path = _state_path(session, number)
            files.appendleft(_StateFile(number, path, head.ts_ns, head.ts_ns, offset + length))
    return files


def _number_of(state: Path) -> int:
    return int(state.stem) if state.stem.isdecimal() else -1


def _state_path(session: Path, number: int) -> Path:
    return session / f"{number}{SUFFIX}"
