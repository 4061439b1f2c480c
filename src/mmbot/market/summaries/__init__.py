"""Hourly research summaries: schema e1.1, upgrade and check, writing, merging, retention."""

from mmbot.market.summaries.accumulator import HourAccumulator, HourStats
from mmbot.market.summaries.build import (
    SummaryOptions,
    SummaryOrigin,
    build_summary,
    merge_summaries,
)
from mmbot.market.summaries.columns import hours_from_columns
from mmbot.market.summaries.recorder import SummaryCounters, SummaryRecorder
from mmbot.market.summaries.schema import (
    HourlySummary,
    read_summary,
    upgrade_summary,
    validate_summary_payload,
)
from mmbot.market.summaries.writer import SummaryWriter, WriteOutcome, WriteStatus, summary_path

__all__ = [
    "HourAccumulator",
    "HourStats",
    "HourlySummary",
    "SummaryCounters",
    "SummaryOptions",
    "SummaryOrigin",
    "SummaryRecorder",
    "SummaryWriter",
    "WriteOutcome",
    "WriteStatus",
    "build_summary",
    "hours_from_columns",
    "merge_summaries",
    "read_summary",
    "summary_path",
    "upgrade_summary",
    "validate_summary_payload",
]
