"""Private Rust extension; import it through `mmbot.core` only."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

I64: TypeAlias = NDArray[np.int64]
I32: TypeAlias = NDArray[np.int32]
U8: TypeAlias = NDArray[np.uint8]
F64: TypeAlias = NDArray[np.float64]

class CoreError(ValueError):
    """Input that the core refused. `code` is a registered error code, `key` what it is about."""

    code: str
    key: str

@final
class Instrument:
    """Grids and minimums of one linear instrument; decimal texts keep them exact."""

    def __init__(
        self,
        symbol: str,
        tick_size: str,
        lot_size: str,
        *,
        min_qty: str = "0",
        min_notional_usd: float = 0.0,
        quote_usd: float = 1.0,
    ) -> None: ...
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
class EventChunk:
    """Market rows of one instrument in exchange order (flags, px ticks, qty lots, ts_exch ns, ts_local ns).

    Flags: bits 0-1 kind (0 depth, 1 trade, 2 reset, 3 gap), bit 2 side (0 bid or buy aggressor), bit 3 last row of a packet.
    """

    @staticmethod
    def from_arrays(flags: U8, px: I32, qty: I64, ts_exch: I64, ts_local: I64) -> EventChunk:
        """Copies and validates columns; rows must be in exchange order. Rows out of receive order get a permutation."""
    def __len__(self) -> int: ...
    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of the columns: flags, px, qty, ts_exch, ts_local."""
    @property
    def first_ts_ns(self) -> int: ...
    @property
    def last_ts_ns(self) -> int: ...

@final
class StreamMerger:
    """Merges the book and trade streams of the catalog into chunks for the engine, in bounded memory.

    Push batches of either stream in order, tell which stream has ended, and take chunks: a chunk holds all rows
    that no later batch can precede, in exchange order and in receive order. Trades come before depth rows of equal time.
    """

    def __init__(self) -> None: ...
    def push_book(self, ts_ns: I64, recv_ns: I64, update_id: I64, kind: U8, side: U8, px: I64, qty: I64) -> None:
        """Rows of stream `book`: kind 0 snapshot row, 1 delta, 3 gap mark; qty 0 deletes. A change of `update_id`
        ends a packet; the first snapshot row after anything else is preceded by a reset."""
    def push_trades(self, ts_ns: I64, recv_ns: I64, side: U8, px: I64, qty: I64) -> None: ...
    def end_book(self) -> None: ...
    def end_trades(self) -> None: ...
    @property
    def wants(self) -> str:
        """Which stream is needed next to make progress: "book", "trades" or "" (nothing)."""
    def take(self) -> EventChunk | None:
        """Next chunk, or None if more input is needed (or all is taken)."""

@final
class Backtest:
    """K parameter sets (lanes) over one pass of one instrument's data against the simulated exchange.

    `lanes`: one flat mapping per lane of dotted configuration keys to numbers, booleans or strings (missing keys:
    defaults), `sim` likewise (one mapping for all lanes, or one per lane): `mode` ("queue_aware"|"conservative"), `queue_model`
    ("conservative"|"power"|"log"|"calibrated"), `queue_power_n`, `latency_ms_mean`, `latency_ms_std`, `amend_latency_ms`,
    `cancel_latency_ms`, `response_latency_ms` (None: the feed latency of the data), `toxic_sweep_prob`, `extra_slippage_bps`,
    `reject_prob`, `max_requests_per_sec` (0 off). Fees come from `trading.maker_fee_bps`, `trading.taker_fee_bps`.
    """

    def __init__(
        self,
        instrument: Instrument,
        lanes: Sequence[Mapping[str, Any]],
        *,
        sim: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        seed: int = 42,
        threads: int = 1,
        bar_ns: int = 3_600_000_000_000,
        record: bool = False,
        curve_ns: int = 1_000_000_000,
        strategy: Callable[[dict[str, Any]], Sequence[tuple[str, float, float]]] | None = None,
    ) -> None:
        """`record` keeps fills, a curve sampled every `curve_ns` and block times of every lane. `strategy` is called on decision
        ticks of lanes with `strategy.kind` = "external" and returns (side, price, quantity) targets."""
    def feed(self, chunk: EventChunk) -> None:
        """Processes a chunk; the GIL is released. Chunks must come in order."""
    def advance(self, chunk: EventChunk | None, until_local_ns: int) -> bool:
        """Paced driving: queues `chunk` and processes up to local time `until_local_ns`; True if more data are needed."""
    def stop(self) -> None:
        """Cancels all orders of all lanes and quotes no more."""
    def finish(self) -> None:
        """Ends the run: fills waiting for markouts are resolved and the accounting identity is asserted (CoreError E_SIM_IDENTITY)."""
    def apply_params(self, lane: int, params: Mapping[str, Any]) -> None:
        """Atomic parameter change between two events."""
    @property
    def lane_count(self) -> int: ...
    def result(self, lane: int = 0) -> dict[str, Any]:
        """Counters and accounts of a lane, see docs/backtest.md for every key."""
    def snapshot(self, lane: int = 0) -> dict[str, Any]:
        """Live view of a lane: book top and levels, own orders, position, PnL, edge so far, blocks, latency."""
    def take_fills(self, lane: int = 0) -> dict[str, NDArray[Any]]:
        """Fills resolved since the last call, as columns (needs `record`)."""
    def take_curve(self, lane: int = 0) -> dict[str, NDArray[Any]]:
        """Samples since the last call: ts_ns, mid, spread_bps, position, equity_usd, net_bps parts (needs `record`)."""
    def state_hash(self, lane: int = 0) -> str:
        """Hash of book, orders, position and accounts."""

# --- venue frames (crates/mmbot-py/src/feed.rs) ---------------------------------------------------

class FrameError(CoreError):
    """A frame was refused: `code` is E_MD_FRAME, `key` the symbol, `offset` the offending byte of the frame."""

    offset: int

@final
class FrameBook:
    """Order book of one symbol, fed by raw Bybit v5 `orderbook.{depth}.{symbol}` frames (the first depth seen stays).

    Not synced before a snapshot, after a gap, a crossed book or a refused frame of its stream; the next snapshot syncs it.
    """

    def __init__(self, symbol: str, tick_size: str, lot_size: str) -> None:
        """`tick_size`, `lot_size`: decimal texts in quote and base currency; CoreError E_CFG_RANGE if not positive."""
    def apply(self, frame: bytes) -> tuple[float, float, float, float] | None:
        """Applies a frame: (best bid, its size, best ask, its size), prices in quote and sizes in base currency.

        None if the frame is no book frame of the symbol, the book is not synced or has one side only.
        Raises FrameError if the frame is malformed, a price is off the tick grid or a size negative.
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

    `format`: one of `capture_formats()`. `market` picks one of several markets that trade the symbol in the capture ("linear",
    "spot", "usdm", ...); None takes the first that carries it. Take rows and rejects after each block: memory stays bounded.
    """

    def __init__(
        self, format: str, symbol: str, tick_size: str, lot_size: str, *, market: str | None = None
    ) -> None: ...
    def begin_file(self) -> None:
        """Another file follows that continues the last one: its CSV header is read again, the book stands."""
    def feed(self, data: bytes) -> None:
        """Decodes a block of the decompressed file; a line that it breaks off waits for the next. The GIL is released."""
    def finish(self) -> None:
        """End of the input: the last line counts without its newline, updates that wait for a snapshot are given up."""
    def take(self) -> dict[str, NDArray[Any]]:
        """Book rows since the last call: ts_ns, recv_ns, update_id, seq, px (ticks), qty (lots; 0 deletes) int64;
        kind (0 snapshot row, 1 delta, 3 gap mark), side (0 bid, 1 ask) uint8. ts_ns and recv_ns never go back."""
    def take_trades(self) -> dict[str, Any]:
        """Trades since the last call: ts_ns, recv_ns, px (ticks), qty (lots) int64; side of the aggressor (0 buy, 1 sell)
        uint8; trade_id list[str]. Times never go back, except in `bybit-trades-csv`: sort if `out_of_order` > 0."""
    def take_rejects(self) -> list[tuple[int, int, str, str, bytes]]:
        """Refused lines since the last call: (line number from 1, offset of the offending byte, code, reason, line)."""
    def stats(self) -> dict[str, int | None]:
        """Counts so far: bytes, lines, frames (book), trade_frames, snapshots, rows, trades, gaps, duplicates,
        before_snapshot, ignored (frames while the book was unusable), out_of_order, recv_out_of_order, crossed, rounded
        (sizes off the lot grid, rounded down), rejected, others, foreign, other_stream, reconnects; first_ts_ns,
        last_ts_ns (None before the first row)."""
    @property
    def state(self) -> str:
        """EMPTY, SYNCED or DESYNCED."""

@final
class SymbolInfo:
    """A symbol that a capture holds. `stated`: the grid is the venue's own (instrument list in the capture), else it is
    the greatest step that all prices and sizes seen are multiples of."""

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
    """Symbols with book frames or trades in `data` (whole lines of a decompressed file), sorted by symbol and market."""

def detect_format(head: bytes) -> str | None:
    """Capture format that the first lines of a decompressed file look like; None if unknown."""

def capture_formats() -> list[str]:
    """Names of all capture formats."""
