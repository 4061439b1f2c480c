"""High-water mark and calibration survive a restart, to the last bit."""

import pytest
from tests.unit.portfolio.worlds import inputs, observe, params, settings

from mmbot.portfolio import AllocatorState, CalibrationBook, tick
from mmbot.portfolio.snapshots import (
    allocator_path,
    cost_calib_path,
    hwm_from_payload,
    load_calibration,
    load_hwm_usd,
    restore_calibration,
    restore_hwm_usd,
    save_calibration,
    save_hwm_usd,
)
from mmbot.store.snapshots import SnapshotError, read_snapshot, write_snapshot


@pytest.mark.spec("03-4", "03-10")
def test_a_reloaded_high_water_mark_continues_identically(tmp_path):
    path = tmp_path / "allocator_hwm.json"
    first = tick(settings(), AllocatorState(), inputs(equity_usd=10_000.0 / 3)).state
    save_hwm_usd(path, first.hwm_equity_usd)
    assert read_snapshot(path) == {"hwm_equity_usd": 10_000.0 / 3, "version": 1}
    reloaded = AllocatorState(hwm_equity_usd=load_hwm_usd(path))
    after = inputs(1.0, equity_usd=3_000.0)
    kept = AllocatorState(hwm_equity_usd=first.hwm_equity_usd)
    assert tick(settings(), reloaded, after) == tick(settings(), kept, after)


@pytest.mark.spec("03-4")
@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({}, "invalid_payload"),
        ({"hwm_equity_usd": 1.0, "version": 1, "more": 1}, "invalid_payload"),
        ({"hwm_equity_usd": 1.0, "version": 2}, "invalid_version"),
        ({"hwm_equity_usd": -1.0, "version": 1}, "invalid_hwm_equity_usd"),
        ({"hwm_equity_usd": True, "version": 1}, "invalid_hwm_equity_usd"),
        ({"hwm_equity_usd": "1", "version": 1}, "invalid_hwm_equity_usd"),
    ],
)
def test_another_payload_is_refused_by_name_and_set_aside_at_start(tmp_path, payload, reason):
    with pytest.raises(SnapshotError) as caught:
        hwm_from_payload(payload)
    assert (caught.value.reason, caught.value.is_damage) == (reason, False)
    path = tmp_path / "x.json"
    write_snapshot(path, payload)
    found = restore_hwm_usd(path)
    assert found.refused is not None
    assert found.refused.reason == reason
    assert not path.exists()


@pytest.mark.spec("03-5.3", "03-10")
def test_a_reloaded_calibration_continues_identically(tmp_path):
    told, path = params(calib_min_samples=1), tmp_path / "cost_calib.json"
    book = CalibrationBook().apply({"symbols": {"BBB": {"cap_eff_bps": 9.5}}})
    for slip in (1 / 3, -2.7, 1e-7):
        book = observe(book, slip, told)
    save_calibration(path, book)
    assert load_calibration(path) == book
    again = restore_calibration(path).value
    assert again == book
    assert observe(again, 0.1, told) == observe(book, 0.1, told)


@pytest.mark.spec("03-5.3")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 2}, "invalid_payload"),
        ({"symbols": []}, "invalid_symbols"),
        ({"symbols": {"AAA": {}}}, "invalid_symbols"),
        ({"symbols": {"AAA": {"override": {"k_eff": -1}, "state": None}}}, "invalid_symbols"),
    ],
)
def test_a_calibration_with_other_fields_is_refused_as_a_whole(tmp_path, change, reason):
    path = tmp_path / "x.json"
    write_snapshot(path, {**observe(CalibrationBook(), 1.0, params()).snapshot(), **change})
    with pytest.raises(SnapshotError) as caught:
        load_calibration(path)
    assert (caught.value.reason, caught.value.is_damage) == (reason, False)


@pytest.mark.spec("05-7")
def test_files_lie_among_the_artifacts(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path))
    assert allocator_path() == tmp_path / "allocator_hwm.json"
    assert cost_calib_path() == tmp_path / "cost_calib.json"
