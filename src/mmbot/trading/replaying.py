"""A journal once more through the core: does it ask for what it asked for?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mmbot import core
from mmbot.store.journal import JournalReader

__all__ = ["Replayed", "replay_journal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How a replay went.

    `events` counts what entered the core, market rows one by one; `actions` the requests that were
    as journalled. `diff_seq` is the record at which the first difference shows, `replayed` and
    `journalled` say what is there; without a difference all three are None.
    """

    events: int
    actions: int
    hash: str
    diff_seq: int | None
    replayed: str | None
    journalled: str | None
    is_torn: bool

    @property
    def marker(self) -> str:
        """The marker line."""
        if self.diff_seq is not None:
            return f"| replay | DIFF | seq={self.diff_seq} |"
        return f"| replay | OK | events={self.events} actions={self.actions} hash={self.hash} |"


def replay_journal(
    path: Path | str,
    *,
    until_seq: int | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> Replayed:
    """Replay the journal of a session until the first difference.

    Args:
        path: the directory of the session.
        until_seq: the last record that counts; None is all.
        on_bytes: told how many bytes were read, block by block.

    Raises:
        StoreError: ``E_STORE_JOURNAL`` for a journal that cannot be read or that no session has
        written, ``E_STORE_DISK``.
    """
    reader = JournalReader(path)
    reader.header()
    replay = core.JournalReplay(until_seq=until_seq)
    reader.pour(replay, on_bytes)
    return Replayed(**replay.outcome(), is_torn=reader.torn is not None)
