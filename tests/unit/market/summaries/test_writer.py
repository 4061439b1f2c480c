import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.market.summaries.made_summaries import HOUR_NS, VALID, valid

from mmbot.config.operations import RecorderConfig
from mmbot.errors import ConfigError, StoreError
from mmbot.market.summaries import SummaryOptions, SummaryWriter, WriteStatus, summary_path
from mmbot.market.summaries.locks import LockTiming, hold_lock, lock_path
from mmbot.market.summaries.retention import HourFile, expired
from mmbot.units import NS_PER_DAY, NS_PER_HOUR, NS_PER_SEC, format_stamp

NOW_NS = HOUR_NS + 2 * NS_PER_HOUR
NO_WAIT = LockTiming(wait_ns=0, pause_ns=0)
OVERWRITE = SummaryOptions()
SUM = SummaryOptions(overwrite_existing_hour=False, merge_strategy="sum_bins")
KEEP = SummaryOptions(overwrite_existing_hour=False)


def write(directory, payload, options=OVERWRITE):
    writer = SummaryWriter(directory, options, now_ns=lambda: NOW_NS, timing=NO_WAIT)
    return writer.write("BTCUSDT", HOUR_NS, lambda: payload)


def content(outcome):
    return json.loads(outcome.path.read_bytes())


def test_name_and_bytes_of_a_file(tmp_path):
    outcome = write(tmp_path, valid())
    assert outcome.status is WriteStatus.WRITTEN
    assert outcome.path == tmp_path / "BTCUSDT" / "BTCUSDT_2024-08-09_12.json"
    assert content(outcome) == VALID
    assert [p.name for p in outcome.path.parent.iterdir()] == [outcome.path.name]


@pytest.mark.spec("01-10.3/1", "01-10.3")
@pytest.mark.parametrize("mode", ["none", "lockfile", "o_excl"])
def test_overwrite_replaces_in_every_lock_mode(tmp_path, mode):
    write(tmp_path, valid())
    outcome = write(tmp_path, valid(counts__orders=99), SummaryOptions(lock_mode=mode))
    assert content(outcome)["counts"]["orders"] == 99


@pytest.mark.spec("01-10.3/3")
def test_without_overwrite_or_merge_the_file_stays(tmp_path):
    before = write(tmp_path, valid()).path.read_bytes()
    outcome = write(tmp_path, valid(counts__orders=99), KEEP)
    assert outcome.status is WriteStatus.SKIPPED
    assert outcome.path.read_bytes() == before


@pytest.mark.spec("01-10.3/2")
def test_sum_bins(tmp_path):
    write(tmp_path, valid())
    new = valid(metadata={"git_sha": "new", "cfg_hash": "n", "segments": ["s2"]})
    new["queue_wait_cdf_ms"] = [{"p": 0.1, "v": 7.0}]
    outcome = write(tmp_path, new, SUM)
    assert outcome.status is WriteStatus.MERGED
    merged = content(outcome)
    assert merged["counts"] == {"orders": 20, "quotes": 24, "fills": 6, "maker_fills": 4}
    assert merged["hit_rate_by_bin"]["0"] == {"count": 10, "fills": 4}
    assert merged["queue_wait_cdf_ms"] == [{"p": 0.1, "v": 7.0}]
    assert merged["metadata"] == {"git_sha": "new", "cfg_hash": "n", "segments": ["s1", "s2"]}


@pytest.mark.spec("01-10.3/2")
def test_a_segment_is_not_added_twice(tmp_path):
    before = write(tmp_path, valid()).path.read_bytes()
    outcome = write(tmp_path, valid(), SUM)
    assert outcome.status is WriteStatus.DUPLICATE
    assert outcome.path.read_bytes() == before


@pytest.mark.spec("01-10.3/2", "01-D14")
def test_an_existing_e10_file_is_upgraded_before_the_merge(tmp_path):
    path = summary_path(tmp_path, "btcusdt", HOUR_NS)
    path.parent.mkdir()
    old = {k: VALID[k] for k in ("symbol", "hour_utc", "counts", "hit_rate_by_bin")}
    old["counts"] = dict(old["counts"])
    old |= {"queue_wait_cdf_ms": [], "metadata": {"git_sha": "o", "cfg_hash": "o"}}
    del old["counts"]["maker_fills"]
    path.write_text(json.dumps(old))
    merged = content(write(tmp_path, valid(), SUM))
    assert merged["schema_version"] == "e1.1"
    assert merged["counts"] == {"orders": 20, "quotes": 24, "fills": 6}


@pytest.mark.spec("01-10.3/4")
@pytest.mark.parametrize("options", [SummaryOptions(), SUM, KEEP])
@pytest.mark.parametrize(
    "damage", [b"", b"{", b"\xff", json.dumps(valid(symbol="ETHUSDT")).encode()]
)
def test_damaged_file_is_renamed_whatever_the_options(tmp_path, options, damage):
    path = summary_path(tmp_path, "BTCUSDT", HOUR_NS)
    path.parent.mkdir()
    for _ in range(2):
        path.write_bytes(damage)
        outcome = write(tmp_path, valid(), options)
        assert outcome.status is WriteStatus.WRITTEN
        assert outcome.errors == 1
        assert content(outcome) == VALID
    aside = sorted(path.parent.glob("*.corrupt.*"))
    assert aside[0].name == f"{path.name}.corrupt.{format_stamp(NOW_NS)}"
    assert [file.read_bytes() for file in aside] == [damage, damage]


@pytest.mark.spec("01-10.3")
def test_invalid_content_writes_nothing(tmp_path):
    before = write(tmp_path, valid()).path.read_bytes()
    outcome = write(tmp_path, valid(counts__orders=-1))
    assert outcome.status is WriteStatus.INVALID
    assert outcome.error is not None
    assert outcome.error.code == "E_SUM_INVALID"
    assert outcome.path.read_bytes() == before


@pytest.mark.spec("01-10.3")
@pytest.mark.parametrize("mode", ["none", "o_excl"])
def test_merge_needs_the_lockfile(mode):
    with pytest.raises(ConfigError, match="E_CFG_CONFLICT"):
        SummaryOptions(merge_strategy="sum_bins", lock_mode=mode)


def test_defaults_are_those_of_the_configuration():
    assert SummaryOptions.from_config(RecorderConfig()) == SummaryOptions()


def test_disk_error_comes_back_as_data(tmp_path):
    (tmp_path / "BTCUSDT").write_text("a file where the directory should be")
    outcome = write(tmp_path, valid())
    assert outcome.status is WriteStatus.FAILED
    assert outcome.errors == 1


# --- locks ------------------------------------------------------------


@pytest.mark.spec("01-10.3")
def test_lock_of_another_writer_times_out(tmp_path):
    path = write(tmp_path, valid()).path
    lock_path(path).write_text("pid=1\n")
    stamp_s = NOW_NS / NS_PER_SEC
    os.utime(lock_path(path), (stamp_s, stamp_s))
    slept: list[int] = []
    timing = LockTiming(
        monotonic_ns=lambda: sum(slept), sleep_ns=slept.append, wall_ns=lambda: NOW_NS
    )
    with pytest.raises(StoreError, match="E_SUM_LOCK"), hold_lock(path, timing):
        pass
    assert sum(slept) == 30 * NS_PER_SEC
    assert lock_path(path).exists()


@pytest.mark.spec("01-10.3")
@pytest.mark.parametrize(("age_s", "broken"), [(7199, None), (7201, 1)])
def test_lock_is_broken_after_two_hours(tmp_path, age_s, broken):
    path = tmp_path / "a.json"
    lock_path(path).write_text("")
    stamp_s = NOW_NS / NS_PER_SEC - age_s
    os.utime(lock_path(path), (stamp_s, stamp_s))
    timing = LockTiming(wait_ns=0, pause_ns=0, wall_ns=lambda: NOW_NS)
    if broken is None:
        with pytest.raises(StoreError), hold_lock(path, timing):
            pass
    else:
        with hold_lock(path, timing) as lock:
            assert lock.broken == broken
            assert f"pid={os.getpid()}" in lock.path.read_text()
        assert list(tmp_path.iterdir()) == []


def test_release_leaves_the_lock_of_another(tmp_path):
    path = tmp_path / "a.json"
    with hold_lock(path):
        lock_path(path).write_text("pid=7\nnonce=other\n")
    assert lock_path(path).exists()


CHILD = """
import sys
from pathlib import Path
from mmbot.market.summaries.locks import hold_lock
with hold_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_kill_9_leaves_a_lock_that_is_waited_for_and_broken_later(tmp_path):
    path = write(tmp_path, valid()).path
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        child.send_signal(signal.SIGKILL)
    before = path.read_bytes()
    locked = write(tmp_path, valid(counts__orders=5))
    assert locked.status is WriteStatus.LOCKED
    assert path.read_bytes() == before
    os.utime(lock_path(path), (0, 0))
    outcome = write(tmp_path, valid(counts__orders=5))
    assert (outcome.status, outcome.locks_broken) == (WriteStatus.WRITTEN, 1)


MERGER = """
import json, sys
from pathlib import Path
from mmbot.market.summaries import SummaryOptions, SummaryWriter
options = SummaryOptions(overwrite_existing_hour=False, merge_strategy="sum_bins",
                         retention_days=None)
payload = json.loads(sys.argv[2])
writer = SummaryWriter(Path(sys.argv[1]), options)
for i in range(10):
    payload["metadata"]["segments"] = [f"{sys.argv[3]}-{i}"]
    outcome = writer.write("BTCUSDT", int(sys.argv[4]), lambda: payload)
    assert outcome.error is None, outcome
"""


@pytest.mark.spec("01-10.3")
def test_concurrent_merges_lose_and_repeat_nothing(tmp_path):
    args = [sys.executable, "-c", MERGER, str(tmp_path), json.dumps(VALID)]
    children = [subprocess.Popen([*args, str(n), str(HOUR_NS)]) for n in range(3)]
    assert [child.wait(120) for child in children] == [0, 0, 0]
    path = summary_path(tmp_path, "BTCUSDT", HOUR_NS)
    merged = json.loads(path.read_bytes())
    assert merged["counts"]["orders"] == 30 * VALID["counts"]["orders"]
    assert len(merged["metadata"]["segments"]) == 30
    assert [p.name for p in path.parent.iterdir()] == [path.name]


# --- retention ------------------------------------------------------------


def hours(*ages_h):
    return [HourFile(NOW_NS - a * NS_PER_HOUR, Path(f"{a}")) for a in ages_h]


@pytest.mark.spec("01-10.3", "01-D16")
@pytest.mark.parametrize(
    ("retention_days", "keep_last", "written", "gone"),
    [
        (None, None, "0", []),
        (1, None, "0", ["30", "25"]),
        (None, 2, "0", ["30", "25", "24"]),
        (1, 2, "0", ["30", "25", "24"]),
        (1, 9, "0", ["30", "25"]),
        (1, None, "30", ["25"]),
        (None, 2, "30", ["25", "24", "1"]),
        (None, 1, "0", ["30", "25", "24", "1"]),
    ],
)
def test_what_expires(retention_days, keep_last, written, gone):
    files = hours(30, 25, 24, 1, 0)
    result = expired(
        files,
        written=Path(written),
        now_ns=NOW_NS,
        retention_days=retention_days,
        keep_last=keep_last,
    )
    assert [str(file.path) for file in result] == gone


@pytest.mark.spec("01-10.3")
def test_prune_by_name_and_debris_by_age(tmp_path):
    folder = tmp_path / "BTCUSDT"
    folder.mkdir()
    old = ["BTCUSDT_2024-07-01_00.json", "x.json.lock", "x.json.tmp.1.ab", "x.json.corrupt.Z"]
    young = ["BTCUSDT_2024-08-08_00.json", "y.json.lock", "NOTES.txt", "ETHUSDT_2024-07-01_00.json"]
    for name in old + young:
        (folder / name).write_text("")
        stamp_s = (NOW_NS - (2 * NS_PER_DAY if name in old else 0)) / NS_PER_SEC
        os.utime(folder / name, (stamp_s, stamp_s))
    outcome = write(tmp_path, valid())
    assert (outcome.pruned.summaries, outcome.pruned.debris) == (1, 3)
    assert {p.name for p in folder.iterdir()} == {*young, outcome.path.name}
