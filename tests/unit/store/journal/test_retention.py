"""What is removed: shipped, old and written by nobody."""

import os

import pytest
from tests.unit.store.journal.made_records import write_journal

from mmbot.store.journal import JournalWriter, list_sessions, mark_shipped, prune_journals
from mmbot.units import NS_PER_DAY

NOW_NS = 1_800_000_000 * 10**9


def made(directory, name, *, age_days, shipped=True):
    write_journal(directory / "made", 3, segment_bytes=1)
    path = (directory / "made" / "s").rename(directory / name)
    (directory / "made").rmdir()
    if shipped:
        mark_shipped(path, next_seq=3)
    for file in path.iterdir():
        stamp = NOW_NS - int(age_days * NS_PER_DAY)
        os.utime(file, ns=(stamp, stamp))
    return path


@pytest.mark.spec("08-5.2")
def test_only_shipped_and_old_journals_go(tmp_path):
    kept = {
        made(tmp_path, "young", age_days=13.9),
        made(tmp_path, "unshipped", age_days=100, shipped=False),
    }
    made(tmp_path, "old", age_days=14.1)
    made(tmp_path, "older", age_days=99)
    assert prune_journals(tmp_path, keep_days=14, now_ns=NOW_NS) == ["old", "older"]
    assert set(tmp_path.iterdir()) == kept
    assert set(list_sessions(tmp_path)) == kept
    assert prune_journals(tmp_path, keep_days=14, now_ns=NOW_NS) == []


@pytest.mark.spec("08-5.2")
def test_the_age_is_that_of_the_newest_segment(tmp_path):
    path = made(tmp_path, "a", age_days=20)
    os.utime(path / "1.mmj", ns=(NOW_NS, NOW_NS))
    assert prune_journals(tmp_path, keep_days=14, now_ns=NOW_NS) == []


def test_a_journal_that_somebody_writes_stays(tmp_path):
    path = made(tmp_path, "a", age_days=1)
    with JournalWriter(tmp_path, "a"):
        mark_shipped(path, next_seq=3)
        far_ns = NOW_NS + 1_000 * NS_PER_DAY
        assert prune_journals(tmp_path, keep_days=0, now_ns=far_ns) == []
    assert prune_journals(tmp_path, keep_days=0, now_ns=far_ns) == ["a"]


def test_an_interrupted_removal_is_finished(tmp_path):
    path = made(tmp_path, "a", age_days=20)
    (path / "0.mmj").unlink()
    (path / "1.mmj").unlink()
    assert prune_journals(tmp_path, keep_days=14, now_ns=NOW_NS) == ["a"]
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there_holds_nothing(tmp_path):
    assert prune_journals(tmp_path / "x", keep_days=1, now_ns=NOW_NS) == []
    assert list_sessions(tmp_path / "x") == []
