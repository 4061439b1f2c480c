"""``/admin/anti-stale-guard``: orders that are too old or left behind by the mid."""
