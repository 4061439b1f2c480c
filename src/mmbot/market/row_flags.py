"""Flags of a chunk's rows as numbers, see `mmbot.core.EventChunk`."""

from typing import Final

__all__ = ["GAP", "KIND_MASK", "LAST_SHIFT", "RESET", "SIDE_SHIFT", "TRADE"]

KIND_MASK: Final = 3
TRADE: Final = 1
RESET: Final = 2
GAP: Final = 3
SIDE_SHIFT: Final = 2
LAST_SHIFT: Final = 3
