"""Part of the stub of `mmbot._core`: live trading in pure form."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

from numpy.typing import NDArray

from mmbot._core import Checkpoint, EventChunk, Instrument, JournalReplay, SessionControl

def bybit_order_frame(
    requests: Sequence[OrderRequest],
    *,
    timestamp_ms: int,
    req_id: str,
    recv_window_ms: int = 5000,
    category: str = "linear",
) -> bytes:
    """The frame of requests for Bybit's v5 trade socket: one, or a batch of one kind and symbol.

    `req_id` is what it is answered under: the venue refuses one that it has seen, perhaps from an
    earlier process (20006). `timestamp_ms` is the venue's time of sending; `category` is
    ``linear``, ``inverse`` or ``spot``. CoreError E_CFG_RANGE, E_BT_ARGS.
    """

def bybit_sight(frame: bytes) -> tuple[int, str, int] | None:
    """What a raw Bybit v5 public frame says about time without being decoded: 0 for a book, 1 for a
    book that begins anew, 2 for trades; the symbol; when the venue made it, ms. None for any other
    frame, and for one in another form than the venue's own.
    """

@final
class OrderRequest:
    """What a live session asks of a venue. It may leave once the journal that was taken before it
    is on the disk.
    """

    @property
    def symbol(self) -> str: ...
    @property
    def ts_ns(self) -> int:
        """When it was decided."""
    @property
    def kind(self) -> str:
        """``place``, ``amend`` or ``cancel``."""
    @property
    def cid(self) -> int:
        """Number under which reports of the order come back (`LiveSession.on_report`)."""
    @property
    def client_order_id(self) -> str:
        """What the venue knows the order by: prefix and base36 number."""
    @property
    def side(self) -> str | None:
        """``buy`` or ``sell`` of a new order."""
    @property
    def price_ticks(self) -> int | None:
        """Limit price; None for a cancel."""
    @property
    def qty_lots(self) -> int | None:
        """Quantity; of an amend the new total, the filled part included; None for a cancel."""
    @property
    def price(self) -> str | None:
        """`price_ticks` as decimal text."""
    @property
    def qty(self) -> str | None:
        """`qty_lots` as decimal text."""
    @property
    def time_in_force(self) -> str | None:
        """``post_only``, ``gtc`` or ``ioc`` of a new order."""
    @property
    def post_only(self) -> bool: ...
    @property
    def reduce_only(self) -> bool:
        """A new order while the session may only reduce: the venue is to see to it, too."""
    @property
    def cause(self) -> str:
        """Why, by its name in the journal."""

@final
class LiveSession:
    """Live trading of one or more instruments: no clock, no socket, no file.

    Every input is written to the journal before the core sees it, and so is every request before
    it can be taken: `mmbot replay` of the journal makes the same requests. What an input returns is
    the number of requests that wait. The caller then takes the journal, writes it (write(2) has
    returned), takes the requests and sends them, in this order.

    Times are local nanoseconds; one that goes back counts as standing still. An instrument whose
    book becomes unusable (`on_gap`, a gap in the numbers of its frames, a frame that cannot be
    read, a crossed book) cancels its quotes within the same input; the others go on.

    A strategy that raises is taken to have no targets, so that its orders are cancelled: the
    exception comes out of the input after the input was taken in, and requests may wait.
    """

    def __new__(
        cls,
        instruments: Sequence[Instrument],
        params: Sequence[Mapping[str, Any]],
        session: Mapping[str, Any],
        *,
        journal: Mapping[str, Any],
        seed: int = 42,
        strategy: Callable[[dict[str, Any]], Sequence[tuple[str, float, float]]] | None = None,
        record: bool = False,
    ) -> LiveSession:
        """`params`: one flat mapping of dotted configuration keys per instrument, `session` one for
        all, `journal`, `strategy` as of `Backtest`; `seed` is the journal's, too. `record` keeps
        fills and order events for whoever takes them. CoreError E_CFG_* for what is out of range.
        """
    @staticmethod
    def resume(
        replay: JournalReplay,
        *,
        now_ns: int,
        offset: int,
        cid_prefix: str,
        hash_every_ns: int,
        next_checkpoint: int | None = None,
        strategy: Callable[[dict[str, Any]], Sequence[tuple[str, float, float]]] | None = None,
        record: bool = False,
    ) -> LiveSession:
        """Goes on behind a journal that `replay` has read to its end, from its beginning or from a
        checkpoint; `replay` is empty afterwards. Its torn tail is to be cut before the records of
        this session are appended; `offset` is the length of the journal over all segments, without
        the tail. `next_checkpoint`: number of the next checkpoint, None for none.

        Every book is unusable until its next snapshot. A session that was stopped quotes again.
        Orders whose last request has no answer are unknown and count as live until a report
        resolves them. Requests that the journal does not
        have never left: they are written down behind what led to them, and not given out. The same
        journal and time give the same session. CoreError E_STORE_JOURNAL for a journal that does
        not replay.
        """
    def on_frame(self, frame: bytes, recv_ns: int) -> int:
        """Takes in a raw Bybit v5 public frame (order book of the first depth seen, trades); its
        symbol is the frame's.

        Frames of other symbols and topics change nothing. One that cannot be read raises nothing:
        it is counted (`feed_counts`) and kept (`take_rejects`).
        """
    def on_events(self, symbol: str, chunk: EventChunk) -> int:
        """Takes in rows that were decoded elsewhere, in the order of their reception."""
    def on_gap(self, symbol: str, recv_ns: int) -> int:
        """The stream of a symbol was lost or is stale: its book is unusable until a snapshot, its
        quotes are pulled now.
        """
    def on_report(
        self,
        symbol: str,
        recv_ns: int,
        cid: int,
        report: str,
        *,
        ts_exch_ns: int,
        **fields: int | str,
    ) -> int:
        """Takes in what the venue says about the order `cid` (`OrderRequest.cid`).

        `report` and its `fields`, as in the journal: ``accepted``; ``rejected``,
        ``amend_rejected``, ``cancel_rejected`` with `reason` (``post_only_would_cross``,
        ``unknown_order``, ``filter``, ``rate_limit``, ``market_unavailable``, ``not_sent``);
        ``amended`` with `px` (ticks) and `open_qty` (lots); ``cancelled``; ``filled`` with
        `exec_px` (1/10,000 tick), `qty` and `cum_qty` (lots), `liquidity` (``maker``, ``taker``)
        and `fee` (tick x lot / 10,000; negative is a rebate). CoreError E_STORE_TYPE for a missing
        or wrong field.
        """
    def on_unanswered(self, symbol: str, now_ns: int, cid: int) -> None:
        """The last request about an order may have arrived or not (time-out, lost connection, an
        answer that says nothing): the order is unknown, counts as live, and is asked for or
        cancelled again only once a report resolves it or 3 s have passed.
        """
    def adopt_position(
        self, symbol: str, now_ns: int, position_lots: int, exec_px: int | None = None
    ) -> None:
        """Takes over the venue's position because it is not the sum of the known fills. The
        difference is booked at `exec_px` (1/10,000 tick; None: the last mid), as no fill, without a
        fee. CoreError E_BT_ARGS if there is no price to book it at.
        """
    def hold(self, symbol: str, now_ns: int, on: bool) -> int:
        """A symbol quotes nothing (block `risk_paused`) until that is lifted; its orders are
        cancelled at once.
        """
    def on_timer(self, now_ns: int) -> int:
        """Time passed: decisions and synchronisations due up to now."""
    def next_due_ns(self) -> int:
        """When `on_timer` has something to do; 2**63 - 1 before the first market data."""
    @property
    def now_ns(self) -> int:
        """Latest time seen."""
    @property
    def symbols(self) -> list[str]:
        """In the order of their indices in the journal."""
    def take_requests(self) -> list[OrderRequest]:
        """Requests since the last call, in sending order."""
    def take_journal(self) -> bytes:
        """Framed records since the last call. CoreError E_STORE_JOURNAL when one did not fit into
        a frame: the session has to end.
        """
    def take_checkpoints(self) -> list[Checkpoint]:
        """Checkpoints since the last call, to be written after the records."""
    def take_resubscribes(self) -> list[str]:
        """Symbols whose order book has to be subscribed anew so that a snapshot comes: each once
        per break, and again after 5 s of frames without one.
        """
    def take_rejects(self) -> list[dict[str, Any]]:
        """Frames refused since the last call (the newest 256): `symbol` (None if unknown),
        `recv_ns`, `code`, `offset` of the byte, `reason`.
        """
    def feed_counts(self, symbol: str) -> dict[str, int]:
        """Frames of a symbol so far: ``frames``, ``snapshots``, ``gaps``, ``duplicates``,
        ``waiting`` (no snapshot yet), ``lost`` (crossed, or `on_gap`), ``rejected``, ``others``.
        """
    def set_params(self, symbol: str, now_ns: int, params: Mapping[str, Any]) -> None:
        """Atomic parameter change of an instrument."""
    def set_session(self, now_ns: int, session: Mapping[str, Any]) -> None:
        """Atomic parameter change of the session."""
    def set_weights(
        self, now_ns: int, weights: Sequence[float], fee_tilt_bps: float | None = None
    ) -> None:
        """Shares of the budget, one per symbol; they sum to 1. `fee_tilt_bps`: what a better fee
        tier saves, if it is worth a tilt.
        """
    def weight_request(self) -> dict[str, Any] | None:
        """What weights are computed from, when they are due: `ts_ns`, `volas` (fraction a minute,
        None while unknown), `turnover_usd`.
        """
    def control(self, now_ns: int, control: str, grade: str | None = None, **fields: object) -> int:
        """What is done to the session by hand: the control's name and its fields in the journal.

        ``stop`` (cancel everything, quote no more), ``keep_orders`` (ask for nothing more, the
        orders stay) and ``lift_stop`` act at once; everything else at the next
        synchronisation: ``resume``, ``kill`` (`cause`, `reason`), ``grade`` (the mildest risk grade
        allowed, None lifts that), ``storage_hold`` (`on`) and the others. CoreError for what does
        not fit; nothing has changed then.
        """
    def note(self, now_ns: int, text: str) -> None:
        """Something to know, for whoever reads the journal."""
    def end(self, now_ns: int, reason: str) -> None:
        """Ends the journal in order: the last hash, and why."""
    def session(self) -> SessionControl:
        """Guards, windows and allocation, to look at and to steer at the latest time seen."""
    def snapshot(self, symbol: str) -> dict[str, Any]:
        """Live view of a symbol, as `Backtest.snapshot`; `queue_ahead` of its orders is None."""
    def result(self, symbol: str, *, since_ns: int | None = None) -> dict[str, Any]:
        """Counters and accounts of a symbol over the whole session, as `Backtest.result`.

        Rows, gaps and closed trades count from the beginning of this process; ``bars`` are empty.
        `since_ns`: when the session began, for its span and for rates; None: with the first data.
        """
    def finish(self) -> None:
        """Completes fills that wait for their horizon with the last known mids. The session is
        over: what follows from it is in no journal.
        """
    def orders(self, symbol: str) -> list[dict[str, Any]]:
        """Orders that are not over: `cid`, `client_order_id`, `side`, `price_ticks` and `open_lots`
        in force, `filled_lots`, `state` (docs/order-states.md), `since_ns`.
        """
    def position_lots(self, symbol: str) -> int:
        """Position: the sum of all known fills and adoptions."""
    def take_fills(self, symbol: str) -> dict[str, NDArray[Any]]:
        """As `Backtest.take_fills` (needs `record`)."""
    def take_order_events(self, symbol: str) -> dict[str, Any]:
        """As `Backtest.take_order_events` (needs `record`)."""
    def state_hash(self) -> str:
        """Hash over orders, positions and accounts of all symbols."""

@final
class FrameChunks:
    """Raw Bybit v5 public frames of several symbols, as they come, to chunks for a `Backtest` that
    follows the market. Calls from several threads take turns.

    Rows are in the order of their reception; a venue time that goes back counts as standing still.
    What makes a `LiveSession` give a book up is a gap in the rows.
    """

    def __new__(cls, instruments: Sequence[Instrument]) -> FrameChunks: ...
    def on_frame(self, frame: bytes, recv_ns: int) -> None:
        """Takes in a frame, as `LiveSession.on_frame`."""
    def on_gap(self, symbol: str, recv_ns: int) -> None:
        """The stream of a symbol was lost: its book is unusable until a snapshot."""
    def take(self, symbol: str, known_ns: int) -> EventChunk:
        """Rows of a symbol since the last call, perhaps none. What comes later counts as of
        `known_ns` at the earliest, by the venue's clock and by ours, so that a run may go as far.
        """
    def take_resubscribes(self) -> list[str]:
        """As `LiveSession.take_resubscribes`."""
    def take_rejects(self) -> list[dict[str, Any]]:
        """As `LiveSession.take_rejects`."""
    def feed_counts(self, symbol: str) -> dict[str, int]:
        """As `LiveSession.feed_counts`."""
