"""The command line: one module per command group; `wire` builds everything concrete."""
