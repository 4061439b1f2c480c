"""Hourly summaries of a session: events in, files out, counters as data.

Runs off the trading loop: `add` only counts, `write_closed` does the IO. An hour that could not be
written stays: after a failed check for one retry, after a lock or disk error until it works, at
most `PENDING_MAX` hours a symbol.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mmbot.clock import artifact_ns
from mmbot.market.summaries.accumulator import HourAccumulator, HourStats
from mmbot.market.summaries.build import SummaryOptions, SummaryOrigin, build_summary
from mmbot.market.summaries.events import OrderEvent
from mmbot.market.summaries.writer import SummaryWriter, WriteOutcome, WriteStatus

__all__ = ["PENDING_MAX", "SummaryCounters", "SummaryRecorder"]

# A week of hours: a disk that is full for longer has an operator who knows.
PENDING_MAX: Final = 168
_ATTEMPTS_INVALID: Final = 2
_DONE: Final = frozenset(
    {WriteStatus.WRITTEN, WriteStatus.MERGED, WriteStatus.SKIPPED, WriteStatus.DUPLICATE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryCounters:
    """Totals of one symbol.

    Attributes:
        written: ``summaries_written_total``.
        pruned: ``summaries_pruned_total``.
        errors: ``summary_write_errors_total``.
        skipped: hours left as they were, because the file exists or holds the segment already.
        dropped: hours given up.
        late: events of hours that were closed.
        unusable: values that were not finite or negative.
        pending: hours waiting for another try.
    """

    written: int = 0
    pruned: int = 0
    errors: int = 0
    skipped: int = 0
    dropped: int = 0
    late: int = 0
    unusable: int = 0
    pending: int = 0


@dataclass(slots=True)
class _Pending:
    stats: HourStats
    invalid: int = 0


class _Symbol:
    def __init__(self, bins_max_bps: int) -> None:
        self.hours = HourAccumulator(bins_max_bps=bins_max_bps)
        self.pending: list[_Pending] = []
        self.counts: defaultdict[str, int] = defaultdict(int)


class SummaryRecorder:
    """Summaries of all symbols of one session.

    Args:
        writer: where they go.
        options: the same as the writer's.
        origin: commit, configuration and session id.
        generated_ns: the artifact clock.
    """

    def __init__(
        self,
        writer: SummaryWriter,
        options: SummaryOptions,
        origin: SummaryOrigin,
        *,
        generated_ns: Callable[[], int] = artifact_ns,
    ) -> None:
        self._writer = writer
        self._options = options
        self._origin = origin
        self._generated_ns = generated_ns
        self._symbols: dict[str, _Symbol] = {}

    def add(self, symbol: str, event: OrderEvent) -> None:
        """Count one event of `symbol`."""
        name = symbol.upper()
        entry = self._symbols.get(name)
        if entry is None:
            entry = self._symbols[name] = _Symbol(self._options.bins_max_bps)
        entry.hours.add(event)

    def write_closed(self, now_ns: int) -> list[WriteOutcome]:
        """Write the hours that ended 60 s before event time `now_ns`, and those still waiting."""
        return self._write(lambda hours: hours.take_closed(now_ns))

    def close(self) -> list[WriteOutcome]:
        """Write all hours, the open one too; for the end of the session."""
        return self._write(HourAccumulator.take_all)

    def counters(self) -> dict[str, SummaryCounters]:
        """Totals by symbol."""
        return {
            name: SummaryCounters(
                **entry.counts,
                late=entry.hours.late,
                unusable=entry.hours.unusable,
                pending=len(entry.pending),
            )
            for name, entry in sorted(self._symbols.items())
        }

    def _write(self, take: Callable[[HourAccumulator], list[HourStats]]) -> list[WriteOutcome]:
        outcomes = []
        for name, entry in sorted(self._symbols.items()):
            entry.pending += [_Pending(stats) for stats in take(entry.hours)]
            waiting = []
            for pending in entry.pending:
                outcome = self._write_hour(name, pending.stats)
                outcomes.append(outcome)
                if not _settled(entry, pending, outcome):
                    waiting.append(pending)
            entry.counts["dropped"] += max(0, len(waiting) - PENDING_MAX)
            entry.pending = waiting[-PENDING_MAX:]
        return outcomes

    def _write_hour(self, symbol: str, stats: HourStats) -> WriteOutcome:
        return self._writer.write(
            symbol,
            stats.hour_ns,
            lambda: build_summary(
                symbol,
                stats,
                origin=self._origin,
                options=self._options,
                generated_at_ns=self._generated_ns(),
            ),
        )


def _settled(entry: _Symbol, pending: _Pending, outcome: WriteOutcome) -> bool:
    """Count the outcome; whether the hour needs no other try."""
    status = outcome.status
    entry.counts["errors"] += outcome.errors
    entry.counts["pruned"] += outcome.pruned.summaries
    entry.counts["written"] += status in {WriteStatus.WRITTEN, WriteStatus.MERGED}
    entry.counts["skipped"] += status in {WriteStatus.SKIPPED, WriteStatus.DUPLICATE}
    if status in _DONE:
        return True
    pending.invalid += status is WriteStatus.INVALID
    if pending.invalid < _ATTEMPTS_INVALID:
        return False
    entry.counts["dropped"] += 1
    return True
