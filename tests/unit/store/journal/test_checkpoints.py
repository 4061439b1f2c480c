"""Files of checkpoints: what is written, what is kept for how long, what is read back."""

from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.trading.written_sessions import write_session

from mmbot import core
from mmbot.errors import StoreError
from mmbot.store.journal import Checkpoints, CheckpointWriter, JournalReader
from mmbot.units import NS_PER_MIN


def made(minute, size=10):
    """A checkpoint whose head says nothing."""

    def head(*, file, offset):
        return f"{minute} {file} {offset}\n".encode()

    state = bytes([minute % 251]) * size
    found: Any = SimpleNamespace(ts_ns=minute * NS_PER_MIN, state=state, head=head)
    return found


def heads(path):
    lines = (path / "checkpoints.mmi").read_text().splitlines()
    return [tuple(map(int, line.split())) for line in lines]


def sizes(path):
    return {int(file.stem): file.stat().st_size for file in path.glob("*.mms")}


def read(path, file, offset, length=10):
    head: Any = SimpleNamespace(state=(file, offset, length))
    return Checkpoints(path).state(head)


@pytest.mark.spec("09-2")
def test_states_of_an_hour_share_a_file_and_heads_say_where_they_are(tmp_path):
    writer = CheckpointWriter(tmp_path)
    for minute in range(150):
        writer.append(made(minute))
    writer.close()
    assert sizes(tmp_path) == {0: 600, 1: 600, 2: 300}
    for minute, file, offset in heads(tmp_path):
        assert (file, offset) == (minute // 60, minute % 60 * 10)
        assert read(tmp_path, file, offset) == bytes([minute % 251]) * 10


@pytest.mark.spec("09-2")
def test_all_are_kept_for_a_day_then_the_first_of_each_hour(tmp_path):
    writer = CheckpointWriter(tmp_path)
    for minute in range(27 * 60):
        writer.append(made(minute))
        hour = minute // 60
        if minute % 60 == 0:
            kept = {number for number, size in sizes(tmp_path).items() if size == 600}
            assert kept == set(range(max(hour - 24, 0), hour))
    writer.close()
    assert [sizes(tmp_path)[number] for number in range(27)] == [10, 10] + [600] * 25
    assert read(tmp_path, 0, 0) == bytes(10)
    assert read(tmp_path, 0, 10) is None, "gone"
    assert read(tmp_path, 99, 0) is None, "never there"
    assert len(heads(tmp_path)) == 27 * 60


def test_a_new_writer_takes_away_what_an_earlier_life_of_the_session_left(tmp_path):
    for minutes in (130, 3):
        writer = CheckpointWriter(tmp_path)
        for minute in range(minutes):
            writer.append(made(minute))
        writer.close()
    assert sizes(tmp_path) == {0: 30}
    assert len(heads(tmp_path)) == 3


@pytest.mark.parametrize("kept", [0, 1, 4, 5])
def test_a_session_that_goes_on_keeps_what_its_journal_still_has(tmp_path, kept):
    sets = ("journal.snapshot_interval_s=2",)
    journal = write_session(tmp_path, seconds=9, sets=sets, checkpoints=True)
    index, states = journal / "checkpoints.mmi", journal / "0.mms"
    found = Checkpoints(journal).index
    assert len(found) == 5
    journal_bytes = found.head(kept - 1).at[1] + 1 if kept else 0
    index.write_bytes(index.read_bytes() + b"torn")
    (journal / "1.mms").write_bytes(b"the head of this was never written")
    before, size = index.read_bytes(), states.stat().st_size
    writer = CheckpointWriter(journal, journal_bytes=journal_bytes)
    assert writer.next_number == kept
    assert (index.read_bytes(), (journal / "1.mms").exists()) == (before, True), "not yet"
    newest_ns = found.head(4).ts_ns
    writer.append(made(newest_ns // NS_PER_MIN))
    writer.close()
    assert not (journal / "1.mms").exists()
    assert len(Checkpoints(journal).index) == kept
    assert states.stat().st_size == (size if kept else 0) + 10
    kept_bytes, _, said = index.read_bytes().rpartition(f"{newest_ns // NS_PER_MIN} ".encode())
    assert before.startswith(kept_bytes)
    assert said == f"0 {size if kept else 0}\n".encode()


def test_one_that_cannot_be_written_is_missing_and_the_next_is_not(tmp_path):
    session = tmp_path / "s"
    writer = CheckpointWriter(session)
    with pytest.raises(StoreError, match="E_STORE_DISK"):
        writer.append(made(0))
    session.mkdir()
    writer.append(made(1))
    writer.close()
    assert heads(session) == [(1, 0, 0)]


def test_a_session_without_checkpoints_has_none(tmp_path):
    found = Checkpoints(tmp_path)
    assert len(found.index) == 0
    assert (found.index.before(10**9), found.index.at(2**62)) == (None, None)
    assert found.index.of_order(7) == (None, None)
    with pytest.raises(core.CoreError, match="E_STORE_TYPE"):
        found.index.head(0)


@pytest.mark.spec("09-2")
def test_heads_lead_to_the_hash_in_the_journal_and_to_a_state_that_can_be_resumed(tmp_path):
    sets = ("journal.snapshot_interval_s=2",)
    journal = write_session(tmp_path, seconds=9, sets=sets, checkpoints=True)
    reader, found = JournalReader(journal), Checkpoints(journal)
    hashes = list(reader.records(kinds=["state_hash"]))
    assert len(found.index) == len(hashes) - 1 == 5, "one at the start, none at the end"
    for number, record in enumerate(hashes[:-1]):
        head = found.index.head(number)
        assert (head.number, head.ts_ns, head.at[0]) == (number, record["ts_ns"], record["seq"])
        assert head.is_of_this_build
        start = reader.start_of(*head.at)
        assert start is not None
        assert reader.record_at(start) == record
        state = found.state(head)
        assert state is not None
        replay = core.JournalReplay.resumed(head, state, offset=start.offset)
        reader.pour(replay, start=start)
        outcome = replay.outcome()
        assert outcome["diff_seq"] is None
        assert outcome["hash"] == f"{hashes[-1]['hash']:016x}"
        with pytest.raises(core.CoreError, match=f"checkpoint={number} is damaged"):
            core.JournalReplay.resumed(head, state[:-1], offset=start.offset)
