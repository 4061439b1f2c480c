"""Where requests are rehearsed: a wire that writes nothing, and a budget of its own."""

from __future__ import annotations

from typing import Final, Protocol

from mmbot.venues.budget.rules import BudgetRules
from mmbot.venues.budget.stores import LocalBudget
from mmbot.venues.budget.turnstile import Turnstile

__all__ = ["Stage", "Wire"]

# A rehearsal never has to wait, however often there is one.
_ROOM: Final = 1000.0


class Wire(Protocol):
    """What order entry writes to (`mmbot.venues.bybit.trade_socket.TradeSocket`)."""

    @property
    def is_up(self) -> bool:
        """Whether requests can be sent."""
        ...

    def next_req_id(self) -> str:
        """An id for the next request."""
        ...

    def send(self, frame: bytes) -> bool:
        """Write a request; False if it was not."""
        ...


class Stage:
    """A `Wire` to nowhere."""

    is_up = True

    def __init__(self, rules: BudgetRules) -> None:
        self.budget = Turnstile(LocalBudget(rules.scaled(_ROOM)))
        self.frames = 0

    def next_req_id(self) -> str:
        """No venue ever sees it."""
        return f"rehearsal-{self.frames}"

    def send(self, frame: bytes) -> bool:
        """Write nothing."""
        self.frames += bool(frame)
        return True
