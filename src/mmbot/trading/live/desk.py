"""The core, its journal and the ledger behind one door, so that their order cannot be broken.

Whatever comes in goes to the core and to the ledger; whatever the core asks for comes out of
`flush`, which has put the journal on the disk (write(2) has returned) before it gives a request
away. Who sends it says so (`sent`), and `settle` does what may wait until then. Nothing here waits,
and nothing here decides about trading.

When the disk refuses, what was to be sent stays: new orders and changes are refused to the core,
cancels leave all the same, because a cancel that nobody remembers does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from mmbot.core import CoreError
from mmbot.errors import StoreError
from mmbot.trading.live.orders import (
    CoreReport,
    OrderLedger,
    TrackedOrder,
    exec_note,
    known_note,
    order_note,
)
from mmbot.trading.reconcile import OrderState

if TYPE_CHECKING:
    from mmbot.core import LiveSession, OrderRequest
    from mmbot.store.journal import CheckpointWriter

__all__ = ["AdoptedLots", "Desk", "JournalFile"]

# Of a checkpoint that is missing nobody needs to hear twice.
_NOT_PRESSING: Final = (CoreError, StoreError)


class JournalFile(Protocol):
    """Where records go (`mmbot.store.journal.JournalWriter`)."""

    def append(self, frames: bytes, *, settled: bool = True) -> None:
        """Write framed records; without `settled`, `settle` has to follow soon."""

    def settle(self) -> None:
        """Do for what was appended what may wait until requests have left."""

    def retry(self) -> None:
        """Write what was refused before."""

    def rehearse(self) -> None:
        """Go the way of `append` without adding anything."""


@dataclass(frozen=True, slots=True)
class AdoptedLots:
    """Lots that were taken over, signed, at 1/10,000 tick; None is the last mid."""

    symbol: str
    lots: int
    exec_px: int | None


@dataclass(slots=True)
class Desk:
    """See the module.

    Attributes:
        core: the live driver.
        journal: its journal.
        ledger: of the orders.
        checkpoints: beside the journal, None for none.
        clock: wall clock, ns.
        disk_error: why the journal takes nothing at the moment.
        adopted: what was taken over, for whoever takes it.
    """

    core: LiveSession
    journal: JournalFile
    ledger: OrderLedger
    clock: Callable[[], int]
    checkpoints: CheckpointWriter | None = None
    disk_error: StoreError | None = None
    held: set[str] = field(default_factory=set)
    adopted: list[AdoptedLots] = field(default_factory=list)
    _is_unsettled: bool = False

    def tell(self, reports: Iterable[CoreReport]) -> int:
        """Give reports to the core; return how many there were."""
        count = 0
        for report in reports:
            now_ns = self.clock()
            if report.kind == "filled":
                self.core.note(now_ns, exec_note(report))
            elif report.order_id and (order := self.ledger.numbered(report.symbol, report.cid)):
                self.core.note(now_ns, order_note(order, report.order_id))
            self.ledger.told(report, now_ns)
            self.core.on_report(
                report.symbol,
                now_ns,
                report.cid,
                report.kind,
                ts_exch_ns=report.ts_exch_ns,
                **report.fields,
            )
            count += 1
        return count

    def doubt(self, order: TrackedOrder) -> None:
        """Nobody knows whether the last request about an order arrived."""
        if order.state.is_pending:
            now_ns = self.clock()
            self.core.on_unanswered(order.symbol, now_ns, order.cid)
            self.ledger.doubt(order, now_ns)

    def know(self, exec_id: str, ts_ns: int) -> None:
        """An execution is part of a position that is taken over."""
        self.core.note(self.clock(), known_note(exec_id, ts_ns))
        self.ledger.know(exec_id, ts_ns)

    def adopt(self, symbol: str, lots: int, exec_px: int | None) -> None:
        """Book the venue's position as it is."""
        difference = lots - self.core.position_lots(symbol)
        self.core.adopt_position(symbol, self.clock(), lots, exec_px)
        self.adopted.append(AdoptedLots(symbol, difference, exec_px))
        self.ledger.rebase(symbol, lots)

    def hold(self, symbol: str, *, on: bool) -> None:
        """Stop or allow quoting of a symbol; its orders are cancelled at once."""
        if on != (symbol in self.held):
            (self.held.add if on else self.held.discard)(symbol)
            self.core.hold(symbol, self.clock(), on)

    def flush(self) -> list[OrderRequest]:
        """Write the journal, then hand over what is to be sent, in sending order.

        `sent` and `settle` have to follow before anything else comes in.
        """
        is_written = self._append()
        requests = self.core.take_requests()
        if is_written or not requests:
            return requests
        self.refuse([request for request in requests if request.kind != "cancel"])
        return [request for request in requests if request.kind == "cancel"]

    def sent(self, requests: Iterable[OrderRequest]) -> None:
        """Requests of the last `flush` have left, or are about to."""
        now_ns = self.clock()
        for request in requests:
            self.ledger.sent(request, now_ns)

    def refuse(self, requests: Sequence[OrderRequest]) -> None:
        """New orders and changes that do not leave: the core is told that nobody took them."""
        self.sent(requests)
        self.tell(filter(None, (self._refused(request) for request in requests)))

    def write(self) -> bool:
        """Write the journal; False when the disk refuses, whatever was refused is kept."""
        is_written = self._append()
        self.settle()
        return is_written

    def settle(self) -> None:
        """What may wait until requests have left."""
        if self._is_unsettled:
            self._is_unsettled = False
            self.journal.settle()
            self._write_checkpoints()

    def _append(self) -> bool:
        try:
            data = self.core.take_journal()
            if data:
                self.journal.append(data, settled=False)
                self._is_unsettled = True
            elif self.disk_error is not None:
                self.journal.retry()
        except StoreError as exc:
            self.disk_error = exc
            return False
        self.disk_error = None
        return True

    def _refused(self, request: OrderRequest) -> CoreReport | None:
        order = self.ledger.numbered(request.symbol, request.cid)
        if order is None or order.state not in {OrderState.PENDING_NEW, OrderState.PENDING_AMEND}:
            return None
        kind = "rejected" if request.kind == "place" else "amend_rejected"
        return CoreReport(
            symbol=request.symbol,
            cid=request.cid,
            kind=kind,
            ts_exch_ns=order.venue_ns,
            fields={"reason": "not_sent"},
        )

    def _write_checkpoints(self) -> None:
        if self.checkpoints is None:
            return
        try:
            for checkpoint in self.core.take_checkpoints():
                self.checkpoints.append(checkpoint)
        except _NOT_PRESSING:
            # Trading goes on without one; recovery reads the journal from further back.
            return
