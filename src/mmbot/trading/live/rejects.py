"""A reason that the venue refuses orders for is not tried again and again.

Within a minute a symbol gets at most `ATTEMPTS_MAX` refusals for one reason. After the first of
them no more requests are under way at once than that leaves, after the last one the symbol is held
until the oldest is a minute old; then a single request tries again. A reason that meets several
symbols is the account's, such as a balance that is used up, and is counted over all of them.

Requests that the venue's rate limit refused, or that never left, are not counted: back-off and
circuit breaker of the core see to those.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mmbot.trading.live.holds import HoldReason, Holds
from mmbot.units import NS_PER_MIN, NS_PER_SEC
from mmbot.venues.failures import Action, Failure, Verdict

if TYPE_CHECKING:
    from mmbot import core
    from mmbot.trading.live.orders import OrderLedger

__all__ = ["ATTEMPTS_MAX", "WINDOW_NS", "RejectBrake", "refused_for"]

ATTEMPTS_MAX: Final = 5
WINDOW_NS: Final = NS_PER_MIN
_SEVERAL: Final = 2


def refused_for(verdict: Verdict, failure: Failure) -> str | None:
    """The reason that a create or amend was refused for, None if it does not count."""
    counts = verdict.action in {Action.REJECT, Action.QUERY_BY_CID}
    return failure.label if counts and failure.code is not None else None


@dataclass(slots=True)
class RejectBrake:
    """See the module.

    Attributes:
        symbols: of the session.
        refusals: so far, by reason.
        trips: how often symbols were held.
    """

    symbols: tuple[str, ...]
    refusals: dict[str, int] = field(default_factory=dict)
    trips: int = 0
    _recent: dict[str, deque[tuple[int, str]]] = field(default_factory=dict)
    _parked: set[str] = field(default_factory=set)

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to judge: no refusal of late, and no symbol held for any."""
        return not (self._recent or self._parked)

    def refused(self, reason: str, symbol: str, now_ns: int) -> None:
        """The venue refused a new order or a change of a symbol."""
        self.refusals[reason] = self.refusals.get(reason, 0) + 1
        self._recent.setdefault(reason, deque()).append((now_ns, symbol))

    def spare(self, symbol: str, now_ns: int) -> int | None:
        """Requests of a symbol that may be under way at once; None without a limit."""
        found = [ATTEMPTS_MAX - count for _, count in self._counts(symbol, now_ns)]
        return max(0, min(found)) if found else None

    def hold(self, holds: Holds, now_ns: int) -> list[str]:
        """Put and lift holds; return a line for each that began or ended."""
        lines = []
        for symbol in self.symbols:
            over = [one for one in self._counts(symbol, now_ns) if one[1] >= ATTEMPTS_MAX]
            if over:
                reason, count = over[0]
                text = (
                    f"E_EXEC_REJECTS: reason={reason} refused={count}"
                    f" within_s={WINDOW_NS // NS_PER_SEC}"
                )
                if symbol not in self._parked:
                    self._parked.add(symbol)
                    self.trips += 1
                    holds.put(HoldReason.REJECTS, text, [symbol])
                    lines.append(f"| rejects | ALERT | {text} symbol={symbol}: parked |")
            elif symbol in self._parked:
                self._parked.discard(symbol)
                holds.lift(HoldReason.REJECTS, [symbol])
                lines.append(f"| rejects | OK | symbol={symbol} is tried again |")
        return lines

    def stay(
        self, requests: Sequence[core.OrderRequest], ledger: OrderLedger, now_ns: int
    ) -> list[core.OrderRequest]:
        """The creates and amends among `requests` that are too many; none is in the ledger yet."""
        staying: list[core.OrderRequest] = []
        for symbol in dict.fromkeys(one.symbol for one in requests):
            spare = self.spare(symbol, now_ns)
            if spare is None:
                continue
            wanted = [one for one in requests if one.symbol == symbol]
            under_way = sum(1 for one in ledger.awaited(symbol))
            staying += wanted[max(0, spare - under_way) :]
        return staying

    def _forget(self, now_ns: int) -> None:
        for reason, entries in list(self._recent.items()):
            while entries and now_ns - entries[0][0] >= WINDOW_NS:
                entries.popleft()
            if not entries:
                del self._recent[reason]

    def _counts(self, symbol: str, now_ns: int) -> Iterator[tuple[str, int]]:
        """Reasons that count for a symbol, with their refusals of the last minute."""
        self._forget(now_ns)
        for reason, entries in self._recent.items():
            own = sum(1 for _, one in entries if one == symbol)
            is_accounts = len({one for _, one in entries}) >= _SEVERAL
            count = len(entries) if is_accounts else own
            if count:
                yield reason, count
