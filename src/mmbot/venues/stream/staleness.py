"""Whether market data are fresh: pure, judged by the venue's own times.

Four signs:

- **age**: what a frame tells (`cts` of a Bybit book, time of a trade) is older than `lag_max_ns`
  by the venue's clock. The feed is behind, whatever the reason.
- **cross-stream**: trades of a symbol move on for `lead_max_ns` while its book stands still. Every
  trade changes a book, so the book's subscription is dead although its socket lives.
- **no snapshot**: a book that was asked for has not begun `snapshot_within_ns` later (local time).
- **suspicion**: the newest time of all streams of the socket is older than `suspect_after_ns`. A
  quiet market looks the same; `mmbot.venues.stream.heartbeat` asks and decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["MARKET_DATA", "Finding", "Sight", "SightKind", "StalenessJudge", "StalenessPolicy"]


class SightKind(StrEnum):
    """What a frame is about."""

    BOOK = "book"
    SNAPSHOT = "snapshot"
    """A book that begins anew: its own time may be as old as its last change."""
    TRADE = "trade"


class Sight(NamedTuple):
    """What a frame says about time: `made_ns` is when the venue made what it tells."""

    kind: SightKind
    symbol: str
    made_ns: int


class Finding(StrEnum):
    """What is wrong with the frame's stream."""

    LAGGING = "lagging"
    BOOK_STUCK = "book_stuck"


@dataclass(frozen=True, slots=True, kw_only=True)
class StalenessPolicy:
    """Bounds; see the module."""

    lag_max_ns: int
    lead_max_ns: int
    suspect_after_ns: int
    snapshot_within_ns: int


MARKET_DATA: Final = StalenessPolicy(
    lag_max_ns=NS_PER_SEC,
    lead_max_ns=500 * NS_PER_MS,
    suspect_after_ns=400 * NS_PER_MS,
    snapshot_within_ns=2 * NS_PER_SEC,
)


class StalenessJudge:
    """Judges the streams of one connection."""

    def __init__(self, policy: StalenessPolicy = MARKET_DATA) -> None:
        self._policy = policy
        self._newest_ns: int | None = None
        self._book_ns: dict[str, int] = {}
        self._unexplained_ns: dict[str, int] = {}
        self._asked_ns: dict[str, int] = {}

    def asked(self, symbols: Sequence[str], now_ns: int) -> None:
        """Books were asked for (again): each begins anew, with a snapshot."""
        for symbol in symbols:
            self._forget(symbol)
            self._asked_ns[symbol] = now_ns

    def without_snapshot(self, now_ns: int) -> tuple[str, ...]:
        """Books that have not begun in time."""
        patience_ns = self._policy.snapshot_within_ns
        return tuple(s for s, at_ns in self._asked_ns.items() if now_ns - at_ns > patience_ns)

    def saw(self, sight: Sight, venue_ns: int | None) -> Finding | None:
        """Judge a frame.

        Args:
            sight: of the frame.
            venue_ns: the venue's clock at its receipt; None while it is unknown.
        """
        kind, symbol, made_ns = sight
        newest_ns = self._newest_ns
        if newest_ns is None or made_ns > newest_ns:
            self._newest_ns = made_ns
        if kind is SightKind.TRADE:
            if self._is_stuck(sight):
                return Finding.BOOK_STUCK
        else:
            self._has_book(symbol, made_ns)
            if kind is SightKind.SNAPSHOT:
                self._asked_ns.pop(symbol, None)
                return None
        is_late = venue_ns is not None and venue_ns - made_ns > self._policy.lag_max_ns
        return Finding.LAGGING if is_late else None

    def is_suspect(self, venue_ns: int | None) -> bool:
        """Whether nothing new came for so long that the socket should be asked."""
        if venue_ns is None or self._newest_ns is None:
            return False
        return venue_ns - self._newest_ns > self._policy.suspect_after_ns

    def age_ns(self, venue_ns: int) -> int | None:
        """Age of the newest data; None before any."""
        return None if self._newest_ns is None else max(0, venue_ns - self._newest_ns)

    def _forget(self, symbol: str) -> None:
        self._book_ns.pop(symbol, None)
        self._unexplained_ns.pop(symbol, None)

    def _has_book(self, symbol: str, made_ns: int) -> None:
        if made_ns > self._book_ns.get(symbol, 0):
            self._book_ns[symbol] = made_ns
        self._unexplained_ns.pop(symbol, None)

    def _is_stuck(self, sight: Sight) -> bool:
        book_ns = self._book_ns.get(sight.symbol)
        if book_ns is None or sight.made_ns <= book_ns:
            return False
        first_ns = self._unexplained_ns.setdefault(sight.symbol, sight.made_ns)
        if sight.made_ns - first_ns < self._policy.lead_max_ns:
            return False
        self._forget(sight.symbol)
        return True
