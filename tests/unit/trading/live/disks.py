"""A journal on a disk that does what the test says."""

from __future__ import annotations

import time
from dataclasses import dataclass

from mmbot.errors import StoreError
from mmbot.store.journal import JournalWriter


@dataclass
class Disk:
    """Refuses while it is full or read-only, and keeps what it refused; takes its time if slow."""

    writer: JournalWriter
    reason: str = ""
    slow_sec: float = 0.0
    kept: bytes = b""
    refused: int = 0

    def append(self, frames: bytes, *, settled: bool = True) -> None:
        self.kept += frames
        if self.reason:
            self.refused += 1
            raise StoreError("E_STORE_DISK", "file=x", f"cannot be used: {self.reason}")
        time.sleep(self.slow_sec)
        kept, self.kept = self.kept, b""
        self.writer.append(kept, settled=settled)

    def settle(self) -> None:
        self.writer.settle()

    def rehearse(self) -> None:
        self.writer.rehearse()

    def retry(self) -> None:
        self.append(b"")
