"""What a paper session keeps for the next one: request windows, high-water mark, calibration."""

import json
import signal
import time

import pytest
from tests.e2e.processes import mmbot, run, start

from mmbot.clock import monotonic_ns
from mmbot.store.snapshots import read_snapshot
from mmbot.units import NS_PER_SEC

pytestmark = pytest.mark.xdist_group("run")

KEPT = ("throttle_snapshot.json", "allocator_hwm.json", "cost_calib.json")
DEADLINE_S = 60


def controls(tmp_path, session):
    done = mmbot(tmp_path, "journal", "dump", session, "--kind", "control", "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def session_of(done):
    return next(
        line.removeprefix("wrote ") for line in done.stdout.splitlines() if "journal/" in line
    )


@pytest.mark.spec("02-8.4", "02-1")
def test_a_session_takes_over_what_the_one_before_it_left(tmp_path):
    first = run(tmp_path, "--duration", "20s", "--seed", "1")
    assert first.returncode == 0, first.stderr
    for name in KEPT:
        assert read_snapshot(tmp_path / "artifacts" / name), name
    names = [one["control"] for one in controls(tmp_path, session_of(first))]
    assert names == ["stop"], "there was nothing to take over"

    second = run(tmp_path, "--duration", "5s", "--seed", "2")
    assert second.returncode == 0, second.stderr
    taken = controls(tmp_path, session_of(second))
    names = [one["control"] for one in taken]
    assert names == ["throttle_load", "high_water_mark", "cost_calibration", "stop"]
    assert taken[0]["ts_ns"] > 0, "as of the time of the first data"
    assert taken[1]["hwm_equity_usd"] > 0
    replayed = mmbot(tmp_path, "replay", session_of(second))
    assert replayed.stdout.splitlines()[-1].startswith("| replay | OK |"), replayed.stdout


@pytest.mark.spec("02-8.4")
@pytest.mark.parametrize("args", [("--mode", "sim"), ("--speed", "max")])
def test_a_session_that_is_to_come_out_the_same_every_time_keeps_nothing(tmp_path, args):
    done = run(tmp_path, "--duration", "5s", *args)
    assert done.returncode == 0, done.stderr
    assert [name for name in KEPT if (tmp_path / "artifacts" / name).exists()] == []


@pytest.mark.spec("02-8.4", "02-1")
def test_the_throttle_is_written_where_and_as_often_as_the_options_say(tmp_path):
    path = tmp_path / "elsewhere" / "windows.json"
    options = ("--throttle-snapshot-path", str(path), "--throttle-snapshot-interval-seconds", "1")
    process = start(tmp_path, "--speed", "1x", *options)
    try:
        deadline = monotonic_ns() + DEADLINE_S * NS_PER_SEC
        while not path.exists():
            assert process.poll() is None, process.communicate()
            assert monotonic_ns() < deadline
            time.sleep(0.05)
        assert not (tmp_path / "artifacts" / KEPT[1]).exists(), "those come every minute"
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
    assert process.returncode == 0, stderr
    payload = read_snapshot(path)
    assert payload["version"] == 2
    assert "BTCUSDT" in str(payload["symbols"])
    assert not (tmp_path / "artifacts" / KEPT[0]).exists()
    assert (tmp_path / "artifacts" / KEPT[1]).exists(), "at the stop all are written"


@pytest.mark.spec("02-8.4")
def test_a_damaged_snapshot_is_set_aside_and_said(tmp_path):
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / KEPT[0]).write_text("{}")
    done = run(tmp_path, "--duration", "2s")
    assert done.returncode == 0, done.stderr
    assert "invalid" in done.stderr
    assert read_snapshot(tmp_path / "artifacts" / KEPT[0])["version"] == 2


def test_an_interval_below_a_second_is_refused(tmp_path):
    done = run(tmp_path, "--throttle-snapshot-interval-seconds", "0.5")
    assert done.returncode != 0
    assert "--throttle-snapshot-interval-seconds" in done.stderr
