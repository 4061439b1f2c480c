"""Noticing that a file has other content, by asking now and then.

An editor may truncate a file and write it in pieces, or remove it and put another in its place; a
configuration read in between would be half of one. So a change counts when the file looked the same
at two checks in a row.
"""

from __future__ import annotations

from pathlib import Path

from mmbot.config.sources import file_digest, read_file
from mmbot.errors import ConfigError

__all__ = ["FileWatch"]

_Signature = tuple[int, int, int] | None


class FileWatch:
    """Watches one file; it need not exist.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._signature()
        self._judged = self._seen

    def has_settled(self, known_digest: str) -> bool:
        """Whether the file has come to rest with content other than `known_digest`.

        Says so once for each change: content that was refused is not offered again.
        """
        now = self._signature()
        settled, self._seen = now == self._seen, now
        if not settled or now == self._judged:
            return False
        self._judged = now
        try:
            data = read_file(self._path)
        except ConfigError:
            # Whatever is wrong with the file, reading it as a configuration will say so.
            return True
        return data is None or file_digest(data) != known_digest

    def _signature(self) -> _Signature:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino
