"""What a live session keeps for the next one, and what becomes of it if that is damaged."""

import pytest
from tests.e2e.live_world import interrupt, is_replay_ok, until, world

from mmbot.store.snapshots import read_snapshot

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live")]

KEPT = ("throttle_snapshot.json", "allocator_hwm.json", "cost_calib.json")


@pytest.mark.spec("08-5.4", "02-8.4")
def test_a_new_session_takes_over_what_the_one_before_it_left_and_one_that_goes_on_does_not(
    tmp_path,
):
    with world(tmp_path, "--regime", "volatile") as one:
        done = one.run("--duration", "6s")
        assert done.returncode == 0, done.stderr
        for name in KEPT:
            assert read_snapshot(tmp_path / "artifacts" / name), name
        session = one.start_quoting()
        session.kill()
        session.communicate()
        session = one.start_quoting()
        code, _, err = interrupt(session)
        assert code == 0, err
        first, second = (
            [found["control"] for found in one.records(journal, "control")]
            for journal in one.journals()
        )
        assert first == ["stop"]
        assert second == ["throttle_load", "high_water_mark", "cost_calibration", "stop"]
        assert [is_replay_ok(line) for line in one.replays()] == [True, True]


def test_a_session_goes_on_without_its_damaged_checkpoints_and_says_so(tmp_path):
    with world(tmp_path, "--regime", "volatile") as one:
        session = one.start_quoting()
        (path,) = one.journals()
        until(lambda: list(path.glob("*.mms")))
        session.kill()
        session.communicate()
        for state in path.glob("*.mms"):
            data = bytearray(state.read_bytes())
            data[len(data) // 2] ^= 1
            state.write_bytes(bytes(data))
        session = one.start()
        until(lambda: one.is_trading(session))
        until(lambda: "checkpoints_damaged" in one.states()[0]["faults"])
        one.leaves("checkpoints_damaged", "sessions_resumed")
        until(one.open_orders)
        code, _, err = interrupt(session)
        assert code == 0, err
        assert all(is_replay_ok(line) for line in one.replays())
