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
