"""``/admin/throttle/..``: request windows of the session, saved and loaded."""
