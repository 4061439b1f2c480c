"""What mode shadow adds to a session.

The market as it is journalled goes to the virtual orders, too, and it is told how far quotes are
from the touch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mmbot import core
from mmbot.trading.live.desk import JournalFile

if TYPE_CHECKING:
    from mmbot.trading.live.shell import Shell

__all__ = ["MarketTap", "ShadowWatch", "shadow_line"]

_RECORDS_MAX: Final = 1 << 20


@dataclass(slots=True)
class MarketTap:
    """A `JournalFile` that hands market rows on once they are written.

    Attributes:
        journal: where records go.
        symbols: in the session's order.
        on_rows: takes the rows of a symbol, in exchange order.
    """

    journal: JournalFile
    symbols: Sequence[str]
    on_rows: Callable[[str, core.EventChunk], None]
    _newest_ns: dict[str, int] = field(default_factory=dict)

    def append(self, frames: bytes, *, settled: bool = True) -> None:
        """See `JournalFile`."""
        self.journal.append(frames, settled=settled)
        decoder = core.JournalDecoder()
        decoder.feed(frames)
        for record in decoder.take(_RECORDS_MAX, kinds=("market_rows",), rows=True):
            symbol = self.symbols[record["instrument"]]
            self.on_rows(symbol, self._chunk(symbol, record["columns"]))

    def settle(self) -> None:
        """See `JournalFile`."""
        self.journal.settle()

    def retry(self) -> None:
        """See `JournalFile`."""
        self.journal.retry()

    def rehearse(self) -> None:
        """See `JournalFile`."""
        self.journal.rehearse()

    def _chunk(self, symbol: str, columns: dict[str, Any]) -> core.EventChunk:
        """Books and trades come by different ways: what is late counts as of the newest."""
        times = np.maximum(columns["ts_exch"], self._newest_ns.get(symbol, 0))
        times = np.maximum.accumulate(times)
        self._newest_ns[symbol] = int(times[-1])
        return core.EventChunk.from_arrays(
            columns["flags"],
            columns["px"].astype(np.int32),
            columns["qty"],
            times,
            columns["ts_local"],
        )


@dataclass(slots=True)
class ShadowWatch:
    """A `Watch` that logs when quotes go too far from the touch, once per crossing."""

    async def look(self, shell: Shell, now_ns: int) -> None:
        """See `Watch`."""
        del now_ns
        control = shell.desk.core.session()
        for event in control.take_events():
            if event["name"] == "shadow":
                figures = control.state()["by_symbol"][event["symbol"]]["shadow"]
                shell.log(
                    f"| shadow | WARN | symbol={event['symbol']}"
                    f" avg_price_diff_bps={figures['price_diff_bps_avg']}"
                    f" avg_size_diff_pct={figures['size_diff_pct_avg']} |"
                )


def shadow_line(session: core.SessionControl) -> str:
    """Statistics over all symbols, for the end."""
    state = session.state()
    orders = sum(one["shadow"]["orders_total"] for one in state["by_symbol"].values())
    stats = state["shadow_stats"] or {}
    figures = " ".join(f"{name}={value}" for name, value in sorted(stats.items()))
    return f"| shadow | OK | orders={orders}{' ' if figures else ''}{figures} |"
