"""What can go wrong in a live session, by name: one name for the counter and for the audit line."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

__all__ = ["ALL_SYMBOLS", "COUNTED_ONLY", "Fault", "FaultKind"]

ALL_SYMBOLS: Final = "-"


class FaultKind(StrEnum):
    """Names are stable: dashboards, alerts and audits are searched by them."""

    SOCKET_LOST = "socket_lost"
    """A connection was lost or could not be made; by stream and reason."""
    SOCKET_RECONNECTS = "socket_reconnects"
    """Connections after the first; by stream."""
    MARKET_GAPS = "market_gaps"
    """Books that were not to be believed until their next snapshot; by reason."""
    SEQUENCE_GAPS = "sequence_gaps"
    """Changes of a book are missing; a snapshot is asked for."""
    SEQUENCE_DUPLICATES = "sequence_duplicates"
    """Frames of a book that came again, or late."""
    CROSSED_BOOKS = "crossed_books"
    """Books that turned out crossed."""
    BOOK_SNAPSHOTS = "book_snapshots"
    """Books that began anew after the first time."""
    FRAMES_REJECTED = "frames_rejected"
    """Frames of market data that cannot be read."""
    FRAMES_UNREADABLE = "frames_unreadable"
    """Frames that are not what the venue promises; by stream."""
    INBOX_OVERFLOWS = "inbox_overflows"
    """The session was behind by a whole inbox; by stream."""
    REQUESTS_FAILED = "requests_failed"
    """Order requests that failed otherwise than named below; by code or kind of failure."""
    REQUEST_RACES = "request_races"
    """Requests about orders that were done or unchanged already; by code."""
    QUERIES_FAILED = "queries_failed"
    """Questions that failed otherwise than named below; by code or kind of failure."""
    RATE_LIMITED = "rate_limited"
    """The venue refused a call because there were too many; by code."""
    LIMITS_CUT = "limits_cut"
    """The venue grants fewer requests than it says in public; fewer levels are quoted."""
    BUDGET_REFUSED = "budget_refused"
    """Our own rate budget did not let a call pass in time: nothing was sent."""
    BUDGET_WAIT_MS = "budget_wait_ms"
    """Milliseconds that calls waited for the rate budget."""
    REQUEST_BACKOFFS = "request_backoffs"
    """Waits before a cancel was sent again."""
    BANS = "bans"
    """The venue's front door turned a call away; by HTTP status."""
    KEY_REFUSED = "key_refused"
    """The key, its rights, its signature or our clock was refused; by code."""
    REQUESTS_UNKNOWN = "requests_unknown"
    """Requests of which nobody knew whether they had an effect."""
    REQUESTS_RESOLVED = "requests_resolved"
    """Those of which it is known by now."""
    ORDERS_NOT_FOUND = "orders_not_found"
    """Questions for an order to which the venue said that it does not know it."""
    ORDERS_LOST = "orders_lost"
    """Orders that the venue does not know, which is believed."""
    LATE_ANSWERS = "late_answers"
    """Answers to order requests that came after their deadline."""
    HEDGED_CANCELS = "hedged_cancels"
    """Cancels that went over REST as well because the trade socket did not answer."""
    LATE_REQUESTS = "late_requests"
    """Requests that were not sent because they were decided too long ago."""
    GATED_REQUESTS = "gated_requests"
    """Requests that were not sent because the session did not trade yet, or no more."""
    REFUSED_REQUESTS = "refused_requests"
    """New orders and changes that the venue refused for what they are."""
    REJECT_TRIPS = "reject_trips"
    """Symbols parked because the venue refused them again and again for one reason."""
    STALE_ORDER_UPDATES = "stale_order_updates"
    """Updates of orders that were older than what was known."""
    DUPLICATE_EXECUTIONS = "duplicate_executions"
    """Executions that came again."""
    FILLS_HEALED = "fills_healed"
    """Executions that no stream told and a comparison with the venue found."""
    CLOCK_STEPS = "clock_steps"
    """The machine's clock or the venue's was set."""
    CLOCK_OFF = "clock_off"
    """The machine's clock turned out to be off by more than 500 ms."""
    LOOP_STALLS = "loop_stalls"
    """The session stood still for more than 500 ms: a strategy, or the machine."""
    HOLDS = "holds"
    """Symbols that quote nothing; by the reasons of `mmbot.trading.live.holds`."""
    JOURNAL_WRITE_FAILURES = "journal_write_failures"
    """Writes and syncs of the journal that the machine refused."""
    JOURNAL_TORN = "journal_torn"
    """Torn ends of the journal that were cut at the start."""
    CHECKPOINTS_DAMAGED = "checkpoints_damaged"
    """Checkpoints that could not be used at the start."""
    SESSIONS_RESUMED = "sessions_resumed"
    """An interrupted session goes on."""
    ORDERS_ADOPTED = "orders_adopted"
    """Orders that rested at the start and were taken over."""
    FOREIGN_ORDERS = "foreign_orders"
    """Orders of the bot that the session did not count on; they are cancelled."""
    SESSION_ENDED = "session_ended"
    """The session was to end; by reason."""
    SESSION_FATAL = "session_fatal"
    """The session could not go on."""
    START_FAILED = "start_failed"
    """A session ended before it traded; by error code."""


COUNTED_ONLY: Final = frozenset(
    {
        FaultKind.SOCKET_RECONNECTS,
        FaultKind.BOOK_SNAPSHOTS,
        FaultKind.REQUEST_RACES,
        FaultKind.BUDGET_WAIT_MS,
        FaultKind.REQUEST_BACKOFFS,
        FaultKind.REQUESTS_RESOLVED,
    }
)
"""What has a counter and no line: another fault's lines tell of it, or it is none."""


class Fault(NamedTuple):
    """One fault: its kind, what tells it from others of the kind, the symbol if it has one."""

    kind: FaultKind
    detail: str = ""
    symbol: str = ALL_SYMBOLS

    @property
    def name(self) -> str:
        """Of its counter: ``socket_lost.public.half_open``."""
        return f"{self.kind}.{self.detail}" if self.detail else self.kind.value
