"""``/admin/autopolicy``: the level of calmer quoting."""
