"""Journals against what really happens: kill -9 at any moment, a disk that is full."""

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.store.journal.made_records import frames, numbers

from mmbot.clock import sleep_ns
from mmbot.errors import StoreError
from mmbot.store.journal import JournalReader, JournalWriter

VICTIM = Path(__file__).with_name("journal_victim.py")
KILLS = 60
DISK_BYTES = 1 << 20


class Victims:
    """A process that forks writers; each is killed after it has acknowledged some records."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, str(VICTIM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.orders, self.answers = self.process.stdin, self.process.stdout

    def kill_one(self, directory, *, after, pause_ns, fsync_ms, segment_bytes):
        """Start a writer, kill it a moment after `after` acknowledgements; return the last one."""
        print(directory, fsync_ms, segment_bytes, file=self.orders)
        pid = last = None
        acks, is_killed = 0, False
        for line in iter(self.answers.readline, ""):
            what, _, number = line.strip().partition(" ")
            if what == "dead":
                return last
            if what == "pid":
                pid = int(number)
            else:
                last, acks = int(number), acks + 1
            if pid is not None and acks >= after and not is_killed:
                sleep_ns(pause_ns)
                os.kill(pid, signal.SIGKILL)
                is_killed = True
        raise AssertionError("the process that forks writers has ended")

    def close(self):
        self.orders.close()
        assert self.process.wait(30) == 0
        self.answers.close()


@pytest.fixture
def victims():
    victims = Victims()
    yield victims
    victims.close()


@pytest.mark.slow
@pytest.mark.spec("08-5.4")
@pytest.mark.parametrize(("fsync_ms", "segment_bytes"), [(5, 1 << 28), (0, 1 << 28), (1, 9_000)])
def test_what_was_acknowledged_before_a_kill_is_read_back(
    tmp_path, victims, fsync_ms, segment_bytes
):
    rng = random.Random(fsync_ms)
    torn = written = 0
    for kill in range(KILLS):
        acknowledged = victims.kill_one(
            tmp_path,
            after=rng.randrange(1, 12),
            pause_ns=rng.randrange(400_000),
            fsync_ms=fsync_ms,
            segment_bytes=segment_bytes,
        )
        # whoever comes next cuts what is torn and goes on: here, or the writer that is killed next
        reader = JournalReader(tmp_path / "s")
        seqs = [record["seq"] for record in reader.records()]
        assert seqs == list(range(len(seqs))), f"kill {kill}"
        assert len(seqs) > acknowledged >= written, f"kill {kill}"
        written = len(seqs)
        torn += reader.torn is not None
        if kill % 2:
            with JournalWriter(tmp_path, "s") as writer:
                assert writer.next_seq == written
                assert writer.metrics.torn_records_total == (reader.torn is not None)
    assert written > 5 * KILLS
    assert segment_bytes > 1 << 20 or len(reader.segments) > 10


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB."""
    mount = tmp_path / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(mount)]
    if shutil.which("mount") is None or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("NO SMALL DISK: mounting a tmpfs needs root; the full disk was NOT tested")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


@pytest.mark.spec("08-5.4")
@pytest.mark.parametrize("segment_bytes", [1 << 28, 50_000])
def test_a_full_disk_stops_the_journal_between_two_records_until_there_is_room(
    small_disk, segment_bytes
):
    filler = small_disk / "filler"
    filler.write_bytes(bytes(DISK_BYTES // 2))
    with JournalWriter(small_disk, "s", segment_bytes=segment_bytes) as writer:
        number = 0
        with pytest.raises(
            StoreError, match=r"E_STORE_DISK: file=.*\.mmj cannot be used: No space"
        ):
            while number < 10_000:
                writer.append(frames(number, 1, size=700))
                number += 1
        assert number > 100
        reader = JournalReader(writer.path)
        assert [record["seq"] for record in reader.records()] == list(range(number))
        assert reader.torn is None, "nothing half-written may stay"
        for _ in range(3):
            with pytest.raises(StoreError, match="E_STORE_DISK"):
                writer.retry()
        assert writer.next_seq == number + 1
        filler.unlink()
        writer.append(frames(number + 1, 1, size=700))
    assert numbers(writer.path) == list(range(number + 2))


@pytest.mark.spec("08-5.4")
def test_a_journal_begins_on_a_full_disk_with_an_error_and_nothing_else(small_disk):
    with pytest.raises(OSError, match="No space"), (small_disk / "filler").open("wb") as file:
        while True:
            file.write(bytes(4096))
            file.flush()
    with pytest.raises(StoreError, match="E_STORE_DISK"), JournalWriter(small_disk, "s") as writer:
        writer.append(frames(0, 1))
    assert sum(path.stat().st_size for path in small_disk.glob("s/*.mmj")) == 0
    (small_disk / "filler").unlink()
    with JournalWriter(small_disk, "s") as writer:
        writer.append(frames(0, 1))
    assert numbers(small_disk / "s") == [0]
