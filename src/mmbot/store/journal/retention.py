"""Which journals go: those that were shipped to SQL completely and are old enough.

The shipper marks a session when nothing is left to ship; a writer that continues the session takes
the mark away. The age is that of the newest segment.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mmbot.store.artifacts import sync_directory, write_json
from mmbot.store.journal.segments import SUFFIX, refused, session_lock
from mmbot.units import NS_PER_DAY

__all__ = ["SHIPPED_NAME", "is_shipped", "mark_shipped", "prune_journals", "unmark_shipped"]

SHIPPED_NAME: Final = "shipped"


def mark_shipped(session: Path | str, *, next_seq: int) -> None:
    """Say that all records of a session below `next_seq` are in SQL and no more will come."""
    write_json(Path(session) / SHIPPED_NAME, {"next_seq": next_seq})


def unmark_shipped(session: Path) -> None:
    """Take the mark away, because records follow."""
    mark = session / SHIPPED_NAME
    with refused(mark):
        if mark.exists():
            mark.unlink()
            sync_directory(session)


def is_shipped(session: Path) -> bool:
    """Whether the session was marked."""
    return (session / SHIPPED_NAME).is_file()


def prune_journals(directory: Path | str, *, keep_days: int, now_ns: int) -> list[str]:
    """Remove shipped journals older than `keep_days`; return the ids of their sessions.

    A journal that somebody writes stays. The mark goes last, so that a removal that was
    interrupted is finished by the next one.

    Raises:
        StoreError: ``E_STORE_DISK`` when the machine refuses.
    """
    return [
        session.name
        for session in _shipped(Path(directory))
        if now_ns - _newest_ns(session) > keep_days * NS_PER_DAY and _remove(session)
    ]


def _shipped(directory: Path) -> Iterator[Path]:
    if not directory.is_dir():
        return
    with refused(directory):
        sessions = sorted(path for path in directory.iterdir() if path.is_dir())
    yield from (session for session in sessions if is_shipped(session))


def _newest_ns(session: Path) -> int:
    with refused(session):
        paths = [*session.glob(f"*{SUFFIX}"), session / SHIPPED_NAME]
        return max(path.stat().st_mtime_ns for path in paths)


def _remove(session: Path) -> bool:
    with session_lock(session) as held:
        if not held:
            return False
        with refused(session):
            for segment in sorted(session.glob(f"*{SUFFIX}")):
                segment.unlink()
    with refused(session):
        shutil.rmtree(session)
        sync_directory(session.parent)
    return True
