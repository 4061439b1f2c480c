"""Quoting stops when a session cannot be written down, before that happens if it can be seen."""

from __future__ import annotations

import pytest
from tests.unit.trading.live.places import Place

from mmbot.errors import StoreError
from mmbot.trading.live.holds import HoldReason
from mmbot.trading.live.storage import StorageWatch
from mmbot.trading.storage_guard import StorageGuard, StorageLimits

SEC = 1_000_000_000


def watch_of(tmp_path, room=lambda _path: 10_000.0, lag=None):
    guard = StorageGuard(StorageLimits(min_free_mb=100, max_lag_records=50))
    return StorageWatch(guard, tmp_path, lag, room)


@pytest.mark.spec("08-5.4")
def test_quoting_stops_below_the_least_room_and_comes_back_with_a_tenth_more(tmp_path):
    place = Place()
    free = [0.0]
    watch = watch_of(tmp_path, lambda _path: free[0])
    seen = []
    for at, free_mb in enumerate([100, 99, 100, 109, 110.1, 105]):
        free[0] = free_mb
        place.look(watch, at * SEC)
        seen.append(place.holds.has(HoldReason.DISK))
    assert seen == [False, True, True, True, False, False]
    assert place.deaf == seen
    assert sum("E_STORE_DISK" in line for line in place.lines) == 1


@pytest.mark.spec("08-5.4")
@pytest.mark.parametrize(("code", "is_fatal"), [("E_STORE_DISK", False), ("E_STORE_JOURNAL", True)])
def test_a_journal_that_takes_nothing_holds_or_ends_the_session(tmp_path, code, is_fatal):
    place = Place()
    watch = watch_of(tmp_path)
    place.desk.disk_error = StoreError(code, "file=x", "cannot be used")
    place.look(watch)
    assert place.holds.has(HoldReason.JOURNAL)
    assert place.deaf == [True]
    assert bool(place.failed) == is_fatal
    place.desk.disk_error = None
    place.look(watch, SEC)
    assert not place.holds.held
    assert "| journal | OK | it is written again |" in place.lines


@pytest.mark.spec("08-5.4")
def test_a_journal_that_takes_what_it_refused_is_held_no_longer(tmp_path):
    place = Place()
    watch = watch_of(tmp_path)

    def write():
        place.desk.disk_error = None
        return True

    place.desk.disk_error, place.desk.write = StoreError("E_STORE_DISK", "x", "full"), write
    place.look(watch)
    assert not place.holds.held
    assert place.deaf == [False]


@pytest.mark.spec("08-5.4")
def test_a_store_that_is_too_far_behind_holds_quoting_and_not_the_market(tmp_path):
    place = Place()
    lag = [0]
    watch = watch_of(tmp_path, lag=lambda: lag[0])
    seen = []
    for lag[0] in (50, 51, 50):
        place.look(watch)
        seen.append(place.holds.has(HoldReason.STORE))
    assert seen == [False, True, False]
    assert not any(place.deaf)
    assert "E_STORE_LAG" in place.lines[0]


def test_one_reason_gives_way_to_another(tmp_path):
    place = Place()
    free, lag = [10.0], [99]
    watch = watch_of(tmp_path, lambda _path: free[0], lambda: lag[0])
    place.look(watch)
    assert [place.holds.has(one) for one in (HoldReason.DISK, HoldReason.STORE)] == [True, False]
    free[0] = 10_000.0
    place.look(watch, SEC)
    assert [place.holds.has(one) for one in (HoldReason.DISK, HoldReason.STORE)] == [False, True]
    lag[0] = 0
    place.look(watch, SEC)
    assert not place.holds.held
