"""The rails around tuning, as one ordered list.

A decision passes them from the first to the last. ``docs/soak-rails.md`` is printed from this list
by `mmbot.soak.rails.page`.
"""

from typing import Final

from mmbot.soak.rails.changes import CHANGE_RAILS
from mmbot.soak.rails.model import ChangeRail, EntryRail, ModeRail, Rail, SetRail
from mmbot.soak.rails.modes import ELIGIBILITY, FALLBACK, MULTI_FAIL, PANIC
from mmbot.soak.rails.sets import FROZEN_FIELDS, SET_RAILS, after_values, signature_of

__all__ = [
    "CHANGE_RAILS",
    "ELIGIBILITY",
    "FALLBACK",
    "FROZEN_FIELDS",
    "MULTI_FAIL",
    "PANIC",
    "RAILS",
    "SET_RAILS",
    "ChangeRail",
    "EntryRail",
    "ModeRail",
    "Rail",
    "SetRail",
    "after_values",
    "signature_of",
]

RAILS: Final[tuple[Rail, ...]] = (
    ELIGIBILITY,
    PANIC,
    FALLBACK,
    *CHANGE_RAILS,
    MULTI_FAIL,
    *SET_RAILS,
)
