"""A run that is killed at any stage and resumed neither loses nor doubles a change."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.integration.soak.runs import FROZEN, Killed, Lines, killer, run, tree
from tests.tidy.sources import ROOT

from mmbot.errors import StoreError
from mmbot.soak.parameters import DEFAULTS, TUNABLES
from mmbot.soak.stages import Stage

# Iteration 1 is regular, 2 a fallback, 3 a panic; 4 is in cooldown and applies nothing.
APPLYING = (1, 2, 3)
EVERY = [(stage, iteration) for stage in Stage for iteration in (1, 2, 3, 4)]
REACHED = [
    (stage, i)
    for stage, i in EVERY
    if i in APPLYING or stage not in (Stage.INTENDED, Stage.WRITTEN, Stage.ACKNOWLEDGED)
]


@pytest.fixture(autouse=True)
def _frozen(monkeypatch):
    for name, value in FROZEN.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    root = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in FROZEN.items():
            patch.setenv(name, value)
        run(root)
    return root


def summaries(root: Path) -> list[dict[str, Any]]:
    latest = root / "soak" / "latest"
    return [json.loads((latest / f"ITER_SUMMARY_{i}.json").read_bytes()) for i in range(1, 7)]


def replayed(root: Path) -> dict[str, float]:
    """The start values with every applied change added once."""
    values = dict(DEFAULTS)
    for summary in summaries(root):
        tuning = summary["tuning"]
        for name, delta in tuning["applied_deltas"].items():
            assert tuning["applied"]
            values[name] = TUNABLES[name].rounded(values[name] + delta)
    return values


def check_whole(root: Path) -> None:
    """One record and one entry per iteration, and the file is what the records add up to."""
    latest = root / "soak" / "latest"
    report = json.loads((latest / "TUNING_REPORT.json").read_bytes())
    assert [entry["iteration"] for entry in report] == [1, 2, 3, 4, 5, 6]
    assert [s["iteration"] for s in summaries(root)] == [1, 2, 3, 4, 5, 6]
    overrides = json.loads((root / "soak" / "runtime_overrides.json").read_bytes())
    assert overrides == replayed(root)
    state = json.loads((latest / "TUNING_STATE.json").read_bytes())
    assert state["pending"] is None
    assert state["last_iter"] == 6
    assert not (latest / "soak.lock").exists()


@pytest.mark.spec("07-10", "07-10/2")
@pytest.mark.parametrize(("stage", "iteration"), REACHED)
def test_a_kill_at_any_stage_loses_and_doubles_nothing(tmp_path, undisturbed, stage, iteration):
    with pytest.raises(Killed):
        run(tmp_path, reached=killer(stage, iteration))
    view = Lines()
    run(tmp_path, resume=True, view=view)
    check_whole(tmp_path)
    if stage is Stage.INTENDED:
        # Announced and not written: the change did not happen, and the record says so.
        tuning = summaries(tmp_path)[iteration - 1]["tuning"]
        assert (tuning["applied"], tuning["skipped_reason"]) == (False, "apply_failed")
        assert any("action=drop_pending" in line for line in view.lines)
        return
    ours, theirs = tree(tmp_path), tree(undisturbed)
    different = {name for name in ours if ours[name] != theirs.get(name)}
    # RUN.json tells the recovery; everything else is as if nothing had happened.
    assert different <= {"soak/latest/RUN.json"}
    assert set(ours) == set(theirs)


@pytest.mark.slow
@pytest.mark.parametrize("stage", list(Stage))
def test_a_process_that_dies_at_once_is_resumed_the_same_way(tmp_path, undisturbed, stage):
    died = subprocess.run(
        [sys.executable, "-m", "tests.integration.soak.dying_run", str(tmp_path), stage.name, "2"],
        cwd=ROOT,
        env={**os.environ, **FROZEN},
        check=False,
        capture_output=True,
    )
    assert died.returncode == 9, died.stderr
    run(tmp_path, resume=True)
    check_whole(tmp_path)
    if stage is not Stage.INTENDED:
        ours, theirs = tree(tmp_path), tree(undisturbed)
        assert {n for n in ours if ours[n] != theirs.get(n)} <= {"soak/latest/RUN.json"}


def test_two_kills_in_a_row_are_survived(tmp_path):
    with pytest.raises(Killed):
        run(tmp_path, reached=killer(Stage.WRITTEN, 1))
    with pytest.raises(Killed):
        run(tmp_path, resume=True, reached=killer(Stage.COMMITTED, 2))
    run(tmp_path, resume=True)
    check_whole(tmp_path)


@pytest.mark.parametrize("failing", range(1, 40, 3))
def test_a_full_disk_ends_the_run_and_a_resume_goes_on(tmp_path, monkeypatch, failing):
    """The n-th write of the run meets a full disk; nothing is half-written."""
    from mmbot.store import artifacts  # noqa: PLC0415

    count = 0
    replace = artifacts._replace

    def full(temp, path):
        nonlocal count
        count += 1
        if count == failing:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        replace(temp, path)

    monkeypatch.setattr(artifacts, "_replace", full)
    with pytest.raises(StoreError) as caught:
        run(tmp_path)
    assert caught.value.code == "E_STORE_DISK"
    monkeypatch.setattr(artifacts, "_replace", replace)
    assert not list(tmp_path.rglob("*.tmp.*"))
    run(tmp_path, resume=True)
    check_whole(tmp_path)


@pytest.mark.spec("07-10/5")
@pytest.mark.parametrize("damage", [None, b"{", b"[]", b'{"version":1}', b"\x00\xff"])
def test_a_damaged_state_is_put_aside_and_rebuilt_from_the_records(tmp_path, damage):
    with pytest.raises(Killed):
        run(tmp_path, reached=killer(Stage.MIRRORED, 3))
    state = tmp_path / "soak" / "latest" / "TUNING_STATE.json"
    before = json.loads(state.read_bytes())
    if damage is None:
        state.unlink()
    else:
        state.write_bytes(damage)
    view = Lines()
    with pytest.raises(Killed):
        run(tmp_path, resume=True, view=view, reached=killer(Stage.MEASURED, 4))
    after = json.loads(state.read_bytes())
    kept = ("last_iter", "neg_streak", "kpi_fail_streak", "cooldown_until_iter", "panic_count")
    assert {k: after[k] for k in kept} == {k: before[k] for k in kept}
    assert after["delta_history"] == before["delta_history"]
    assert after["last_applied_signature"] == before["last_applied_signature"]
    assert any("action=state_rebuilt iter=3" in line for line in view.lines)
    aside = list(state.parent.glob("TUNING_STATE.json.corrupt.20260301T000000Z"))
    assert len(aside) == (damage is not None)
    run(tmp_path, resume=True)
    check_whole(tmp_path)


@pytest.mark.spec("07-10/5")
def test_without_any_record_the_state_starts_with_a_cooldown(tmp_path):
    with pytest.raises(Killed):
        run(tmp_path, reached=killer(Stage.MEASURED, 1))
    state = tmp_path / "soak" / "latest" / "TUNING_STATE.json"
    state.write_bytes(b"?")
    run(tmp_path, resume=True)
    assert summaries(tmp_path)[0]["tuning"]["skipped_reason"] == "cooldown_active"


@pytest.mark.spec("07-10/4")
def test_an_edit_of_the_operator_is_accepted_and_watched_for_two_iterations(tmp_path):
    with pytest.raises(Killed):
        run(tmp_path, reached=killer(Stage.MIRRORED, 4))
    path = tmp_path / "soak" / "runtime_overrides.json"
    edited = {**json.loads(path.read_bytes()), "tail_age_ms": 5000}
    path.write_text(json.dumps(edited))
    view = Lines()
    run(tmp_path, resume=True, view=view)
    assert any("action=accept_edit" in line for line in view.lines)
    assert "| runtime_override | CLAMP | FIELD=tail_age_ms FROM=5000 TO=1000 |" in view.lines
    made = summaries(tmp_path)
    assert made[4]["overrides"]["tail_age_ms"] == 1000
    assert made[4]["tuning"]["skipped_reason"] == "cooldown_active"
    assert json.loads(path.read_bytes())["tail_age_ms"] == 5000


@pytest.mark.spec("07-10/4", "07-9.7")
@pytest.mark.parametrize("content", [None, b"{", b'{"tail_age_ms":"much"}', b'{"tail_age_ms":NaN}'])
def test_unusable_overrides_are_restored_from_the_last_good_ones(tmp_path, content):
    with pytest.raises(Killed):
        run(tmp_path, reached=killer(Stage.MIRRORED, 4))
    path = tmp_path / "soak" / "runtime_overrides.json"
    good = json.loads(path.read_bytes())
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    view = Lines()
    with pytest.raises(Killed):
        run(tmp_path, resume=True, view=view, reached=killer(Stage.MEASURED, 5))
    assert json.loads(path.read_bytes()) == good
    assert any("action=restore_last_good" in line for line in view.lines)


@pytest.mark.spec("07-9.7")
def test_overrides_damaged_while_the_run_goes_on_are_restored_and_counted(tmp_path):
    path = tmp_path / "soak" / "runtime_overrides.json"

    def spoil(stage, iteration):
        if (stage, iteration) == (Stage.MIRRORED, 3):
            path.write_text('{"min_interval_ms":"fast"}')

    view = Lines()
    run(tmp_path, view=view, reached=spoil)
    assert "| sanity | FAIL | min_interval_ms=fast outside bounds [40, 300] |" in view.lines
    state = json.loads((tmp_path / "soak" / "latest" / "TUNING_STATE.json").read_bytes())
    assert state["sanity_failures"] == 1
    check_whole(tmp_path)


@pytest.mark.spec("07-10/6")
def test_records_behind_the_state_are_written_again_and_gaps_are_named(tmp_path):
    with pytest.raises(Killed):
        run(tmp_path, reached=killer(Stage.MIRRORED, 4))
    latest = tmp_path / "soak" / "latest"
    newest = (latest / "ITER_SUMMARY_4.json").read_bytes()
    (latest / "ITER_SUMMARY_4.json").unlink()
    (latest / "ITER_SUMMARY_2.json").unlink()
    (latest / "TUNING_REPORT.json").unlink()
    run(tmp_path, resume=True)
    assert (latest / "ITER_SUMMARY_4.json").read_bytes() == newest
    recovery = json.loads((latest / "RUN.json").read_bytes())["recovery"]
    assert recovery == [
        {"actions": ["rebuild_summary", "rebuild_report"], "gaps": [2], "iteration": 4}
    ]
