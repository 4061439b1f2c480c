"""A trading session: market time that follows the wall clock, a screen, an orderly end."""
