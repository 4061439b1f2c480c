"""When to trade: windows of the configuration as instants, and windows that the data suggest.

What reads the data is in `recorded`, which a session that trades does not load.
"""

from mmbot.trading.schedule.hours import OpenHours
from mmbot.trading.schedule.suggest import (
    MODES,
    SlotStats,
    Suggestion,
    SuggestMode,
    SuggestRequest,
    rank_slots,
    score,
    windows_of,
)
from mmbot.trading.schedule.windows import OpenWindow, open_windows

__all__ = [
    "MODES",
    "OpenHours",
    "OpenWindow",
    "SlotStats",
    "SuggestMode",
    "SuggestRequest",
    "Suggestion",
    "open_windows",
    "rank_slots",
    "score",
    "windows_of",
]
