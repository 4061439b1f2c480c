"""The view without a terminal: one ASCII line a second of wall time."""

from __future__ import annotations

from typing import Final, TextIO

from mmbot import clock
from mmbot.trading.readout import Readout
from mmbot.units import NS_PER_SEC, format_utc

__all__ = ["HeadlessDisplay", "headless_line"]

_PERIOD_NS: Final = NS_PER_SEC


def headless_line(readout: Readout, *, decimals: int) -> str:
    """``2026-01-01T00:00:10Z mid=50000.05 spread_bps=0.02 pos=+0.010 pnl_usd=+1.20 ...``."""
    mid = "-" if readout.mid is None else f"{readout.mid:.{decimals + 1}f}"
    spread = "-" if readout.spread_bps is None else f"{readout.spread_bps:.2f}"
    if readout.lines:
        return _several(readout)
    return (
        f"{format_utc(readout.ts_ns)} mid={mid} spread_bps={spread} "
        f"pos={readout.position:+.4f} pnl_usd={readout.net_pnl_usd + 0.0:+.2f} "
        f"fills={readout.fills} net_bps={float(readout.edge['net_bps']):+.3f} "
        f"blocks={readout.blocks}"
    )


def _several(readout: Readout) -> str:
    """Sums over the symbols: ``2026-01-01T00:00:10Z symbols=3 gross_usd=... pnl_usd=...``."""
    lines = readout.lines
    return (
        f"{format_utc(readout.ts_ns)} symbols={len(lines)} "
        f"gross_usd={sum(abs(line.position_usd) for line in lines):.2f} "
        f"pnl_usd={sum(line.net_pnl_usd for line in lines) + 0.0:+.2f} "
        f"fills={sum(line.fills for line in lines)} "
        f"orders={sum(line.orders for line in lines)} "
        f"target_usd={sum(line.target_usd for line in lines):.2f} risk={readout.risk_state}"
    )


class HeadlessDisplay:
    """Writes a line at most once a second of wall time, and flushes it."""

    def __init__(self, stream: TextIO, *, decimals: int) -> None:
        self._stream = stream
        self._decimals = decimals
        self._next_ns = 0

    def show(self, readout: Readout) -> None:
        """Print the readout if a second has passed since the last line."""
        now_ns = clock.monotonic_ns()
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + _PERIOD_NS
        self._stream.write(headless_line(readout, decimals=self._decimals) + "\n")
        self._stream.flush()
