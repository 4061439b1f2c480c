"""``/admin/execution/..``: the execution recorder and the replay of its files."""
