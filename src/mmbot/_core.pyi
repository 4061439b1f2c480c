"""Private Rust extension; import it through `mmbot.core` only."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

from numpy.typing import NDArray

from mmbot._core_allocator import *
from mmbot._core_columns import ColumnReader as ColumnReader
from mmbot._core_columns import EventChunk as EventChunk
from mmbot._core_columns import StreamMerger as StreamMerger
from mmbot._core_exchange import *
from mmbot._core_faults import *
from mmbot._core_frames import *
from mmbot._core_journal import *
from mmbot._core_journal import Checkpoint as Checkpoint
from mmbot._core_live import FrameChunks as FrameChunks
from mmbot._core_live import LiveSession as LiveSession
from mmbot._core_live import OrderRequest as OrderRequest
from mmbot._core_live import bybit_order_frame as bybit_order_frame
from mmbot._core_live import bybit_sight as bybit_sight
from mmbot._core_session import SessionControl as SessionControl

class CoreError(ValueError):
    """Input that the core refused. `code` is a registered error code, `key` what it is about,
    `message` what is wrong with it.
    """

    code: str
    key: str
    message: str

@final
class Instrument:
    """Grids and minimums of one linear instrument; decimal texts keep them exact."""

    def __new__(
        cls,
        symbol: str,
        tick_size: str,
        lot_size: str,
        *,
        min_qty: str = "0",
        min_notional_usd: float = 0.0,
        quote_usd: float = 1.0,
    ) -> Instrument: ...
    @property
    def symbol(self) -> str: ...
    @property
    def tick_size(self) -> str: ...
    @property
    def lot_size(self) -> str: ...
    @property
    def tick(self) -> float:
        """Tick size as a float, quote currency."""
    @property
    def lot(self) -> float:
        """Lot size as a float, base currency."""

@final
class Backtest:
    """K parameter sets (lanes) over one pass of the data of one or more instruments against the
    simulated exchange.

    `lanes`: one flat mapping per lane of dotted configuration keys to numbers, booleans or strings
    (missing keys: defaults), with several instruments a list of one mapping per instrument.
    `session` couples the instruments of a lane (guards, allocation, request windows): one flat
    mapping for all lanes or one per lane; None trades without. `sim` likewise:
    `mode` ("queue_aware"|"conservative"), `queue_model`
    ("conservative"|"power"|"log"|"calibrated"), `queue_power_n`, `partial_fills`,
    `latency_ms_mean`, `latency_ms_std`, `amend_latency_ms`, `cancel_latency_ms`,
    `response_latency_ms` (None: the feed latency of the data), `toxic_sweep_prob`,
    `extra_slippage_bps`, `reject_prob`, `max_requests_per_sec` (0 off). Fees come from
    `trading.maker_fee_bps`, `trading.taker_fee_bps`.
    """

    def __new__(
        cls,
        instruments: Instrument | Sequence[Instrument],
        lanes: Sequence[Mapping[str, Any] | Sequence[Mapping[str, Any]]],
        *,
        sim: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        session: Mapping[str, Any] | Sequence[Mapping[str, Any] | None] | None = None,
        seed: int = 42,
        threads: int = 1,
        bar_ns: int = ...,
        record: bool = False,
        curve_ns: int = ...,
        strategy: Callable[[dict[str, Any]], Sequence[tuple[str, float, float]]] | None = None,
        allocate: Callable[[dict[str, Any]], tuple[Sequence[float], float | None]] | None = None,
        journal: Mapping[str, Any] | None = None,
    ) -> Backtest:
        """`record` keeps fills, order events and a curve sampled every `curve_ns` of every lane.
        `strategy` is called on decision ticks of lanes with `strategy.kind` = "external" and
        returns (side, price, quantity) targets. `allocate` is called at a rebalance of several
        instruments with `lane`, `ts_ns`, `volas` (fraction a minute, None while unknown) and
        `turnover_usd`, and returns the weights and, if a better fee tier is worth a tilt, its
        improvement in bps. `journal` has the session of the only lane written down, see
        `take_journal`: `session_id`, `mode`, `ts_ns`, `seed`, `cid_prefix`, `config` (bytes) of its
        header, `hash_every_ns` (market time between hashes of the state), `checkpoints` (whether).
        """
    def feed(self, chunk: EventChunk, symbol: int = 0) -> None:
        """Processes a chunk, the next of its instrument, as far as all data allow, without GIL."""
    def advance(self, chunk: EventChunk | None, until_local_ns: int, symbol: int = 0) -> bool:
        """Paced driving: queues `chunk`, runs up to `until_local_ns`; True if it needs data."""
    def end(self, symbol: int) -> None:
        """No more data of an instrument will come: the others need not wait for it."""
    def watch_books(self) -> None:
        """Lanes decide as soon as a book becomes unusable or stale, as a live session does, and not
        with the next packet. Before the first data, whose rows have to come in receive order.
        """
    def hungriest(self) -> int | None:
        """The instrument whose data reach least far; None if all have ended."""
    def stop(self) -> None:
        """Cancels all orders of all lanes and quotes no more."""
    def hold(self, symbol: int, on: bool) -> None:
        """An instrument of the first lane quotes nothing from its next decision on, until that is
        lifted.
        """
    def adopt_position(self, symbol: int, lots: int, exec_px: int) -> None:
        """An instrument of the first lane has `lots` more (negative: fewer) that it did not trade
        for, booked at `exec_px` (1/10,000 tick) without a fee.
        """
    def finish(self, reason: str = "data_end") -> None:
        """Ends the run: fills waiting for markouts are resolved and the accounting identity is
        asserted (CoreError E_SIM_IDENTITY). After `advance` it ends at the time that was advanced
        to, whatever has been fed beyond it. `reason` is what a journal tells.
        """
    def take_journal(self) -> bytes:
        """Framed records of the session since the last call, see docs/journal.md. They are to be
        on the disk before the run goes on. CoreError E_BT_ARGS without `journal`,
        E_STORE_JOURNAL when a record does not fit into a frame.
        """
    def take_checkpoints(self) -> list[Checkpoint]:
        """Checkpoints since the last call, to be written after the records."""
    def apply_params(self, lane: int, params: Mapping[str, Any], symbol: int = 0) -> None:
        """Atomic parameter change of an instrument between two events."""
    def apply_session(self, lane: int, session: Mapping[str, Any]) -> None:
        """Atomic parameter change of a lane's session between two events."""
    def check_stale(self, lane: int = 0, symbol: int = 0) -> list[dict[str, Any]]:
        """Makes a lane decide now; fields of `StaleOrderAction` for what its stale guard did."""
    def session(self, lane: int = 0) -> SessionControl:
        """The session of a lane, to look at and to steer; `CoreError` if it has none."""
    @property
    def lane_count(self) -> int: ...
    @property
    def symbol_count(self) -> int: ...
    def result(self, lane: int = 0, symbol: int = 0) -> dict[str, Any]:
        """Counters and accounts of a lane, see docs/backtest.md for every key."""
    def snapshot(self, lane: int = 0, symbol: int = 0) -> dict[str, Any]:
        """Live view of a lane: book top and levels, own orders, position, PnL, edge so far,
        blocks, latency.
        """
    def take_fills(self, lane: int = 0, symbol: int = 0) -> dict[str, NDArray[Any]]:
        """Fills resolved since the last call, as columns (needs `record`)."""
    def take_order_events(self, lane: int = 0, symbol: int = 0) -> dict[str, Any]:
        """Order events since the last call, as columns (needs `record`): ts_ns, cid, event, side,
        px and qty in ticks and lots, level, color, reason, mid, queue_ahead in lots.
        """
    def take_curve(self, lane: int = 0, symbol: int = 0) -> dict[str, NDArray[Any]]:
        """Samples since the last call: ts_ns, mid, spread_bps, position, equity_usd, net_bps parts
        (needs `record`).
        """
    def state_hash(self, lane: int = 0, symbol: int = 0) -> str:
        """Hash of book, orders, position and accounts."""

# --- venue frames (crates/mmbot-py/src/feed.rs) ---------------------------------------------------

class FrameError(CoreError):
    """A frame was refused: `code` is E_MD_FRAME, `key` the symbol, `offset` the offending byte of
    the frame.
    """

    offset: int

@final
class FrameBook:
    """Order book of one symbol, fed by raw Bybit v5 `orderbook.{depth}.{symbol}` frames (the first
    depth seen stays).

    Not synced before a snapshot, after a gap, a crossed book or a refused frame of its stream; the
    next snapshot syncs it.
    """

    def __new__(cls, symbol: str, tick_size: str, lot_size: str) -> FrameBook:
        """`tick_size`, `lot_size`: decimal texts in quote and base currency; CoreError E_CFG_RANGE
        if not positive.
        """
    def apply(self, frame: bytes) -> tuple[float, float, float, float] | None:
        """Applies a frame: (best bid, its size, best ask, its size), prices in quote and sizes in
        base currency.

        None if the frame is no book frame of the symbol, the book is not synced or has one side
        only.
        Raises FrameError if the frame is malformed, a price is off the tick grid or a size
        negative.
        """
    @property
    def symbol(self) -> str: ...
    @property
    def state(self) -> str:
        """EMPTY, SYNCED or DESYNCED."""
    @property
    def snapshots(self) -> int: ...
    @property
    def gaps(self) -> int: ...
    @property
    def duplicates(self) -> int: ...
    @property
    def crossed(self) -> int: ...
    @property
    def rejected(self) -> int: ...

@final
class CaptureDecoder:
    """Decodes recorded files of one symbol: blocks of any size in, catalog columns out.

    `format`: one of `capture_formats()`. `market` picks one of several markets that trade the
    symbol in the capture ("linear",
    "spot", "usdm", ...); None takes the first that carries it. Take rows and rejects after each
    block: memory stays bounded.
    """

    def __new__(
        cls, format: str, symbol: str, tick_size: str, lot_size: str, *, market: str | None = None
    ) -> CaptureDecoder: ...
    def begin_file(self) -> None:
        """Another file follows that continues the last one: its CSV header is read again, the book
        stands.
        """
    def feed(self, data: bytes) -> None:
        """Decodes a block of the decompressed file; a line that it breaks off waits for the next.
        The GIL is released.
        """
    def finish(self) -> None:
        """End of the input: the last line counts without its newline, updates that wait for a
        snapshot are given up.
        """
    def take(self) -> dict[str, NDArray[Any]]:
        """Book rows since the last call: ts_ns, recv_ns, update_id, seq, px (ticks), qty (lots; 0
        deletes) int64;
        kind (0 snapshot row, 1 delta, 3 gap mark), side (0 bid, 1 ask) uint8. ts_ns and recv_ns
        never go back.
        """
    def take_trades(self) -> dict[str, Any]:
        """Trades since the last call: ts_ns, recv_ns, px (ticks), qty (lots) int64; side of the
        aggressor (0 buy, 1 sell)
        uint8; trade_id list[str]. Times never go back, except in `bybit-trades-csv`: sort if
        `out_of_order` > 0.
        """
    def take_rejects(self) -> list[tuple[int, int, str, str, bytes]]:
        """Refused lines since the last call: (line number from 1, offset of the offending byte,
        code, reason, line).
        """
    def stats(self) -> dict[str, int | None]:
        """Counts so far: bytes, lines, frames (book), trade_frames, snapshots, rows, trades, gaps,
        duplicates,
        before_snapshot, ignored (frames while the book was unusable), out_of_order,
        recv_out_of_order, crossed, rounded
        (sizes off the lot grid, rounded down), rejected, others, foreign, other_stream,
        reconnects; first_ts_ns,
        last_ts_ns (None before the first row).
        """
    @property
    def state(self) -> str:
        """EMPTY, SYNCED or DESYNCED."""

@final
class SymbolInfo:
    """A symbol that a capture holds. `stated`: the grid is the venue's own (instrument list in the
    capture), else it is
    the greatest step that all prices and sizes seen are multiples of.
    """

    @property
    def symbol(self) -> str: ...
    @property
    def market(self) -> str: ...
    @property
    def tick_size(self) -> str | None: ...
    @property
    def lot_size(self) -> str | None: ...
    @property
    def stated(self) -> bool: ...
    @property
    def book_frames(self) -> int: ...
    @property
    def trades(self) -> int: ...

def scan_symbols(format: str, data: bytes) -> list[SymbolInfo]:
    """Symbols with book frames or trades in `data` (whole lines of a decompressed file), sorted by
    symbol and market.
    """

def detect_format(head: bytes) -> str | None:
    """Capture format that the first lines of a decompressed file look like; None if unknown."""

def capture_formats() -> list[str]:
    """Names of all capture formats."""

@final
class MarketGenerator:
    """A seeded order-by-order market that publishes L2 rows and prints; see
    docs/synthetic-market.md.

    Regimes: calm, volatile, spike, flash_crash, liquidity_gap, mixed. Equal arguments, equal rows,
    however the chunks are cut. First comes a snapshot; `levels` levels a side are published.
    """

    def __new__(
        cls,
        seed: int,
        regime: str = "mixed",
        start_price: float = 50_000.0,
        tick_size: str = "0.1",
        lot_size: str = "0.001",
        start_ts_ns: int = 0,
        levels: int = 50,
    ) -> MarketGenerator: ...
    def next_chunk(self, max_rows: int, until_ns: int | None = None) -> EventChunk:
        """The next packets: at most `max_rows` rows (at least one packet), all before venue time
        `until_ns`; empty if
        nothing happens before it. The GIL is released.
        """
    @property
    def state(self) -> str:
        """State of the regime now: calm, volatile, spike, crash, rebound or gap."""

@final
class TapeReader:
    """Collects what stylised facts are computed from: touch changes, prints, a depth profile every
    `sample_ms`.
    """

    def __new__(cls, sample_ms: int = 1_000, profile_ticks: int = 200) -> TapeReader: ...
    def push(self, chunk: EventChunk) -> None: ...
    def to_arrays(self) -> dict[str, Any]:
        """int64 columns touch_ts, bid, ask, bid_qty, ask_qty (one row a change) and trade_ts,
        trade_px, trade_qty,
        trade_sign (+1 buyer is the aggressor), trade_touch (row of the touch before, -1 none);
        profile_lots (float64) and
        profile_hits (uint64) by ticks from the best price, depth_lots by depth_bps, all summed
        over `samples` (two a sample time, one a side); level_sum, depth_rows, prints, packets,
        unusable_packets, gaps.
        """

def score_queue_models(
    seed: int,
    models: Sequence[tuple[str, float]],
    *,
    regime: str = "mixed",
    start_price: float = 50_000.0,
    tick_size: str = "0.1",
    lot_size: str = "0.001",
    duration_ms: int = 3_600_000,
    checkpoint_ms: int = 500,
    horizon_ms: int = 5_000,
    interval_ms: int = 200,
) -> dict[str, Any]:
    """Scores queue models (name, exponent) on a generated market whose true queue is known; the
    GIL is released.

    Keys: probes, filled, initial_lots_mean, models (one entry each: model, n, queue, queue_by_age,
    fills, fill_delay_ms, probability) and truth (the truth scored as a model). Errors are means:
    mae_lots, mae_ratio, bias_ratio, rmse_ratio (of the volume ahead at the start).
    """
