"""Following the bytes of a journal across its segments while they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.errors import StoreError
from mmbot.store.journal.tail import JournalTail


def append(session, number, data):
    with (session / f"{number}.mmj").open("ab") as file:
        file.write(data)


def clean():
    return None


def test_nothing_is_there_until_something_is_written(tmp_path):
    with JournalTail(tmp_path, clean) as tail:
        assert tail.read() == b""
        append(tmp_path, 0, b"abc")
        assert not tail.is_at_end()
        assert tail.read() == b"abc"
        assert tail.is_at_end()
        assert tail.read() == b""
        append(tmp_path, 0, b"d")
        assert (tail.is_at_end(), tail.read(), tail.is_at_end()) == (False, b"d", True)


def test_a_segment_is_read_to_its_end_before_the_next_one_begins(tmp_path):
    ends = []
    with JournalTail(tmp_path, lambda: ends.append(1)) as tail:
        append(tmp_path, 0, b"abcdef")
        assert tail.read(4) == b"abcd"
        append(tmp_path, 1, b"gh")
        assert (tail.read(4), tail.number) == (b"ef", 0)
        assert not tail.is_at_end(), "another segment follows"
        append(tmp_path, 0, b"!")
        assert tail.read(4) == b"!", "what came late is not lost"
        assert ends == []
        assert (tail.read(4), tail.number, ends) == (b"gh", 1, [1])
        assert tail.is_at_end()


def test_a_torn_segment_that_another_follows_is_damage(tmp_path):
    append(tmp_path, 0, b"abc")
    append(tmp_path, 1, b"d")
    with JournalTail(tmp_path, lambda: 2) as tail:
        assert tail.read() == b"abc"
        with pytest.raises(StoreError, match=r"E_STORE_JOURNAL: file=.*0\.mmj offset=2 is torn"):
            tail.read()


def test_a_segment_that_was_cut_must_be_read_anew(tmp_path):
    append(tmp_path, 0, b"abcdef")
    with JournalTail(tmp_path, clean) as tail:
        tail.read()
        (tmp_path / "0.mmj").write_bytes(b"abc")
        with pytest.raises(StoreError, match="was cut while it was read"):
            tail.read()


@given(st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=6), st.integers(1, 5))
def test_all_bytes_come_once_and_in_their_order(tmp_path_factory, parts, size):
    session = tmp_path_factory.mktemp("session")
    found = b""
    with JournalTail(session, clean) as tail:
        for number, part in enumerate(parts):
            append(session, number, part)
            found += tail.read(size)
        while not tail.is_at_end():
            found += tail.read(size)
    assert found == b"".join(parts)
