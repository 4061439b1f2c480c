"""The thread that syncs: once for many appends, never for none, and it always ends."""

import threading

from mmbot.store.journal.group_sync import GroupSync
from mmbot.units import NS_PER_MS


def test_many_appends_are_covered_by_one_sync():
    synced = threading.Semaphore(0)
    group = GroupSync(synced.release, 200 * NS_PER_MS)
    for _ in range(1000):
        group.notify()
    assert synced.acquire(timeout=30)
    group.close()
    assert not synced.acquire(blocking=False)


def test_nothing_is_synced_when_nothing_was_appended():
    calls = []
    group = GroupSync(lambda: calls.append(1), 1)
    group.close()
    assert calls == []


def test_closing_between_the_wait_and_the_sync_ends_the_thread():
    group = GroupSync(lambda: None, 1)

    class ClosedMeanwhile(threading.Event):
        def clear(self):
            group._stop.set()
            self.set()
            super().clear()

    old, group._dirty = group._dirty, ClosedMeanwhile()
    group._dirty.set()
    old.set()
    group._thread.join(30)
    assert not group._thread.is_alive()


def test_the_first_error_is_kept_and_ends_the_thread():
    error = OSError(5, "Input/output error")

    def sync():
        raise error

    group = GroupSync(sync, 1)
    group.notify()
    group._thread.join(30)
    assert group.error is error
    group.close()
