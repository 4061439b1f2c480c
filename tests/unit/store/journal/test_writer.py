"""The writer of journals: what it promises, and what it does when the machine refuses."""

import errno
import os
import threading

import pytest
from tests.unit.store.journal.made_records import (
    frames,
    note,
    numbers,
    write_journal,
)

from mmbot import core
from mmbot.errors import StoreError
from mmbot.store.journal import JournalReader, JournalWriter, mark_shipped
from mmbot.store.journal.segments import Segment


class Clock:
    def __init__(self):
        self.now_ns = 0

    def __call__(self):
        return self.now_ns


def open_writer(tmp_path, **options):
    return JournalWriter(tmp_path, "s", **{"fsync_ms": 1000, **options})


@pytest.mark.spec("08-5.4")
def test_a_record_is_in_the_file_when_append_returns(tmp_path):
    with open_writer(tmp_path) as writer:
        for number in range(5):
            writer.append(frames(number, 1))
            assert numbers(writer.path) == list(range(number + 1))


@pytest.mark.spec("08-5.4")
def test_numbers_go_on_when_a_journal_is_continued(tmp_path):
    path = write_journal(tmp_path, 3)
    with open_writer(tmp_path) as writer:
        assert writer.next_seq == 3
        writer.append(frames(3, 2))
    assert numbers(path) == [0, 1, 2, 3, 4]


@pytest.mark.spec("08-5.4")
def test_a_torn_tail_is_cut_at_open_and_counted_wherever_it_tore(tmp_path):
    data, whole = frames(0, 3), len(frames(0, 2))
    for cut in range(whole + 1, len(data)):
        path = tmp_path / str(cut) / "s"
        path.mkdir(parents=True)
        (path / "0.mmj").write_bytes(data[:cut])
        with open_writer(path.parent) as writer:
            assert writer.metrics.torn_records_total == 1
            assert writer.next_seq == 2
            assert (path / "0.mmj").stat().st_size == whole
            writer.append(frames(2, 2))
        assert numbers(path) == [0, 1, 2, 3]


@pytest.mark.spec("08-5.4")
def test_a_journal_that_tore_before_its_first_record_begins_anew(tmp_path):
    for tail in (b"", frames(0, 1)[:5]):
        path = tmp_path / str(len(tail)) / "s"
        path.mkdir(parents=True)
        (path / "0.mmj").write_bytes(tail)
        with open_writer(path.parent) as writer:
            assert writer.metrics.torn_records_total == bool(tail)
            writer.append(frames(0, 1))
        assert numbers(path) == [0]


@pytest.mark.spec("08-5.4")
def test_a_damaged_segment_is_reported_and_stays_as_it_is(tmp_path):
    path = write_journal(tmp_path, 3) / "0.mmj"
    data = bytearray(path.read_bytes())
    data[10] ^= 4
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"E_STORE_JOURNAL: file=.*0\.mmj offset=0 checksum"):
        open_writer(tmp_path)
    assert path.read_bytes() == data
    assert [entry.name for entry in path.parent.glob("*.mmj")] == ["0.mmj"]


@pytest.mark.spec("08-5.4")
def test_segments_follow_each_other_by_size_and_by_age(tmp_path):
    clock = Clock()
    size = len(frames(1, 1))
    options = {"segment_bytes": 3 * size, "segment_ns": 1000, "clock": clock}
    with open_writer(tmp_path, **options) as writer:
        writer.append(frames(0, 1))
        for number in range(1, 5):
            writer.append(frames(number, 1))
        clock.now_ns = 999
        writer.append(frames(5, 1))
        clock.now_ns = 1000
        writer.append(frames(6, 1))
        # a batch beyond the size stays together
        writer.append(frames(7, 20))
        path = writer.path
    firsts = {
        segment.name: next(JournalReader(segment).records())["seq"]
        for segment in JournalReader(path).segments
    }
    assert firsts == {"0.mmj": 0, "1.mmj": 1, "2.mmj": 4, "3.mmj": 6, "4.mmj": 7}
    assert numbers(path) == list(range(27))
    with open_writer(tmp_path) as writer:
        assert writer.next_seq == 27


def test_an_empty_segment_is_never_followed_by_another(tmp_path):
    clock = Clock()
    with open_writer(tmp_path, segment_ns=10, segment_bytes=1, clock=clock) as writer:
        clock.now_ns = 50
        writer.append(frames(0, 1))
        assert [path.name for path in JournalReader(writer.path).segments] == ["0.mmj"]


@pytest.mark.spec("08-5.4")
def test_a_segment_that_a_crash_left_empty_is_used(tmp_path):
    path = write_journal(tmp_path, 3)
    (path / "1.mmj").touch()
    with open_writer(tmp_path) as writer:
        assert writer.next_seq == 3
        writer.append(frames(3, 1))
    assert numbers(path) == [0, 1, 2, 3]
    assert (path / "1.mmj").stat().st_size > 0


@pytest.mark.spec("08-5.4")
def test_only_the_next_whole_frames_are_taken(tmp_path):
    with open_writer(tmp_path) as writer:
        writer.append(frames(0, 2))
        damaged = bytearray(frames(2, 1))
        damaged[-1] ^= 1
        for wrong in (frames(3, 1), frames(1, 1), frames(2, 1)[:-1], bytes(damaged)):
            with pytest.raises(StoreError, match="E_STORE_JOURNAL: seq=2 was not appended"):
                writer.append(wrong)
        writer.append(frames(2, 1))
    assert numbers(writer.path) == [0, 1, 2]


def test_a_session_has_one_writer(tmp_path):
    with open_writer(tmp_path):
        with pytest.raises(StoreError, match=r"E_STORE_JOURNAL: .* has another writer"):
            open_writer(tmp_path)
        JournalWriter(tmp_path, "other").close()
    open_writer(tmp_path).close()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-x", "a\n", "a" * 200])
def test_a_session_id_must_be_able_to_name_a_directory(tmp_path, name):
    with pytest.raises(StoreError, match="E_STORE_TYPE: session_id"):
        JournalWriter(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_a_closed_journal_takes_nothing(tmp_path):
    writer = open_writer(tmp_path)
    writer.close()
    writer.close()
    for act in (lambda: writer.append(frames(0, 1)), writer.sync, writer.retry):
        with pytest.raises(StoreError, match="is closed"):
            act()


def test_records_are_counted_by_kind(tmp_path):
    with open_writer(tmp_path) as writer:
        writer.append(frames(0, 1))
        writer.append(frames(1, 3))
        assert writer.metrics.records_total == {"header": 1, "note": 3}
        assert writer.metrics.bytes_total == (writer.path / "0.mmj").stat().st_size


@pytest.mark.spec("08-5.4")
def test_without_an_interval_every_append_is_synced_before_it_returns(tmp_path, monkeypatch):
    synced: list[int] = []
    with open_writer(tmp_path, fsync_ms=0) as writer:
        monkeypatch.setattr(Segment, "sync", lambda segment: synced.append(segment.size))
        for number in range(3):
            writer.append(frames(number, 1))
            assert synced[-1] == (writer.path / "0.mmj").stat().st_size
        assert len(synced) == 3
        assert writer.metrics.fsync_ms.count == 3
        assert sum(writer.metrics.fsync_ms.counts) == 3


@pytest.mark.spec("08-5.4")
def test_with_an_interval_a_sync_follows_without_another_append(tmp_path, monkeypatch):
    synced = threading.Event()
    threads: list[threading.Thread] = []
    real = Segment.sync

    def sync(segment):
        threads.append(threading.current_thread())
        real(segment)
        synced.set()

    with open_writer(tmp_path, fsync_ms=1) as writer:
        monkeypatch.setattr(Segment, "sync", sync)
        writer.append(frames(0, 1))
        assert synced.wait(30)
        assert threading.current_thread() not in threads


@pytest.mark.spec("08-5.4")
def test_a_segment_is_synced_before_the_next_one_gets_a_record(tmp_path, monkeypatch):
    steps: list[tuple[str, str]] = []
    real_sync, real_append = Segment.sync, Segment.append

    def sync(segment):
        steps.append(("sync", segment.path.name))
        real_sync(segment)

    def append(segment, data):
        steps.append(("append", segment.path.name))
        real_append(segment, data)

    with open_writer(tmp_path, segment_bytes=1) as writer:
        writer.append(frames(0, 1))
        monkeypatch.setattr(Segment, "sync", sync)
        monkeypatch.setattr(Segment, "append", append)
        writer.append(frames(1, 1))
        monkeypatch.undo()
    assert steps == [("sync", "0.mmj"), ("append", "1.mmj")]


@pytest.mark.spec("08-5.4")
@pytest.mark.parametrize("fsync_ms", [0, 1])
def test_after_a_failed_sync_nothing_is_appended_any_more(tmp_path, monkeypatch, fsync_ms):
    failed = threading.Event()

    def sync(segment):
        failed.set()
        raise OSError(errno.EIO, "Input/output error")

    writer = open_writer(tmp_path, fsync_ms=fsync_ms)
    monkeypatch.setattr(Segment, "sync", sync)
    try:
        writer.append(frames(0, 1))
    except StoreError:
        assert fsync_ms == 0
    assert failed.wait(30)
    if fsync_ms:
        writer._group._thread.join(30)
    size = (writer.path / "0.mmj").stat().st_size
    monkeypatch.undo()
    for _ in range(2):
        with pytest.raises(StoreError, match=r"E_STORE_JOURNAL: file=.*0\.mmj .*Input/output"):
            writer.append(frames(1, 1))
    assert (writer.path / "0.mmj").stat().st_size == size
    assert writer.metrics.write_fail_total == 1
    with pytest.raises(StoreError, match="E_STORE_JOURNAL"):
        writer.close()
    with open_writer(tmp_path):
        pass


def test_a_directory_that_cannot_be_made_is_one_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"E_STORE_DISK|E_STORE_JOURNAL"):
        JournalWriter(tmp_path / "file", "s")


def test_a_continued_journal_is_not_shipped_any_more(tmp_path):
    path = write_journal(tmp_path, 2)
    mark_shipped(path, next_seq=2)
    assert (path / "shipped").read_text() == '{"next_seq":2}\n'
    open_writer(tmp_path).close()
    assert not (path / "shipped").exists()


def test_threads_may_share_a_writer(tmp_path):
    with open_writer(tmp_path, fsync_ms=1, segment_bytes=2000) as writer:
        framer, turn = core.JournalFramer(), threading.Lock()
        framer.push(note(0))
        writer.append(framer.take())

        def work():
            for _ in range(200):
                with turn:
                    framer.push(note(framer.next_seq))
                    writer.append(framer.take())

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert numbers(writer.path) == list(range(801))


def test_a_rehearsal_adds_nothing_and_needs_no_room(tmp_path, monkeypatch):
    with open_writer(tmp_path) as writer:
        writer.rehearse()
        writer.append(frames(0, 2))
        held = sorted(path.name for path in writer.path.iterdir())
        size = (writer.path / "0.mmj").stat().st_size
        for _ in range(20):
            writer.rehearse()
        with monkeypatch.context() as disk:
            disk.setattr(os, "pwrite", _refuses)
            writer.rehearse()
        assert sorted(path.name for path in writer.path.iterdir()) == held
        assert (writer.path / "0.mmj").stat().st_size == size
        assert writer.metrics.write_fail_total == 0
        writer.append(frames(2, 1))
    writer.rehearse()
    assert numbers(writer.path) == [0, 1, 2]


def _refuses(*_):
    raise OSError(errno.ENOSPC, "full")


def test_what_was_appended_is_counted_and_synced_once_it_is_settled(tmp_path, monkeypatch):
    synced = threading.Event()
    monkeypatch.setattr(Segment, "sync", lambda _segment: synced.set())
    with open_writer(tmp_path, fsync_ms=1) as writer:
        writer.append(frames(0, 2), settled=False)
        assert numbers(writer.path) == [0, 1]
        assert sum(writer.metrics.records_total.values()) == 0
        assert not synced.wait(0.05)
        writer.settle()
        assert sum(writer.metrics.records_total.values()) == 2
        assert synced.wait(30)
