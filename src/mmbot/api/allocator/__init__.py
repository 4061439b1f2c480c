"""``/admin/allocator/..``: high-water mark and cost calibration, saved, loaded and overridden."""
