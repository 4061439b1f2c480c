"""Every admin function on a session that really trades."""

import json

import pytest
from tests.unit.core.sessions import World, config_of

from mmbot.api import AdminError
from mmbot.api.allocator import handlers as allocator
from mmbot.api.anti_stale.handlers import get_anti_stale, post_anti_stale
from mmbot.api.anti_stale.models import AntiStaleResult, StaleOrderAction
from mmbot.api.autopolicy.handlers import get_autopolicy, post_autopolicy
from mmbot.api.guard.handlers import get_guard, post_guard
from mmbot.api.running import RunningSession, SnapshotPaths
from mmbot.api.throttle import handlers as throttle
from mmbot.store.snapshots import read_snapshot, wrap, write_snapshot
from mmbot.telemetry.metrics import GIVEN
from mmbot.trading.snapshot_files import SnapshotCompanion
from mmbot.units import NS_PER_SEC

V1 = {
    "backoff_ms_max": 4200,
    "events_total": 17,
    "last_event_ts": "2025-01-01T00:00:05Z",
    "version": 1,
    "window_since": "2025-01-01T00:00:00Z",
}
SYMBOLS_OF = {"all": ("AUSDT", "BUSDT"), "AUSDT": (), "BUSDT": ()}
KINDS = ("throttle", "allocator", "cost_calib")


def paths_in(directory):
    return SnapshotPaths(
        throttle=directory / "throttle_snapshot.json",
        allocator=directory / "allocator_hwm.json",
        cost_calib=directory / "cost_calib.json",
        index=directory / "snapshots.json",
    )


class Running(World):
    def __init__(self, directory, *sets, symbols=("AUSDT",), warm_s=20.05):
        config = config_of(*sets, symbols=symbols)
        super().__init__(config)
        self.admin = RunningSession(self.engine, lambda: config, paths_in(directory))
        if warm_s:
            self.run(warm_s)


@pytest.fixture
def running(tmp_path):
    return Running(tmp_path)


@pytest.mark.spec("02-11.2")
def test_the_guard_is_paused_and_resumed_by_request(running):
    assert not get_guard(running.admin).paused_effective
    post_guard(running.admin, {"manual_override_pause": True})
    running.run(2)
    assert running.orders() == []
    answer = get_guard(running.admin)
    assert (answer.manual_override_pause, answer.paused_effective) == (True, True)
    assert answer.last_reason_bits == 128
    assert answer.last_change_ts == pytest.approx(running.now_ns / NS_PER_SEC - 2, abs=0.2)
    post_guard(running.admin, {"resume": True, "dry_run": True})
    running.run(2)
    assert running.orders()
    answer = get_guard(running.admin)
    assert (answer.manual_override_pause, answer.dry_run) == (False, True)


@pytest.mark.spec("02-10.2")
def test_autopolicy_is_set_reset_and_switched_off_by_request(running):
    assert post_autopolicy(running.admin, {"level": 99}).level == 3
    answer = get_autopolicy(running.admin)
    assert (answer.active, answer.level) == (1, 3)
    assert answer.effective.min_time_in_book_ms > 0
    assert answer.last_change_ts == pytest.approx(running.now_ns / NS_PER_SEC, abs=0.2)
    running.run(2)
    assert post_autopolicy(running.admin, {"reset": True}).changed
    assert get_autopolicy(running.admin).level == 0
    assert post_autopolicy(running.admin, {"enabled": False}).changed
    assert not post_autopolicy(running.admin, {"enabled": False}).changed
    post_autopolicy(running.admin, {"level": 2})
    assert get_autopolicy(running.admin).level == 0


@pytest.mark.spec("02-8.4")
def test_throttle_windows_go_out_and_come_back(running, tmp_path):
    payload = throttle.get_snapshot(running.admin)
    assert payload["version"] == 2
    assert "events_total" not in payload
    throttle.post_reset(running.admin)
    assert running.admin.state()["throttle"]["events_in_window_total"] == 0
    write_snapshot(tmp_path / "elsewhere.json", payload)
    body = {"path": str(tmp_path / "elsewhere.json")}
    throttle.post_load(running.admin, body, roots=[tmp_path])
    assert throttle.get_snapshot(running.admin) == payload
    throttle.post_load(running.admin, dict(wrap(payload)), roots=[])
    status = throttle.get_snapshot_status(running.admin)
    assert status.path == str(tmp_path / "throttle_snapshot.json")
    assert status.last_load_ts > 0
    assert status.last_write_ts == 0
    with pytest.raises(AdminError, match="invalid_payload"):
        throttle.post_load(running.admin, {**payload, "window_sec": 99}, roots=[])


@pytest.mark.spec("02-8.4")
def test_version_1_seeds_the_maximum_and_is_reported_until_the_first_request(running):
    throttle.post_load(running.admin, V1, roots=[])
    shown = throttle.get_snapshot(running.admin)
    assert shown["events_total"] == 17
    assert all(sum(ring["ring"]) == 0 for ring in shown["symbols"]["*"].values())
    assert running.admin.state()["throttle"]["backoff_ms_max_observed"] == 4200
    running.run(5)
    assert "events_total" not in throttle.get_snapshot(running.admin)


@pytest.mark.spec("03-4", "03-5.3")
def test_the_allocator_is_loaded_and_its_costs_are_overridden(running, tmp_path):
    running.run(40)
    hwm_usd = allocator.get_snapshot(running.admin).hwm_equity_usd
    assert hwm_usd >= 20_000
    body = {"hwm_equity_usd": 25_000.0, "version": 1}
    assert allocator.post_load(running.admin, body, roots=[]).snapshot.hwm_equity_usd == 25_000
    state = running.run(2)
    assert state["allocation"]["drawdown"] > 0.19
    assert state["allocation"]["soft_factor"] == 0.5
    assert allocator.get_snapshot_status(running.admin).last_load_ts > 0

    report = allocator.get_calibration(running.admin)
    assert report.samples["AUSDT"] >= 20
    applied = allocator.post_apply_calibration(
        running.admin, {"symbols": {"AUSDT": {"k_eff": 7.5}}}
    )
    assert applied.applied == {"AUSDT": {"cap_eff_bps": None, "k_eff": 7.5}}
    assert allocator.get_calibration(running.admin).k_eff == {"AUSDT": 7.5}
    snapshot = allocator.get_calibration_snapshot(running.admin)
    write_snapshot(tmp_path / "calib.json", snapshot)
    allocator.post_apply_calibration(running.admin, {"symbols": {"AUSDT": {"k_eff": None}}})
    assert allocator.get_calibration(running.admin).k_eff["AUSDT"] != 7.5
    loaded = allocator.post_load_calibration(
        running.admin, {"path": str(tmp_path / "calib.json")}, roots=[tmp_path]
    )
    assert loaded.applied["AUSDT"]["k_eff"] == 7.5
    assert allocator.get_calibration_snapshot(running.admin) == snapshot


@pytest.mark.spec("03-5.3")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([], "invalid_payload"),
        ({}, "invalid_payload"),
        ({"symbols": []}, "invalid_symbols"),
        ({"symbols": {"ZUSDT": {"k_eff": 1}}}, "invalid_symbols"),
        ({"symbols": {"AUSDT": {"k_eff": "1"}}}, "invalid_k_eff"),
        ({"symbols": {"AUSDT": {"cap_eff_bps": True}}}, "invalid_cap_eff_bps"),
        ({"symbols": {"AUSDT": {"k_eff": 1000.1}}}, "k_eff_out_of_range"),
        ({"symbols": {"AUSDT": {"k_eff": 1, "cap_eff_bps": -1}}}, "cap_eff_out_of_range"),
    ],
)
def test_a_refused_override_changes_nothing(tmp_path, body, reason):
    running = Running(tmp_path, warm_s=1)
    before = running.hashes()
    with pytest.raises(AdminError, match=reason):
        allocator.post_apply_calibration(running.admin, body)
    assert running.hashes() == before


@pytest.mark.spec("02-9")
def test_a_pass_of_the_anti_stale_guard_says_what_it_did(tmp_path):
    running = Running(
        tmp_path,
        "strategy.order_ttl_ms=50",
        "trading.quote_refresh_ms=900",
        symbols=("AUSDT", "BUSDT"),
    )
    settings = get_anti_stale(running.admin)
    assert (settings.enabled, settings.order_ttl_ms) == (True, 50)
    found: list[StaleOrderAction] = []
    for step in range(120):
        running.run(0.1)
        body = ({}, {"symbol": "ausdt"}, {"symbol": "BUSDT"})[step % 3]
        done = post_anti_stale(running.admin, body)
        assert isinstance(done, AntiStaleResult)
        assert done.symbol == ("all", "AUSDT", "BUSDT")[step % 3]
        assert done.ttl_cancels == len(done.actions)
        assert {action.symbol for action in done.actions} <= {done.symbol, *SYMBOLS_OF[done.symbol]}
        found += done.actions
    assert {action.symbol for action in found} == {"AUSDT", "BUSDT"}
    assert {action.reason for action in found} == {"ttl_expired"}
    cids = [action.client_order_id for action in found]
    assert len(set(cids)) == len(cids)
    orders = running.admin.state()["by_symbol"]["AUSDT"]["orders"]
    assert sum(orders["stale_ages_total"].values()) == orders["ttl_cancels_total"] > 0
    with pytest.raises(AdminError, match="invalid_symbol"):
        post_anti_stale(running.admin, {"symbol": "ZUSDT"})


def test_a_pass_before_the_first_data_does_nothing(tmp_path):
    running = Running(tmp_path, warm_s=0)
    assert post_anti_stale(running.admin, {}).actions == ()


@pytest.mark.spec("02-8.4", "03-4", "03-10")
def test_files_are_written_on_their_interval_and_taken_up_by_the_next_session(running, tmp_path):
    files = running.admin.files
    files.on_start(0)
    assert [file.loads for file in files.files] == [0, 0, 0]
    files.poll(26 * NS_PER_SEC)
    assert list(tmp_path.iterdir()) == []
    files.poll(34 * NS_PER_SEC)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "snapshots.json",
        "throttle_snapshot.json",
    ]
    running.run(30)
    files.on_stop(35 * NS_PER_SEC)
    assert [file.writes for file in files.files] == [2, 1, 1]
    assert set(files.counts()) <= GIVEN
    assert files.counts()["throttle_snapshot_writes_total"] == {(): 2}
    assert files.counts()["snapshot_integrity_fail_total"] == {(kind,): 0 for kind in KINDS}
    assert files.take_problems() == []
    index = json.loads((tmp_path / "snapshots.json").read_bytes())
    assert sorted(index["kinds"]) == sorted(KINDS)
    calibration = running.control.cost_calibration()
    assert read_snapshot(tmp_path / "cost_calib.json") == calibration
    assert read_snapshot(tmp_path / "throttle_snapshot.json") == running.control.throttle_snapshot()

    twins = [Running(tmp_path, warm_s=0) for _ in range(2)]
    for twin in twins:
        twin.admin.files.on_start(0)
        assert [file.loads for file in twin.admin.files.files] == [1, 1, 1]
        assert twin.control.cost_calibration() == calibration
        twin.run(20)
    assert twins[0].hashes() == twins[1].hashes()
    fresh = Running(tmp_path / "none", warm_s=20)
    assert fresh.hashes() != twins[0].hashes()


@pytest.mark.spec("05-7")
def test_a_damaged_file_is_set_aside_and_a_refused_one_changes_nothing(tmp_path):
    (tmp_path / "throttle_snapshot.json").write_bytes(b"{")
    write_snapshot(tmp_path / "allocator_hwm.json", {"hwm_equity_usd": -1.0, "version": 1})
    write_snapshot(tmp_path / "cost_calib.json", {"symbols": {"AUSDT": {}}, "version": 1})
    running = Running(tmp_path, warm_s=0)
    before = running.hashes()
    running.admin.files.on_start(0)
    assert running.hashes() == before
    files = running.admin.files.files
    assert [(file.loads_failed, file.integrity_failures) for file in files] == [
        (1, 1),
        (1, 0),
        (1, 0),
    ]
    assert len(running.admin.files.take_problems()) == 3
    assert running.admin.files.take_problems() == []
    assert all(".corrupt." in path.name for path in tmp_path.iterdir())


def test_a_disk_that_refuses_is_counted_and_tried_again(running, tmp_path):
    place = tmp_path / "throttle_snapshot.json"
    place.mkdir()
    (place / "x").write_bytes(b"")
    running.admin.files.on_stop(0)
    throttle_file = running.admin.file("throttle")
    assert (throttle_file.writes, throttle_file.writes_failed) == (0, 1)
    assert running.admin.file("allocator").writes == 1
    (place / "x").unlink()
    place.rmdir()
    running.admin.files.poll(40 * NS_PER_SEC)
    assert (throttle_file.writes, throttle_file.writes_failed) == (1, 1)


def test_a_companion_loads_before_the_first_data_and_writes_at_the_end(tmp_path):
    first = Running(tmp_path, warm_s=60.05)
    said: list[str] = []
    companion = SnapshotCompanion(first.admin.files, said.append)
    companion.begin(first.engine, first.now_ns)
    companion.step(first.engine, first.now_ns, [])
    assert list(tmp_path.iterdir()) == []
    companion.close(first.engine, first.now_ns, [])
    (tmp_path / "throttle_snapshot.json").write_bytes(b"")
    second = Running(tmp_path, warm_s=0)
    companion = SnapshotCompanion(second.admin.files, said.append)
    companion.begin(second.engine, second.now_ns)
    assert second.control.cost_calibration() == first.control.cost_calibration()
    assert len(said) == 1
    assert "invalid_payload" in said[0]
