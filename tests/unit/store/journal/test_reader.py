"""The reader of journals: order, choice, flat memory, and errors that name file and offset."""

import dataclasses
import tracemalloc

import pytest
from tests.unit.store.journal.made_records import HEADER, frames, numbers, write_journal

from mmbot.errors import StoreError
from mmbot.store.journal import JournalReader, JournalWriter
from mmbot.store.journal.reader import Torn

SIZE = len(frames(1, 1))


@pytest.fixture
def journal(tmp_path):
    """Nine records in segments of three, the first of them the header."""
    with JournalWriter(tmp_path, "s", segment_bytes=3 * SIZE) as writer:
        # the header is longer than a note, so it has a segment of its own
        writer.append(frames(0, 1))
        for number in range(1, 9):
            writer.append(frames(number, 1))
        return writer.path


@pytest.mark.spec("08-5.4")
def test_segments_are_read_in_the_order_of_their_numbers(tmp_path):
    path = write_journal(tmp_path, 25, segment_bytes=1)
    assert [segment.name for segment in JournalReader(path).segments] == [
        f"{number}.mmj" for number in range(25)
    ]
    assert numbers(path) == list(range(25))


def test_the_header_is_the_first_record(journal):
    header = JournalReader(journal).header()
    assert header == {**HEADER, "seq": 0}


@pytest.mark.parametrize("data", [b"", frames(1, 1)])
def test_a_journal_without_a_header_says_so(tmp_path, data):
    (tmp_path / "0.mmj").write_bytes(data)
    with pytest.raises(StoreError, match=r"does not begin with a header|is 1, expected 0"):
        JournalReader(tmp_path).header()


def test_records_are_chosen_without_reading_what_lies_before(journal):
    # damage before the segment that holds the number is not even seen
    (journal / "0.mmj").write_bytes(b"damage")
    for first in range(4, 9):
        records = JournalReader(journal).records(from_seq=first, kinds=["note"])
        assert [record["seq"] for record in records] == list(range(first, 9))
    assert list(JournalReader(journal).records(from_seq=9)) == []
    with pytest.raises(StoreError, match=r"E_STORE_JOURNAL: file=.*0\.mmj offset=0"):
        list(JournalReader(journal).records(from_seq=0))


def test_a_record_is_found_by_its_offset_over_all_segments(journal):
    reader = JournalReader(journal)
    offset = 0
    for number, record in enumerate(reader.records()):
        start = reader.start_of(number, offset)
        assert start is not None
        assert start.segment == (0 if number == 0 else 1 + (number - 1) // 3)
        assert reader.record_at(start) == record
        seqs = [one["seq"] for one in reader.records(start=start)]
        assert seqs == list(range(number, 9))
        until = [one["seq"] for one in reader.records(start=start, until_seq=6)]
        assert until == list(range(number, 7))
        with pytest.raises(StoreError, match="E_STORE_JOURNAL"):
            reader.record_at(dataclasses.replace(start, seq=number + 1))
        offset += len(frames(number, 1))
    assert reader.start_of(9, offset) is None
    assert JournalReader(journal / "1.mmj").start_of(1, 0) is None


def test_what_follows_the_last_record_asked_for_is_not_read(journal):
    data = bytearray((journal / "3.mmj").read_bytes())
    data[-1] ^= 1
    (journal / "3.mmj").write_bytes(data)
    reader = JournalReader(journal)
    assert [one["seq"] for one in reader.records(until_seq=5)] == [0, 1, 2, 3, 4, 5]
    with pytest.raises(StoreError, match="E_STORE_JOURNAL"):
        list(reader.records(until_seq=8))


def test_one_segment_is_read_by_itself(journal):
    reader = JournalReader(journal / "1.mmj")
    assert [record["seq"] for record in reader.records()] == [1, 2, 3]
    assert [record["seq"] for record in reader.records(from_seq=3)] == [3]
    assert JournalReader(journal / "1.mmj").scan().next_seq == 4


def test_a_scan_counts_without_decoding(journal):
    told: list[int] = []
    scan = JournalReader(journal).scan(on_bytes=told.append)
    assert scan.next_seq == 9
    assert scan.counts == {"header": 1, "note": 8}
    assert scan.torn is None
    assert sum(told) == sum(path.stat().st_size for path in journal.glob("*.mmj"))


@pytest.mark.spec("08-5.4")
def test_a_torn_end_is_told_and_stays(journal):
    last = JournalReader(journal).segments[-1]
    data = last.read_bytes() + frames(9, 1)[:11]
    last.write_bytes(data)
    reader = JournalReader(journal)
    assert [record["seq"] for record in reader.records()] == list(range(9))
    torn = Torn(last, len(data) - 11)
    assert reader.torn == torn
    assert JournalReader(journal).scan().torn == torn
    assert last.read_bytes() == data


@pytest.mark.spec("08-5.4")
def test_damage_names_file_and_offset_after_the_records_before_it(journal):
    segment = journal / "1.mmj"
    data = bytearray(segment.read_bytes())
    data[SIZE + 9] ^= 0x80
    segment.write_bytes(data)
    seen: list[int] = []
    with pytest.raises(StoreError) as caught:
        seen.extend(record["seq"] for record in JournalReader(journal).records())
    assert seen == [0, 1]
    assert str(caught.value) == (f"E_STORE_JOURNAL: file={segment} offset={SIZE} checksum differs")
    with pytest.raises(StoreError, match=f"offset={SIZE} checksum"):
        JournalReader(journal).scan()
    assert segment.read_bytes() == data


@pytest.mark.spec("08-5.4")
@pytest.mark.parametrize("act", ["records", "scan"])
def test_a_hole_in_the_numbers_is_damage(journal, act):
    first = journal / "1.mmj"
    first.write_bytes(first.read_bytes()[: 2 * SIZE])
    with pytest.raises(StoreError, match=r"file=.*2\.mmj offset=0 .* is 4, expected 3"):
        list(getattr(JournalReader(journal), act)())


@pytest.mark.parametrize("act", ["records", "scan"])
def test_only_the_last_segment_may_be_torn(journal, act):
    first = journal / "1.mmj"
    first.write_bytes(first.read_bytes()[:-1])
    with pytest.raises(StoreError, match=rf"1\.mmj offset={2 * SIZE} is torn, but another"):
        list(getattr(JournalReader(journal), act)())
    with JournalWriter(journal.parent, "s") as writer:
        # a writer looks at the end only
        assert writer.next_seq == 9


def test_a_missing_segment_is_named(journal):
    (journal / "1.mmj").unlink()
    with pytest.raises(StoreError, match=r"E_STORE_JOURNAL: file=.*1\.mmj is missing"):
        JournalReader(journal)
    with pytest.raises(StoreError, match=r"E_STORE_JOURNAL: file=.*1\.mmj is missing"):
        JournalWriter(journal.parent, "s")


def test_what_is_not_there_is_one_error(tmp_path):
    with pytest.raises(StoreError, match=r"E_STORE_DISK: file=.*nothing"):
        list(JournalReader(tmp_path / "nothing").records())


def test_other_files_in_the_directory_are_left_alone(journal):
    for name in ("01.mmj", "-1.mmj", "x.mmj", "0.mmj.corrupt.20260101T000000Z", "notes.txt"):
        (journal / name).write_text("not ours")
    assert numbers(journal) == list(range(9))


def test_memory_does_not_grow_with_the_journal(tmp_path):
    peaks = []
    for count in (2_000, 20_000):
        with JournalWriter(tmp_path, str(count), fsync_ms=1000) as writer:
            writer.append(frames(0, count, size=200))
        tracemalloc.start()
        assert sum(1 for _ in JournalReader(writer.path).records()) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]
