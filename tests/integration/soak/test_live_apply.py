"""The library call that applies one iteration's recorded changes."""

import json

import pytest

from mmbot.errors import InputError
from mmbot.soak.live_apply import apply_tuning_deltas
from mmbot.soak.parameters import Values
from mmbot.soak.paths import SoakPaths


@pytest.fixture
def paths(tmp_path):
    made = SoakPaths(tmp_path, tmp_path / "soak" / "latest")
    made.latest.mkdir(parents=True)
    made.overrides.write_text('{"tail_age_ms":650}')
    return made


def record(paths, iteration, deltas, **tuning):
    document = {
        "iteration": iteration,
        "run_id": "r",
        "summary": {"net_bps": 1.0},
        "tuning": {"deltas": deltas, "applied": False, **tuning},
    }
    paths.summary(iteration).write_text(json.dumps(document))


def overrides(paths):
    return json.loads(paths.overrides.read_bytes())


@pytest.mark.spec("07-9.2", "07-11", "07-D13")
def test_a_hundred_applications_change_the_overrides_once(paths):
    record(paths, 3, {"tail_age_ms": 30, "min_interval_ms": 5})
    first = apply_tuning_deltas(3, 10, paths=paths)
    assert first.applied
    # A parameter that the file lacks begins at its default.
    assert overrides(paths) == {"min_interval_ms": 75, "tail_age_ms": 680}
    once = paths.overrides.read_bytes()
    reasons = {apply_tuning_deltas(3, 10, paths=paths).skipped_reason for _ in range(99)}
    assert reasons <= {"same_signature", "already_applied"}
    assert paths.overrides.read_bytes() == once
    summary = json.loads(paths.summary(3).read_bytes())
    assert summary["tuning"]["applied"] is True


@pytest.mark.spec("07-9.2")
def test_equal_changes_of_a_later_iteration_pass(paths):
    for iteration in (3, 4):
        record(paths, iteration, {"tail_age_ms": 30})
        assert apply_tuning_deltas(iteration, 10, paths=paths).applied
    assert overrides(paths)["tail_age_ms"] == 710


@pytest.mark.spec("07-9.1/2", "07-11")
def test_the_last_iteration_changes_nothing(paths):
    record(paths, 10, {"tail_age_ms": 30})
    assert apply_tuning_deltas(10, 10, paths=paths).skipped_reason == "final_iteration"
    assert overrides(paths) == {"tail_age_ms": 650}


@pytest.mark.spec("07-9.1/3", "07-9.1/4", "07-11")
def test_cooldown_and_freeze_of_the_state_hold(paths):
    record(paths, 3, {"impact_cap_ratio": 0.005, "tail_age_ms": 30})
    state = {"version": 1, "run_id": "r", "cooldown_until_iter": 3}
    paths.state.write_text(json.dumps(state))
    assert apply_tuning_deltas(3, 10, paths=paths).skipped_reason == "cooldown_active"
    paths.state.write_text(json.dumps({"frozen_until_iter": 3}))
    assert apply_tuning_deltas(3, 10, paths=paths).applied
    assert overrides(paths) == {"tail_age_ms": 680}


@pytest.mark.spec("07-11")
def test_without_an_acknowledgement_the_file_is_as_before(paths):
    record(paths, 3, {"tail_age_ms": 30})
    before = paths.overrides.read_bytes()
    done = apply_tuning_deltas(3, 10, paths=paths, push=lambda _values: False)
    assert (done.applied, done.skipped_reason) == (False, "apply_failed")
    assert paths.overrides.read_bytes() == before
    pushed: list[Values] = []

    def push(values: Values) -> bool:
        pushed.append(values)
        return True

    done = apply_tuning_deltas(3, 10, paths=paths, push=push)
    assert done.applied
    assert pushed[0]["tail_age_ms"] == 680


@pytest.mark.spec("07-11", "07-9.7")
def test_changes_end_at_the_hard_range(paths):
    record(paths, 3, {"tail_age_ms": 9000})
    assert apply_tuning_deltas(3, 10, paths=paths).values["tail_age_ms"] == 1000


def test_a_missing_record_is_an_error(paths):
    with pytest.raises(InputError):
        apply_tuning_deltas(1, 10, paths=paths)
