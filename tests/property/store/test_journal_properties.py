"""A journal against a list: whatever is appended, cut, continued and rotated, in any order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.store.journal.made_records import frames

from mmbot.store.journal import JournalReader, JournalWriter
from mmbot.store.journal.segments import segment_path

APPEND = st.tuples(st.just("append"), st.integers(1, 4), st.integers(8, 300))
REOPEN = st.tuples(st.just("reopen"), st.integers(100, 2_000), st.just(0))
TEAR = st.tuples(st.just("tear"), st.integers(1, 4), st.floats(0.0, 1.0, exclude_max=True))


@pytest.mark.spec("08-5.4")
@given(steps=st.lists(st.one_of(APPEND, REOPEN, TEAR), max_size=25))
def test_a_journal_is_the_list_of_what_was_appended(tmp_path_factory, steps):
    directory = tmp_path_factory.mktemp("journals")
    writer = JournalWriter(directory, "s", fsync_ms=1000, segment_bytes=500)
    count = torn = 0
    for what, number, extra in steps:
        if what == "append":
            writer.append(frames(count, number, size=extra))
            count += number
            continue
        writer.close()
        segment_bytes = number if what == "reopen" else 500
        if what == "tear":
            # what a crash in the middle of the next append would leave
            data = frames(count, number)
            data = data[: int(extra * len(data))]
            last = max(int(path.stem) for path in writer.path.glob("*.mmj"))
            with segment_path(writer.path, last).open("ab") as file:
                file.write(data)
            whole = [n for n in range(number) if len(frames(count, n + 1)) <= len(data)]
            torn = len(data) > len(frames(count, len(whole)))
            count += len(whole)
        writer = JournalWriter(directory, "s", fsync_ms=1000, segment_bytes=segment_bytes)
        assert writer.metrics.torn_records_total == torn
        assert writer.next_seq == count
        torn = 0
    writer.close()
    seqs = [record["seq"] for record in JournalReader(writer.path).records()]
    assert seqs == list(range(count))
    assert JournalReader(writer.path).scan().next_seq == count
