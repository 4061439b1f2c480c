"""The terminal view of a session: pure panels, one layout, one live display."""
