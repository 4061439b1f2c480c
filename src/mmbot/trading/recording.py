"""What a session leaves for research: its market, its orders, its fills."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from mmbot import core
from mmbot.errors import MarketDataError, StoreError
from mmbot.market.recorder import MarketRecorder, RecorderCounters
from mmbot.market.schema import OWN_STREAMS, STREAMS
from mmbot.trading.session import Taken

__all__ = ["RecordingCompanion", "recorded_line"]

_ALL: Final = (*STREAMS, *OWN_STREAMS)


class RecordingCompanion:
    """Gives a recorder what the engine is fed with and what it reports.

    Args:
        recorder: not started yet.
        log: takes marker lines.
    """

    def __init__(self, recorder: MarketRecorder, log: Callable[[str], None]) -> None:
        self._recorder = recorder
        self._log = log

    def begin(self, engine: core.Backtest, market_ns: int) -> None:
        """See `Companion`."""
        del engine, market_ns
        self._recorder.start()

    def on_chunk(self, symbol: int, chunk: core.EventChunk) -> None:
        """See `Companion`."""
        self._recorder.market(symbol, chunk)

    def step(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """See `Companion`."""
        del engine, market_ns
        for at, one in enumerate(taken):
            self._recorder.own(at, orders=one.order_events, fills=one.fills)

    def close(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """See `Companion`. What could not be written is said and counted, the session ends well."""
        self.step(engine, market_ns, taken)
        try:
            self._recorder.close()
        except (MarketDataError, StoreError) as exc:
            self._log(f"| recorder | ERROR | {exc} |")
        self._log(recorded_line(self._recorder.counters()))


def recorded_line(counters: RecorderCounters) -> str:
    """The marker line at the end: rows by stream, and everything that went wrong."""
    rows = " ".join(
        f"{stream}={counters.rows[stream]}" for stream in _ALL if stream in counters.rows
    )
    problems = {
        "dropped_book_rows": counters.dropped_book_rows,
        "adjusted": counters.adjusted,
        "errors": sum(counters.errors.values()),
        "lost": sum(counters.lost.values()),
    }
    said = "".join(f" {name}={count}" for name, count in problems.items() if count)
    return f"| recorder | CLOSED | {rows}{said} |"
