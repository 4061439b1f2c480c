"""Forks processes that append to a journal until they are killed.

A line of input is ``<directory> <fsync_ms> <segment_bytes>``; the answer is ``pid N`` for a process
that writes to the session ``s`` of that directory, then ``ack N`` each time an append has returned
whose last record has number N, then ``dead``.
"""

import os
import sys

from mmbot import core
from mmbot.store.journal import JournalWriter


def write_for_ever(directory: str, fsync_ms: int, segment_bytes: int) -> None:
    writer = JournalWriter(directory, "s", fsync_ms=fsync_ms, segment_bytes=segment_bytes)
    framer = core.JournalFramer(writer.next_seq)
    while True:
        # batches of one to five records, from a few bytes to more than a page
        for _ in range(1 + framer.next_seq % 5):
            text = "x" * (framer.next_seq * 37 % 6_000)
            framer.push({"kind": "note", "ts_ns": framer.next_seq, "text": text})
        writer.append(framer.take())
        os.write(1, f"ack {framer.next_seq - 1}\n".encode())


def main() -> None:
    for line in sys.stdin:
        directory, fsync_ms, segment_bytes = line.split()
        pid = os.fork()
        if pid == 0:
            write_for_ever(directory, int(fsync_ms), int(segment_bytes))
        os.write(1, f"pid {pid}\n".encode())
        os.waitpid(pid, 0)
        os.write(1, b"dead\n")


main()
