"""Every fault leaves a counter that is exact, and few lines in the audit.

Nothing reports here. Whoever meets a fault counts it where it happens, and twice a second all
counters are read (`FaultSources`): a storm of thousands costs the trading path nothing and
makes no more lines than one fault.

A fault that occurs for the first time begins an episode; it ends once the fault neither occurred
again nor went on for `QUIET_NS`. Each begin and each end is one line::

    {"kind":"FAULT","symbol":"BTCUSDT","fields":{"name":"market_gaps","detail":"lagging",
     "event":"begin","count":1,"total":3}}

``count`` is that of the episode and ``total`` that of the process; ``end`` also tells
``duration_ms``, from the first occurrence to the last sign. What still goes on when the session
ends is ``unresolved`` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from mmbot.store.audit_chain import AuditRecord
from mmbot.trading.live.fault_kinds import COUNTED_ONLY, Fault
from mmbot.units import NS_PER_MS, NS_PER_SEC

if TYPE_CHECKING:
    from mmbot.trading.live.shell import Shell

__all__ = ["FAULTS_MAX", "QUIET_NS", "FaultBook", "FaultReader", "FaultWatch", "fault_record"]

# Longer than a reconnect takes: a connection that comes and goes is one episode.
QUIET_NS: Final = 10 * NS_PER_SEC
# Reading takes about as long as a snapshot of the core.
_LOOK_NS: Final = NS_PER_SEC // 2
# A venue could make up error codes for ever; beyond this many faults new ones are not told.
FAULTS_MAX: Final = 2_000


class FaultReader(Protocol):
    """The counters of a session."""

    def counts(self) -> Mapping[Fault, int]:
        """How often each fault occurred so far; a count never goes back."""

    def goes_on(self, fault: Fault) -> bool:
        """Whether a fault that occurred is not over."""

    def text(self, fault: Fault) -> str:
        """What there is to say about it beside its name."""


@dataclass(slots=True)
class _Episode:
    begun_ns: int
    seen_ns: int
    count: int


@dataclass(slots=True)
class FaultBook:
    """Totals and episodes; pure."""

    _totals: dict[Fault, int] = field(default_factory=dict)
    _episodes: dict[Fault, _Episode] = field(default_factory=dict)

    @property
    def totals(self) -> dict[str, int]:
        """How often each fault occurred, over all symbols, by the name of its counter."""
        found: dict[str, int] = {}
        for fault, count in sorted(self._totals.items()):
            found[fault.name] = found.get(fault.name, 0) + count
        return found

    @property
    def going_on(self) -> dict[str, int]:
        """Episodes that have not ended: when the oldest of each name began."""
        found: dict[str, int] = {}
        for fault, episode in sorted(self._episodes.items()):
            found[fault.name] = min(found.get(fault.name, episode.begun_ns), episode.begun_ns)
        return found

    def take(self, reader: FaultReader, now_ns: int) -> list[AuditRecord]:
        """Look at the counters; the lines that follow."""
        lines = [
            self._begun(fault, count, reader.text(fault), now_ns)
            for fault, count in reader.counts().items()
            if self._rises(fault, count, now_ns)
        ]
        for fault, episode in list(self._episodes.items()):
            if reader.goes_on(fault):
                episode.seen_ns = now_ns
            elif now_ns - episode.seen_ns >= QUIET_NS:
                lines.append(self._ended(fault, now_ns, "end"))
        return lines

    def close(self, reader: FaultReader, now_ns: int) -> list[AuditRecord]:
        """The session is over; the lines of the episodes that are not."""
        return [
            self._ended(fault, now_ns, "unresolved" if reader.goes_on(fault) else "end")
            for fault in list(self._episodes)
        ]

    def _rises(self, fault: Fault, count: int, now_ns: int) -> bool:
        """Count; True if an episode is to begin."""
        before = self._totals.get(fault, 0)
        if count <= before or (not before and len(self._totals) >= FAULTS_MAX):
            return False
        self._totals[fault] = count
        episode = self._episodes.get(fault)
        if episode is not None:
            episode.count += count - before
            episode.seen_ns = now_ns
            return False
        if fault.kind in COUNTED_ONLY:
            return False
        self._episodes[fault] = _Episode(now_ns, now_ns, count - before)
        return True

    def _begun(self, fault: Fault, total: int, text: str, now_ns: int) -> AuditRecord:
        more = {"text": text} if text else {}
        count = self._episodes[fault].count
        return fault_record(fault, now_ns, event="begin", count=count, total=total, **more)

    def _ended(self, fault: Fault, now_ns: int, event: str) -> AuditRecord:
        episode = self._episodes.pop(fault)
        duration_ms = (episode.seen_ns - episode.begun_ns) // NS_PER_MS
        return fault_record(
            fault,
            now_ns,
            event=event,
            count=episode.count,
            total=self._totals[fault],
            duration_ms=duration_ms,
        )


def fault_record(fault: Fault, ts_ns: int, **fields: int | str) -> AuditRecord:
    """The audit line of a fault."""
    named = {"name": fault.kind.value, "detail": fault.detail}
    return AuditRecord("FAULT", fault.symbol, ts_ns, named | fields)


class FaultWatch:
    """A `Watch` that keeps the book of a session; `put` takes the audit lines.

    `read` gives the counters of the shell, once.
    """

    def __init__(
        self, put: Callable[[AuditRecord], None], read: Callable[[Shell], FaultReader]
    ) -> None:
        self.book = FaultBook()
        self._put = put
        self._read = read
        self._reader: FaultReader | None = None
        self._next_ns = 0

    async def look(self, shell: Shell, now_ns: int) -> None:
        """See `Watch`."""
        if now_ns >= self._next_ns:
            self._next_ns = now_ns + _LOOK_NS
            self._tell(self.book.take(self._of(shell), now_ns))

    def end(self, shell: Shell, now_ns: int) -> None:
        """The session is over."""
        reader = self._of(shell)
        self._tell(self.book.take(reader, now_ns))
        self._tell(self.book.close(reader, now_ns))

    def _of(self, shell: Shell) -> FaultReader:
        if self._reader is None:
            self._reader = self._read(shell)
        return self._reader

    def _tell(self, lines: Iterable[AuditRecord]) -> None:
        for line in lines:
            self._put(line)
