"""Rotation, resources, lock, long-run plan, warm-up export: what they keep and what they refuse."""

import json
import os
import tarfile
from datetime import date

import pytest

from mmbot.errors import StoreError
from mmbot.soak import lock as locks
from mmbot.soak.history import archive_summaries
from mmbot.soak.lock import held_by_other, run_lock
from mmbot.soak.long_run import RunState, due_step, is_done, make_plan, plan_lines
from mmbot.soak.resources import ResourceMonitor, monitor_for, read_snapshots
from mmbot.soak.resources_analysis import analyse, slope
from mmbot.soak.rotate import RotationLimits, rotate
from mmbot.soak.rotation import SnapshotEntry, plan_rotation
from mmbot.soak.scheduler import Scheduler
from mmbot.soak.warmup_export import warmup_text

DAY = 86_400


@pytest.mark.spec("07-14", "07-D24")
def test_the_highest_numbers_stay_not_the_last_names():
    names = [f"ITER_SUMMARY_{i}.json" for i in (10, 2, 9, 1)] + ["TUNING_REPORT.json"]
    plan = plan_rotation(names, [], max_summaries=2, max_age_days=7, locked=False)
    assert plan.kept == ("ITER_SUMMARY_9.json", "ITER_SUMMARY_10.json")
    assert plan.deleted == ("ITER_SUMMARY_1.json", "ITER_SUMMARY_2.json")
    held = plan_rotation(names, [], max_summaries=2, max_age_days=7, locked=True)
    assert held.deleted == ()


@pytest.mark.spec("07-14")
def test_old_snapshots_are_compressed_unless_an_archive_exists():
    entries = [
        SnapshotEntry("old", 8 * DAY),
        SnapshotEntry("young", 7 * DAY),
        SnapshotEntry("done", 9 * DAY),
        SnapshotEntry("done.tar.gz", 9 * DAY),
    ]
    plan = plan_rotation([], entries, max_summaries=1, max_age_days=7, locked=False)
    assert plan.compressed == ("old",)


def soak_tree(base, *, age_days=8):
    snapshot = base / "snapshots" / "run1"
    snapshot.mkdir(parents=True)
    document = {"iteration": 1, "summary": {}, "tuning": {}}
    (snapshot / "ITER_SUMMARY_1.json").write_text(json.dumps(document))
    past = snapshot.stat().st_mtime - age_days * DAY
    os.utime(snapshot, (past, past))
    (base / "latest").mkdir()
    for i in range(1, 5):
        (base / "latest" / f"ITER_SUMMARY_{i}.json").write_text("{}")
    return snapshot


@pytest.mark.spec("07-14", "08-11.2")
def test_a_rotation_removes_compresses_and_logs(tmp_path):
    base = tmp_path / "soak"
    soak_tree(base)
    lines: list[str] = []
    done = rotate(base, RotationLimits(max_summaries=2), lines.append)
    assert done is not None
    assert done.within_limit
    assert sorted(p.name for p in (base / "latest").glob("*")) == [
        "ITER_SUMMARY_3.json",
        "ITER_SUMMARY_4.json",
    ]
    assert [p.name for p in (base / "snapshots").glob("*")] == ["run1.tar.gz"]
    # A compressed snapshot can still be read.
    found = archive_summaries(base / "snapshots" / "run1.tar.gz")
    assert [d["iteration"] for d in found] == [1]
    (entry,) = (base / "rotation" / "ROTATION_LOG.jsonl").read_text().splitlines()
    assert json.loads(entry)["rotation"]["deleted"] == 2
    assert "| cleanup | SUMMARY | removed=2 ITER_SUMMARY files |" in lines


@pytest.mark.spec("07-14")
def test_a_dry_run_changes_nothing(tmp_path):
    base = tmp_path / "soak"
    soak_tree(base)
    before = sorted(str(p) for p in base.rglob("*"))
    rotate(base, RotationLimits(max_summaries=0, dry_run=True), lambda _line: None)
    assert sorted(str(p) for p in base.rglob("*")) == before


@pytest.mark.spec("07-14")
def test_a_missing_tree_and_a_full_one_are_told(tmp_path):
    lines: list[str] = []
    assert rotate(tmp_path / "none", RotationLimits(), lines.append) is None
    soak_tree(tmp_path / "soak")
    done = rotate(tmp_path / "soak", RotationLimits(max_size_mb=0), lines.append)
    assert done is not None
    assert not done.within_limit


@pytest.mark.spec("07-14", "07-D24")
def test_an_archive_that_does_not_read_back_costs_nothing(tmp_path, monkeypatch):
    base = tmp_path / "soak"
    snapshot = soak_tree(base)

    def forgetful(self, name, arcname=None, **_more):
        tarfile.TarFile.gettarinfo(self, str(name), arcname)

    monkeypatch.setattr(tarfile.TarFile, "add", forgetful)
    with pytest.raises(StoreError):
        rotate(base, RotationLimits(), lambda _line: None)
    assert (snapshot / "ITER_SUMMARY_1.json").exists()
    assert not (base / "snapshots" / "run1.tar.gz").exists()


def snapshots(mb_per_hour, hours, step_sec=300):
    return [
        {
            "timestamp_unix": 1e9 + t,
            "process_memory_mb": 100 + mb_per_hour * t / 3600,
            "process_cpu_percent": None,
            "disk_used_gb": 10 + t / 3600,
        }
        for t in range(0, int(hours * 3600) + 1, step_sec)
    ]


@pytest.mark.spec("07-15", "07-D25")
@pytest.mark.parametrize(
    ("rate", "hours", "leak"),
    [(10.5, 2.0, True), (9.5, 24.0, False), (500.0, 1.9, False), (-50.0, 3.0, False)],
)
def test_a_leak_is_ten_megabytes_an_hour_over_two_hours(rate, hours, leak):
    found = analyse(snapshots(rate, hours))
    assert found["memory"]["leak_detected"] is leak
    assert found["memory"]["leak_mb_per_hour"] == pytest.approx(rate)
    assert found["disk"]["growth_gb"] == pytest.approx(hours, abs=0.1)
    assert found["cpu"]["avg_percent"] is None


@pytest.mark.spec("07-15")
def test_the_first_half_hour_does_not_count():
    made = snapshots(0.0, 4.0)
    for s in made[:6]:
        s["process_memory_mb"] -= 90
    assert not analyse(made)["memory"]["leak_detected"]
    assert slope([(0.0, 1.0)]) is None
    assert analyse([])["duration_hours"] == 0.0


@pytest.mark.spec("07-15")
def test_the_monitor_writes_every_key_and_bad_lines_are_counted(tmp_path):
    path = tmp_path / "r.jsonl"
    count = monitor_for(path, interval_sec=0.01, duration_sec=0.0, pid=None, stop=lambda: False)
    assert count == 1
    with path.open("a") as file:
        file.write("{\n[]\n")
    found, skipped = read_snapshots(path)
    assert (len(found), skipped) == (1, 2)
    assert set(found[0]) == {
        *("timestamp_utc", "timestamp_unix", "cpu_percent", "cpu_count"),
        *("memory_total_mb", "memory_available_mb", "memory_used_mb", "memory_percent"),
        *("disk_total_gb", "disk_used_gb", "disk_free_gb", "disk_percent"),
        *("network_bytes_sent", "network_bytes_recv"),
        *("process_cpu_percent", "process_memory_mb", "process_memory_percent"),
        *("process_threads", "process_open_fds", "hostname", "platform", "python_version"),
    }


def test_a_process_that_is_gone_has_no_figures():
    found = ResourceMonitor(2**22 + 5).snapshot()
    assert found["process_memory_mb"] is None


@pytest.mark.spec("07-2")
def test_one_run_at_a_time_and_a_dead_one_is_taken_over(tmp_path, monkeypatch):
    path = tmp_path / "latest" / "soak.lock"
    with run_lock(path):
        held = json.loads(path.read_text())
        assert held["pid"] == os.getpid()
        path.write_text(json.dumps({**held, "pid": os.getppid()}))
        assert held_by_other(path)
        with pytest.raises(StoreError) as caught, run_lock(path):
            pass
        assert caught.value.code == "E_SOAK_LOCKED"
        past = path.stat().st_mtime - locks.STALE_SEC - 1
        os.utime(path, (past, past))
        assert not held_by_other(path)
    path.write_text(json.dumps({**held, "pid": 2**22 + 5}))
    with run_lock(path):
        pass
    assert not path.exists()


@pytest.mark.spec("07-17.6")
def test_the_plan_has_nights_daily_steps_and_saturdays():
    plan = make_plan(date(2026, 3, 2), 1)
    weekly = [s for s in plan if s.name in ("weekly_rollup", "kpi_gate")]
    assert {s.day for s in weekly} == {date(2026, 3, 7)}
    assert [s.name for s in plan[:4]] == ["night", "daily_check", "digest", "rotate"]
    assert len(plan) == 7 * 4 + 2
    first = plan_lines(plan, hours=8, econ=True)[0]
    assert first == "2026-03-02 night hours=8 econ=yes"


@pytest.mark.spec("07-17.6")
def test_a_missed_step_runs_once_and_a_missed_night_is_over():
    plan = make_plan(date(2026, 3, 2), 1)
    state = RunState({})
    step = due_step(plan, state, date(2026, 3, 4))
    assert step is not None
    assert step.key == "2026-03-02:daily_check"
    assert due_step(plan, state, date(2026, 3, 1)) is None
    assert not is_done(plan, state, date(2026, 3, 1))


@pytest.mark.spec("07-17.6")
def test_the_scheduler_resumes_and_stops_after_a_failed_weekly_gate(tmp_path):
    plan = make_plan(date(2026, 3, 2), 2)
    path = tmp_path / "LONG_RUN_STATE.json"
    today = date(2026, 3, 2)
    done: list[str] = []

    def scheduler(*, fails=(), die_at=None):
        def execute(step):
            if step.key == die_at:
                raise KeyboardInterrupt
            done.append(step.key)
            return step.name not in fails

        def wait():
            nonlocal today
            today = date.fromordinal(today.toordinal() + 1)
            return True

        return Scheduler(
            plan=plan,
            state_path=path,
            execute=execute,
            today=lambda: today,
            wait=wait,
            say=lambda _line: None,
        )

    with pytest.raises(KeyboardInterrupt):
        scheduler(die_at="2026-03-04:digest").run()
    state = scheduler(fails=("kpi_gate", "digest")).run()
    assert state.stopped
    assert len(set(done)) == len(done)
    assert done[-1] == "2026-03-07:kpi_gate"
    assert is_done(plan, state, today)


@pytest.mark.spec("07-7")
def test_warm_up_metrics_of_the_newest_iteration():
    made = [
        {
            "iteration": i,
            "phase": phase,
            "summary": {"net_bps": 1.5, "risk_ratio": None},
            "tuning": {"skipped_reason": reason, "applied_deltas": {}, "removed": {}},
        }
        for i, phase, reason in ((10, "RAMPDOWN", "no_op"), (9, "WARMUP", "no_op"))
    ]
    text = warmup_text(made)
    assert "warmup_iter_idx 10\n" in text
    assert "rampdown_active 1\n" in text
    assert 'soak_phase{phase="RAMPDOWN"} 1\n' in text
    assert 'soak_guard_triggers_total{type="no_op"} 2\n' in text
    assert "soak_risk_ratio " not in text.replace("TYPE soak_risk_ratio ", "").replace(
        "HELP soak_risk_ratio ", ""
    )
    assert "warmup_exporter_error 0\n" in text
    assert "warmup_exporter_error 1\n" in warmup_text([])
