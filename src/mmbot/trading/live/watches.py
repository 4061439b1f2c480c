"""What a session looks after beside trading: clock, listings, fees, weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from mmbot.portfolio.rebalancing import Rebalancer
from mmbot.trading.live.holds import HoldReason
from mmbot.trading.live.state_file import take_book_order
from mmbot.units import NS_PER_MIN, NS_PER_SEC
from mmbot.venues.clock_offset import ClockVerdict
from mmbot.venues.ports import CallError
from mmbot.venues.records import FeeRates, InstrumentRules

if TYPE_CHECKING:
    from mmbot.trading.live.shell import Shell

__all__ = [
    "BookWatch",
    "ClockWatch",
    "FeeWatch",
    "ListingWatch",
    "UpkeepWatch",
]

# A symbol that is listed anew is traded again within 30 s.
_LISTING_NS: Final = 5 * NS_PER_SEC


@dataclass(slots=True)
class ClockWatch:
    """Quoting stops while the machine's clock is off: ages of market data mean nothing then."""

    verdict: Callable[[], ClockVerdict]

    async def look(self, shell: Shell, now_ns: int) -> None:
        """See `Watch`."""
        del now_ns
        found = self.verdict()
        if not found.may_quote:
            text = f"E_MD_CLOCK: {found.reason}"
            if shell.holds.put(HoldReason.CLOCK, text):
                shell.log(f"| clock | ERROR | {text} |")
        elif shell.holds.lift(HoldReason.CLOCK):
            shell.log(f"| clock | OK | {found.reason} |")


@dataclass(slots=True)
class ListingWatch:
    """A symbol that the venue does not trade is parked; other grids need a session of their own.

    `relisted` are symbols with other grids, whose session has been asked to end.
    """

    period_ns: int = _LISTING_NS
    relisted: set[str] = field(default_factory=set)
    _next_ns: int = 0

    async def look(self, shell: Shell, now_ns: int) -> None:
        """See `Watch`."""
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + self.period_ns
        try:
            listed = await shell.port.instruments(shell.plan.symbols)
        except CallError as exc:
            shell.asker.failed(exc)
            return
        for symbol in shell.plan.symbols:
            self._judge(shell, symbol, listed.get(symbol))
        if self.relisted:
            shell.stop("relisted")

    def _judge(self, shell: Shell, symbol: str, rules: InstrumentRules | None) -> None:
        known = shell.plan.rules[symbol]
        if rules is None:
            if shell.holds.put(HoldReason.LISTING, "not traded by the venue", [symbol]):
                shell.log(f"| listing | WARN | symbol={symbol} is not traded: parked |")
        elif _is_other(known, rules):
            self.relisted.add(symbol)
            shell.log(
                f"| listing | CHANGED | symbol={symbol} tick={known.tick_size}->{rules.tick_size}"
                f" lot={known.lot_size}->{rules.lot_size} |"
            )
        elif shell.holds.lift(HoldReason.LISTING, [symbol]):
            shell.log(f"| listing | OK | symbol={symbol} is traded again |")


def _is_other(known: InstrumentRules, rules: InstrumentRules) -> bool:
    def numbers(one: InstrumentRules) -> tuple[Decimal, ...]:
        texts = (one.tick_size, one.lot_size, one.min_qty, one.min_notional)
        return tuple(Decimal(text) for text in texts)

    return numbers(known) != numbers(rules)


@dataclass(slots=True)
class FeeWatch:
    """Fees of the account as they change; `apply` puts them in force."""

    period_ns: int
    apply: Callable[[Shell, Mapping[str, FeeRates]], None]
    known: dict[str, FeeRates] = field(default_factory=dict)
    _next_ns: int = 0

    async def look(self, shell: Shell, now_ns: int) -> None:
        """See `Watch`."""
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + self.period_ns
        try:
            found = await shell.port.fee_rates(shell.plan.symbols)
        except CallError as exc:
            shell.asker.failed(exc)
            return
        changed = {symbol: one for symbol, one in found.items() if self.known.get(symbol) != one}
        if changed:
            self.known |= changed
            self.apply(shell, self.known)
            named = " ".join(f"{one.symbol}={one.maker}/{one.taker}" for one in changed.values())
            shell.log(f"| fees | CHANGED | {named} |")


@dataclass(slots=True)
class BookWatch:
    """Positions that an operator has booked as they are (`mmbot reconcile --apply`)."""

    session: str

    async def look(self, shell: Shell, now_ns: int) -> None:
        """See `Watch`."""
        del now_ns
        named = set(take_book_order(self.session)) & set(shell.plan.symbols)
        if not named:
            return
        try:
            found = {one.symbol: one.qty for one in await shell.port.positions()}
        except CallError as exc:
            shell.asker.failed(exc)
            return
        for symbol in sorted(named):
            lots = shell.plan.rules[symbol].lots(found.get(symbol, "0"))
            if lots == shell.desk.ledger.position_lots(symbol):
                continue
            shell.desk.adopt(symbol, lots, None)
            shell.holds.lift(HoldReason.POSITION, [symbol])
            shell.log(f"| reconcile | BOOKED | symbol={symbol} position_lots={lots} |")


@dataclass(slots=True)
class UpkeepWatch:
    """Weights of several symbols when the core asks for them; what is old is forgotten."""

    rebalancer: Rebalancer | None
    _next_ns: int = 0

    async def look(self, shell: Shell, now_ns: int) -> None:
        """See `Watch`."""
        core = shell.desk.core
        asked = None if self.rebalancer is None else core.weight_request()
        if asked is not None and self.rebalancer is not None:
            weights, tilt_bps = self.rebalancer({"lane": 0, **asked})
            core.set_weights(now_ns, weights, tilt_bps)
        if now_ns >= self._next_ns:
            self._next_ns = now_ns + NS_PER_MIN
            shell.desk.ledger.forget_old(now_ns)
