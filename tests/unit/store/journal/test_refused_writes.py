"""What the writer does when the machine takes only a part of a write, or nothing.

The limit on the size of files does to a write what a full disk does: the system writes what fits,
then refuses.
"""

import errno
import os
import signal

import pytest
from tests.unit.store.journal.made_records import frames, numbers

from mmbot.errors import StoreError
from mmbot.store.journal import JournalWriter
from mmbot.store.journal.writer import BACKLOG_BYTES_MAX

resource = pytest.importorskip("resource")


def open_writer(directory):
    return JournalWriter(directory, "s", fsync_ms=1000)


@pytest.fixture
def file_limit():
    """Lets no file grow beyond a size: the system writes what fits, then refuses."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, old)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.spec("08-5.4")
def test_of_a_write_that_did_not_fit_nothing_stays_and_it_comes_first_later(tmp_path, file_limit):
    with open_writer(tmp_path) as writer:
        writer.append(frames(0, 2))
        segment = writer.path / "0.mmj"
        size = segment.stat().st_size
        file_limit(size + 30)
        for number in (2, 3):
            with pytest.raises(StoreError, match=r"E_STORE_DISK: file=.*0\.mmj"):
                writer.append(frames(number, 1))
            assert segment.stat().st_size == size
            assert numbers(writer.path) == [0, 1]
        with pytest.raises(StoreError, match="E_STORE_DISK"):
            writer.retry()
        assert writer.metrics.write_fail_total == 3
        assert writer.metrics.records_total["note"] == 1
        assert writer.backlog_bytes == len(frames(2, 2))
        assert writer.next_seq == 4
        file_limit(resource.RLIM_INFINITY)
        writer.append(frames(4, 1))
        assert writer.backlog_bytes == 0
        assert writer.metrics.records_total["note"] == 4
    assert numbers(writer.path) == [0, 1, 2, 3, 4]


@pytest.mark.spec("08-5.4")
def test_records_kept_for_a_full_disk_go_in_at_close_or_are_reported(tmp_path, file_limit):
    for room, kept in ((resource.RLIM_INFINITY, [0, 1, 2]), (None, [0, 1])):
        writer = open_writer(tmp_path / str(room))
        writer.append(frames(0, 2))
        file_limit((writer.path / "0.mmj").stat().st_size)
        with pytest.raises(StoreError, match="E_STORE_DISK"):
            writer.append(frames(2, 1))
        if room is None:
            with pytest.raises(StoreError, match="E_STORE_DISK"):
                writer.close()
        else:
            file_limit(room)
            writer.close()
        file_limit(resource.RLIM_INFINITY)
        assert numbers(writer.path) == kept


def test_what_does_not_fit_into_the_backlog_ends_the_journal(tmp_path, file_limit):
    with open_writer(tmp_path) as writer:
        writer.append(frames(0, 1))
        file_limit((writer.path / "0.mmj").stat().st_size)
        size, number = 4_000_000, 1
        while writer.backlog_bytes <= BACKLOG_BYTES_MAX - size:
            with pytest.raises(StoreError, match="E_STORE_DISK"):
                writer.append(frames(number, 1, size))
            number += 1
        for _ in range(2):
            with pytest.raises(StoreError, match="E_STORE_DISK"):
                writer.append(frames(number, 1, size))
            number += 1
        file_limit(resource.RLIM_INFINITY)
        # a hole would replay to something else
        with pytest.raises(StoreError, match="E_STORE_DISK"):
            writer.append(frames(number, 1))
        with pytest.raises(StoreError, match="E_STORE_DISK"):
            writer.close()
    assert numbers(writer.path) == [0]


def test_a_rest_that_could_not_be_cut_is_cut_before_the_next_write(
    tmp_path, file_limit, monkeypatch
):
    def ftruncate(fd, size):
        raise OSError(errno.EIO, "Input/output error")

    with open_writer(tmp_path) as writer:
        writer.append(frames(0, 1))
        size = (writer.path / "0.mmj").stat().st_size
        file_limit(size + 10)
        monkeypatch.setattr(os, "ftruncate", ftruncate)
        with pytest.raises(StoreError, match="E_STORE_DISK"):
            writer.append(frames(1, 1))
        assert (writer.path / "0.mmj").stat().st_size == size + 10
        file_limit(resource.RLIM_INFINITY)
        with pytest.raises(StoreError, match="E_STORE_JOURNAL"):
            writer.append(frames(2, 1))
        monkeypatch.undo()
        writer.retry()
    assert numbers(writer.path) == [0, 1, 2]
