"""The counters of a session's parts, as faults: the one place that knows where each is counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from mmbot.trading.live.fault_kinds import ALL_SYMBOLS, Fault, FaultKind
from mmbot.trading.live.holds import HoldReason
from mmbot.trading.reconcile import OrderState
from mmbot.units import NS_PER_MS
from mmbot.venues.failures import FailureKind, Operation, VenueCodes

if TYPE_CHECKING:
    from mmbot.trading.live.shell import Shell

__all__ = ["FaultSources", "failure_kind"]

_TOO_MANY_REQUESTS: Final = 429
_OPERATIONS: Final = {
    "place": Operation.CREATE,
    "amend": Operation.AMEND,
    "cancel": Operation.CANCEL,
    "query": Operation.QUERY,
}
# What ends with a hold of its own name.
_ENDS_WITH: Final = {
    FaultKind.CLOCK_OFF: HoldReason.CLOCK,
    FaultKind.REJECT_TRIPS: HoldReason.REJECTS,
}


def failure_kind(operation: str, label: str, codes: VenueCodes) -> FaultKind:
    """The kind of fault that a failed call is.

    Args:
        operation: ``place``, ``amend``, ``cancel`` or ``query``.
        label: as of `mmbot.venues.failures.Failure`.
        codes: of the venue.
    """
    if label == FailureKind.BUDGET.value:
        return FaultKind.BUDGET_REFUSED
    word, _, number = label.rpartition("_")
    found = None
    if word == FailureKind.HTTP.value and number.isdigit():
        found = _kind_of_status(int(number), codes)
    elif label.lstrip("-").isdigit():
        found = _kind_of_code(int(label), _OPERATIONS[operation], codes)
    if found is not None:
        return found
    return FaultKind.QUERIES_FAILED if operation == "query" else FaultKind.REQUESTS_FAILED


def _failure(operation: str, label: str, codes: VenueCodes) -> Fault:
    kind = failure_kind(operation, label, codes)
    return Fault(kind, "" if kind is FaultKind.BUDGET_REFUSED else label)


def _kind_of_status(status: int, codes: VenueCodes) -> FaultKind | None:
    if status == _TOO_MANY_REQUESTS:
        return FaultKind.RATE_LIMITED
    return FaultKind.BANS if status in codes.session_http else None


def _kind_of_code(code: int, operation: Operation, codes: VenueCodes) -> FaultKind | None:
    if code in codes.rate_limit:
        return FaultKind.RATE_LIMITED
    if code in codes.session_refused:
        return FaultKind.KEY_REFUSED
    return FaultKind.REQUEST_RACES if codes.is_benign(code, operation) else None


class FaultSources:
    """Reads a shell; see `mmbot.trading.live.fault_book.FaultReader`."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._unclear = 0
        self._unknown = 0

    def counts(self) -> Mapping[Fault, int]:
        """How often each fault occurred so far."""
        found: dict[Fault, int] = {}
        for fault, count in self._all():
            if count > 0:
                found[fault] = found.get(fault, 0) + count
        return found

    def goes_on(self, fault: Fault) -> bool:
        """Whether a fault that occurred is not over."""
        shell, kind = self._shell, fault.kind
        symbol = None if fault.symbol == ALL_SYMBOLS else fault.symbol
        match kind:
            case FaultKind.SOCKET_LOST:
                is_so = fault.detail.partition(".")[0] in shell.port.faults.down
            case FaultKind.MARKET_GAPS | FaultKind.SEQUENCE_GAPS | FaultKind.CROSSED_BOOKS:
                named = shell.plan.symbols if symbol is None else (symbol,)
                is_so = not all(shell.desk.core.snapshot(one)["synced"] for one in named)
            case FaultKind.REQUESTS_UNKNOWN:
                is_so = self._unknown > 0
            case FaultKind.HOLDS:
                is_so = shell.holds.has(HoldReason(fault.detail), symbol)
            case FaultKind.JOURNAL_WRITE_FAILURES:
                is_so = shell.desk.disk_error is not None
            case FaultKind.LIMITS_CUT:
                is_so = shell.heard.cut is not None
            case FaultKind.SESSION_FATAL:
                is_so = True
            case _:
                reason = _ENDS_WITH.get(kind)
                is_so = reason is not None and shell.holds.has(reason, symbol)
        return is_so

    def text(self, fault: Fault) -> str:
        """What there is to say about it beside its name."""
        shell = self._shell
        match fault.kind:
            case FaultKind.HOLDS:
                return shell.holds.text(HoldReason(fault.detail))
            case FaultKind.SESSION_FATAL:
                return shell.fatal or ""
            case FaultKind.LOOP_STALLS:
                return f"longest_ms={shell.heard.longest_stall_ns // NS_PER_MS}"
            case FaultKind.JOURNAL_WRITE_FAILURES:
                return str(shell.desk.disk_error or "")
            case _:
                return ""

    def _all(self) -> Iterator[tuple[Fault, int]]:
        yield from self._connections()
        yield from self._market()
        yield from self._failures()
        yield from self._requests()
        yield from self._orders()
        yield from self._process()

    def _connections(self) -> Iterator[tuple[Fault, int]]:
        faults = self._shell.port.faults
        for (stream, reason), count in faults.lost.items():
            yield Fault(FaultKind.SOCKET_LOST, f"{stream}.{reason}"), count
        by_stream = {
            FaultKind.SOCKET_RECONNECTS: faults.reconnects,
            FaultKind.FRAMES_UNREADABLE: faults.unreadable,
            FaultKind.INBOX_OVERFLOWS: faults.overflows,
        }
        for kind, counts in by_stream.items():
            for stream, count in counts.items():
                yield Fault(kind, stream), count
        yield Fault(FaultKind.LATE_ANSWERS), faults.late_answers
        yield Fault(FaultKind.HEDGED_CANCELS), faults.hedged_cancels
        yield Fault(FaultKind.CLOCK_STEPS), faults.clock_steps
        yield Fault(FaultKind.CLOCK_OFF), faults.clock_off
        yield Fault(FaultKind.BUDGET_WAIT_MS), faults.budget_waited_ns // NS_PER_MS

    def _market(self) -> Iterator[tuple[Fault, int]]:
        shell = self._shell
        gaps = shell.ear.gaps
        for (reason, symbol), count in gaps.items():
            yield Fault(FaultKind.MARKET_GAPS, reason.value, symbol), count
        for symbol in shell.plan.symbols:
            counts = shell.desk.core.feed_counts(symbol)
            yield Fault(FaultKind.SEQUENCE_GAPS, "", symbol), counts["gaps"]
            yield Fault(FaultKind.SEQUENCE_DUPLICATES, "", symbol), counts["duplicates"]
            yield Fault(FaultKind.FRAMES_REJECTED, "", symbol), counts["rejected"]
            yield Fault(FaultKind.BOOK_SNAPSHOTS, "", symbol), counts["snapshots"] - 1
            told = sum(n for (_, one), n in gaps.items() if one in {ALL_SYMBOLS, symbol})
            yield Fault(FaultKind.CROSSED_BOOKS, "", symbol), counts["lost"] - told

    def _failures(self) -> Iterator[tuple[Fault, int]]:
        shell, codes = self._shell, self._shell.plan.codes
        for (operation, label), count in shell.sender.counters.failures.items():
            yield _failure(operation, label, codes), count
        for label, count in shell.asker.counters.failures.items():
            yield _failure("query", label, codes), count

    def _requests(self) -> Iterator[tuple[Fault, int]]:
        shell = self._shell
        sent, gate = shell.sender.counters, shell.gate
        if self._unknown or sent.unclear != self._unclear:
            self._unclear = sent.unclear
            orders = shell.desk.ledger.open_orders
            self._unknown = sum(one.state is OrderState.UNKNOWN for one in orders)
        yield Fault(FaultKind.REQUESTS_UNKNOWN), sent.unclear
        yield Fault(FaultKind.REQUESTS_RESOLVED), sent.unclear - self._unknown
        yield Fault(FaultKind.REQUEST_BACKOFFS), sent.backoff.waits
        yield Fault(FaultKind.LATE_REQUESTS), gate.late
        yield Fault(FaultKind.GATED_REQUESTS), gate.gated
        yield Fault(FaultKind.REFUSED_REQUESTS), sum(shell.brake.refusals.values())
        yield Fault(FaultKind.REJECT_TRIPS), shell.brake.trips

    def _orders(self) -> Iterator[tuple[Fault, int]]:
        shell = self._shell
        asked, source, recovery = shell.asker.counters, shell.source, shell.recovery
        foreign = shell.foreign.seen | asked.closed
        yield Fault(FaultKind.ORDERS_NOT_FOUND), asked.not_found
        yield Fault(FaultKind.ORDERS_LOST), asked.lost_orders
        yield Fault(FaultKind.FILLS_HEALED), asked.fills_healed
        yield Fault(FaultKind.FOREIGN_ORDERS), len(foreign)
        yield Fault(FaultKind.STALE_ORDER_UPDATES), source.stale_updates
        yield Fault(FaultKind.DUPLICATE_EXECUTIONS), source.duplicate_executions
        if recovery is not None:
            yield Fault(FaultKind.ORDERS_ADOPTED), recovery.adopted

    def _process(self) -> Iterator[tuple[Fault, int]]:
        shell, opened = self._shell, self._shell.opened
        for (reason, symbol), count in shell.holds.counts.items():
            yield Fault(FaultKind.HOLDS, reason.value, symbol), count
        yield Fault(FaultKind.LIMITS_CUT), shell.heard.limit_cuts
        yield Fault(FaultKind.LOOP_STALLS), shell.heard.stalls
        yield Fault(FaultKind.JOURNAL_WRITE_FAILURES), opened.writer.metrics.write_fail_total
        yield Fault(FaultKind.JOURNAL_TORN), opened.torn_records
        yield Fault(FaultKind.CHECKPOINTS_DAMAGED), opened.damaged_checkpoints
        yield Fault(FaultKind.SESSIONS_RESUMED), int(opened.is_resumed)
        yield Fault(FaultKind.SESSION_ENDED, shell.reason), int(shell.is_ending)
        yield Fault(FaultKind.SESSION_FATAL), int(shell.fatal is not None)
