"""Replays of journals: equal, different, unreadable."""

import dataclasses

import pytest
from tests.unit.trading.written_sessions import write_session

from mmbot import core
from mmbot.errors import StoreError
from mmbot.store.journal import JournalReader, JournalWriter
from mmbot.trading.replaying import replay_journal


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    return write_session(tmp_path_factory.mktemp("journal"))


def rewritten(journal, directory, change):
    """The same session with another answer of `change` for its records other than market rows."""
    framer = core.JournalFramer()
    with JournalWriter(directory, "changed") as writer:
        for record in JournalReader(journal).records(rows=True):
            if record["kind"] == "market_rows":
                columns = record["columns"]
                columns = {k: v for k, v in columns.items() if k != "px"} | {
                    "px": columns["px"].astype("int32")
                }
                framer.push_rows(record["instrument"], core.EventChunk.from_arrays(**columns))
            else:
                kept = change(dict(record))
                if kept is not None:
                    framer.push(kept)
            writer.append(framer.take())
        return writer.path


@pytest.mark.spec("08-5.4", "00-4")
def test_a_journal_replays_to_the_same_requests(journal):
    found = replay_journal(journal)
    counts = JournalReader(journal).scan().counts
    assert found.diff_seq is None
    assert found.actions == counts["intent"] > 50
    assert found.events > 10_000
    last = list(JournalReader(journal).records(kinds=["state_hash"]))[-1]
    assert found.hash == f"{last['hash']:016x}"
    assert found.marker == (
        f"| replay | OK | events={found.events} actions={found.actions} hash={found.hash} |"
    )


@pytest.mark.spec("08-5.4")
def test_until_seq_ends_a_replay_early(journal):
    intents = list(JournalReader(journal).records(kinds=["intent"]))
    middle = intents[len(intents) // 2]["seq"]
    found = replay_journal(journal, until_seq=middle)
    assert found.diff_seq is None
    assert len(intents) // 2 < found.actions < len(intents)


@pytest.mark.spec("08-5.4")
def test_a_request_that_was_not_made_is_a_difference(journal, tmp_path):
    victim = list(JournalReader(journal).records(kinds=["intent"]))[20]["seq"]

    def change(record):
        if record["seq"] == victim and record["action"] == "place":
            record["px"] += 1
        elif record["seq"] == victim:
            record["cause"] = "kill"
        return record

    found = replay_journal(rewritten(journal, tmp_path, change))
    assert found.diff_seq == victim
    assert found.marker == f"| replay | DIFF | seq={victim} |"
    assert found.replayed is not None
    assert found.journalled is not None


@pytest.mark.spec("08-5.4")
def test_a_record_that_is_missing_is_found(journal, tmp_path):
    victim = list(JournalReader(journal).records(kinds=["report"]))[10]["seq"]
    changed = rewritten(journal, tmp_path, lambda r: None if r["seq"] == victim else r)
    assert replay_journal(changed).diff_seq >= victim


@pytest.mark.spec("08-5.4")
@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_flipped_byte_is_damage_and_never_a_difference(journal, tmp_path, place):
    data = bytearray((journal / "0.mmj").read_bytes())
    data[int(len(data) * place)] ^= 0x20
    (tmp_path / "0.mmj").write_bytes(data)
    with pytest.raises(StoreError) as caught:
        replay_journal(tmp_path)
    assert caught.value.code == "E_STORE_JOURNAL"


def test_a_torn_tail_is_told_and_does_not_count(journal, tmp_path):
    (tmp_path / "0.mmj").write_bytes((journal / "0.mmj").read_bytes()[:-3])
    found = replay_journal(tmp_path)
    assert (found.diff_seq, found.is_torn) == (None, True)
    whole = replay_journal(journal)
    assert dataclasses.replace(found, is_torn=False) == whole


def test_what_no_session_has_written_is_refused(tmp_path):
    framer = core.JournalFramer()
    framer.push({"kind": "sync", "ts_ns": 1})
    (tmp_path / "0.mmj").write_bytes(framer.take())
    with pytest.raises(StoreError) as caught:
        replay_journal(tmp_path)
    assert caught.value.code == "E_STORE_JOURNAL"
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError):
        replay_journal(tmp_path / "empty")


def test_equal_sessions_write_equal_journals(journal, tmp_path, monkeypatch):
    monkeypatch.setenv("MM_FREEZE_UTC", "1")
    one = write_session(tmp_path / "one", seconds=5)
    two = write_session(tmp_path / "two", seconds=5)
    assert (one / "0.mmj").read_bytes() == (two / "0.mmj").read_bytes()
    assert journal.name == one.name
