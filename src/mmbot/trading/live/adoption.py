"""Positions that a session did not make itself.

Those are the venue's at its beginning, and later fills of orders that earlier sessions of the bot
left. They are booked as adjustments, not as fills: at the beginning at the first mid, so that the
PnL of a session is what it made, and the symbol is held until there is one; later at the price of
the execution. The executions that an adjustment covers are known from then on, to the journal, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from mmbot.trading.live.desk import Desk
from mmbot.trading.live.holds import HoldReason, Holds
from mmbot.trading.reconcile import Execution
from mmbot.venues.records import ExecutionRecord, InstrumentRules, PositionRecord

__all__ = ["Adoption"]

_PARTS: Final = 10_000


@dataclass(slots=True)
class Adoption:
    """See the module."""

    desk: Desk
    holds: Holds
    rules: Mapping[str, InstrumentRules]
    log: Callable[[str], None]
    waiting: dict[str, int] = field(default_factory=dict)

    @property
    def fresh(self) -> set[str]:
        """Symbols that the session has never traded."""
        return {symbol for symbol in self.rules if not self.desk.ledger.has_traded(symbol)}

    def begin(
        self, positions: Sequence[PositionRecord], executions: Iterable[ExecutionRecord]
    ) -> None:
        """Take the positions of symbols that the session has never traded.

        `executions` are those that the positions contain.
        """
        ledger, fresh = self.desk.ledger, self.fresh
        for one in executions:
            if one.symbol in fresh:
                self.desk.know(one.exec_id, one.ts_ns)
        for record in positions:
            lots = self.rules[record.symbol].lots(record.qty) if record.symbol in fresh else 0
            if lots:
                self.waiting[record.symbol] = lots
                ledger.rebase(record.symbol, lots)
                text = "its position has no price yet"
                self.holds.put(HoldReason.RECOVERY, text, [record.symbol])

    def add(self, execution: Execution) -> None:
        """An order of an earlier session was filled."""
        symbol, ledger = execution.symbol, self.desk.ledger
        if ledger.is_booked(execution.exec_id):
            return
        lots = ledger.position_lots(symbol) + execution.side.sign * execution.qty_lots
        self.desk.know(execution.exec_id, execution.ts_ns)
        if symbol in self.waiting:
            self.waiting[symbol] = lots
            ledger.rebase(symbol, lots)
        else:
            tick = Decimal(self.rules[symbol].tick_size)
            self.desk.adopt(symbol, lots, int(execution.price / tick * _PARTS))
        self.log(
            f"| recovery | WARN | fill of another session cid={execution.cid} symbol={symbol}"
            f" lots={execution.qty_lots} |"
        )

    def book(self) -> None:
        """Book those that wait and whose books have a mid."""
        for symbol, lots in list(self.waiting.items()):
            if self.desk.core.snapshot(symbol)["mid"] is None:
                continue
            self.desk.adopt(symbol, lots, None)
            del self.waiting[symbol]
            self.holds.lift(HoldReason.RECOVERY, [symbol])
            self.log(f"| recovery | OK | position adopted symbol={symbol} lots={lots} |")
