"""Stubs of the extension: the simulated exchange that outside accounts trade on."""

from collections.abc import Mapping
from typing import final

from mmbot._core import EventChunk

@final
class ExchangeEvent:
    """Something that happened on an `ExchangeBook`.

    `kind` is one of print (a public trade: `is_buy` of the aggressor, `px`, `qty`), accepted,
    rejected (`reason`), amended (`px`, `qty` now open), amend_rejected, cancelled, cancel_rejected
    and filled (`px`, `qty`, `cum_qty` filled so far, `is_maker`). Prices are ticks, quantities are
    lots.
    """

    @property
    def kind(self) -> str: ...
    @property
    def ts_ns(self) -> int: ...
    @property
    def cid(self) -> int: ...
    @property
    def is_buy(self) -> bool: ...
    @property
    def px(self) -> int: ...
    @property
    def qty(self) -> int: ...
    @property
    def cum_qty(self) -> int: ...
    @property
    def is_maker(self) -> bool: ...
    @property
    def reason(self) -> str: ...

@final
class ExchangeBook:
    """One instrument of a simulated exchange that is open to any number of accounts.

    The market comes in chunks (`push`) and happens when time is let pass (`advance`). Orders of all
    accounts compete in price-time order for the same prints, trade with each other and are shown in
    `levels`. Prices are ticks, quantities lots, order ids (`cid`) unique over all accounts.

    Args:
        sim: calibration keys as in `Backtest`; ``toxic_sweep_prob`` and ``extra_slippage_bps`` must
            be 0, because a public tape has no place for them.
        seed: of latency draws.

    Raises:
        CoreError: ``E_CALIB_RANGE`` or ``E_CFG_TYPE`` for a bad key.
    """

    def __new__(cls, sim: Mapping[str, object] | None = None, seed: int = 42) -> ExchangeBook: ...
    def push(self, chunk: EventChunk) -> None:
        """Append market rows, which happen when `advance` reaches their exchange times."""
    @property
    def fed_until_ns(self) -> int:
        """Exchange time of the newest pushed row."""
    @property
    def seq(self) -> int:
        """Counts market rows and requests."""
    @property
    def is_live(self) -> bool:
        """True while there is a usable book: not before the first snapshot, not after a gap."""
    @property
    def position(self) -> int:
        """Signed sum of all accounts' positions, lots."""
    def advance(self, until_ns: int) -> list[ExchangeEvent]:
        """Let the market happen up to and including `until_ns`. The GIL is released."""
    def place(
        self, cid: int, *, is_buy: bool, px: int, qty: int, time_in_force: str, now_ns: int
    ) -> list[ExchangeEvent]:
        """A new limit order; `time_in_force` is GTC, PostOnly, IOC or FOK."""
    def amend(
        self, cid: int, *, px: int, total_qty: int, post_only: bool, now_ns: int
    ) -> list[ExchangeEvent]:
        """New price and total quantity (the filled part included). An order that now crosses
        trades, unless it is `post_only`: then it is cancelled.
        """
    def cancel(self, cid: int, now_ns: int) -> list[ExchangeEvent]:
        """Take an order out."""
    def levels(self, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Published bids and asks from the touch outward, at most `depth` a side."""
    def queue_ahead(self, cid: int) -> int | None:
        """Estimated volume that trades before a resting order; None if it does not rest."""
    def request_latency_ns(self, op: str) -> int:
        """Draw how long the next create, amend or cancel takes to reach the matching."""
