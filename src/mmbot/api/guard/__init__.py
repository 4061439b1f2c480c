"""``/admin/guard``: the runtime guard, and resuming after pauses and kills."""
