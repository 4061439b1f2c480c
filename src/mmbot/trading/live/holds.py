"""Why symbols do not quote: any number of reasons at once, each set and lifted by its own watch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from mmbot.trading.live.fault_kinds import ALL_SYMBOLS

__all__ = ["HoldReason", "Holds"]


class HoldReason(StrEnum):
    """What keeps symbols from quoting; the text says more."""

    RECOVERY = "recovery"
    """Orders and positions are not known yet."""
    CLOCK = "clock_skew"
    """The machine's clock is off, or jumped."""
    DISK = "disk"
    """There is too little room (``E_STORE_DISK``)."""
    JOURNAL = "journal"
    """The journal cannot be written (``E_STORE_JOURNAL``)."""
    STORE = "store"
    """The SQL store is too far behind (``E_STORE_LAG``)."""
    DESYNC = "desync"
    """Our orders and the venue's differ too much, or cannot be compared."""
    POSITION = "position_mismatch"
    """The venue's position is not the sum of fills."""
    LISTING = "listing"
    """The venue does not trade the symbol, or under other rules."""
    PRIVATE = "private_stream"
    """Nothing is heard of our orders."""
    REJECTS = "rejects"
    """The venue refuses orders again and again for one reason (``E_EXEC_REJECTS``)."""
    OPERATOR = "operator"
    """Somebody said so."""


@dataclass(slots=True)
class Holds:
    """Reasons by symbol; a symbol quotes while there is none."""

    symbols: tuple[str, ...]
    held: frozenset[str] = frozenset()
    """Symbols that do not quote."""
    counts: Counter[tuple[HoldReason, str]] = field(default_factory=Counter)
    """How often each reason began, by symbol; `ALL_SYMBOLS` for all at once."""
    _by_reason: dict[HoldReason, dict[str, str]] = field(default_factory=dict)

    def put(self, reason: HoldReason, text: str, symbols: Iterable[str] | None = None) -> bool:
        """Hold symbols (None: all); True if one of them was not held for this reason."""
        found = self._by_reason.setdefault(reason, {})
        named = self.symbols if symbols is None else tuple(symbols)
        new = [symbol for symbol in named if symbol not in found]
        if new:
            begun = [ALL_SYMBOLS] if symbols is None else new
            self.counts.update((reason, symbol) for symbol in begun)
        found |= dict.fromkeys(named, text)
        self._count()
        return bool(new)

    def lift(self, reason: HoldReason, symbols: Iterable[str] | None = None) -> bool:
        """Lift a reason from symbols (None: all); True if it held one of them."""
        found = self._by_reason.get(reason, {})
        named = tuple(found) if symbols is None else tuple(symbols)
        lifted = [symbol for symbol in named if found.pop(symbol, None) is not None]
        if not found:
            self._by_reason.pop(reason, None)
        self._count()
        return bool(lifted)

    def has(self, reason: HoldReason, symbol: str | None = None) -> bool:
        """Whether a symbol (None: any) is held for it."""
        found = self._by_reason.get(reason, {})
        return bool(found) if symbol is None else symbol in found

    def text(self, reason: HoldReason) -> str:
        """What there is to say about a reason; empty while it holds nothing."""
        return next(iter(self._by_reason.get(reason, {}).values()), "")

    @property
    def texts(self) -> tuple[str, ...]:
        """One line a reason: ``disk: free_mb=100 min_free_mb=512``, its symbols if not all."""
        lines = []
        for reason, found in sorted(self._by_reason.items()):
            text = next(iter(found.values()))
            named = "" if len(found) == len(self.symbols) else f" ({','.join(sorted(found))})"
            lines.append(f"{reason.value}{named}: {text}" if text else f"{reason.value}{named}")
        return tuple(lines)

    def _count(self) -> None:
        self.held = frozenset(symbol for found in self._by_reason.values() for symbol in found)
