"""Fills and quotes of a simulated run as the JSON lines that `mmbot edge audit` reads.

A trade line carries the mids and the reference price that the engine decided and was filled with,
so that an audit of the export arrives at the engine's own components.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from mmbot.store.artifacts import open_atomic
from mmbot.store.canonical import canonical_json
from mmbot.units import BPS_PER_UNIT, NS_PER_MS

__all__ = ["FillExport", "export_to"]

# Prices of a cheap coin need more decimals than a report's numbers.
_DECIMALS: Final = 12


class FillExport:
    """Writes trade and quote lines as a run goes on; either file may be missing."""

    def __init__(self, trades: BinaryIO | None, quotes: BinaryIO | None) -> None:
        self._trades = trades
        self._quotes = quotes
        self._count = 0

    def fills(self, symbol: str, columns: Mapping[str, NDArray[Any]]) -> None:
        """Append fills as `mmbot.core.Backtest.take_fills` gives them."""
        if self._trades is None:
            return
        rows = zip(*(columns[name].tolist() for name in _FILL_COLUMNS), strict=True)
        for row in rows:
            self._count += 1
            line = _trade_line(symbol, self._count, **dict(zip(_FILL_COLUMNS, row, strict=True)))
            self._trades.write(canonical_json(line, dp=_DECIMALS))

    def curve(self, symbol: str, columns: Mapping[str, NDArray[Any]]) -> None:
        """Append a quote per sample of `mmbot.core.Backtest.take_curve` that has a market."""
        names = ("ts_ns", "mid", "spread_bps")
        for ts_ns, mid, spread_bps in zip(*(columns[n].tolist() for n in names), strict=True):
            self._quote(symbol, ts_ns, mid, spread_bps)

    def end(self, symbol: str, result: Mapping[str, Any]) -> None:
        """Append the quote that the engine marked its last position with."""
        self._quote(symbol, int(result["last_ts_ns"]), float(result["final_mid"]), 0.0)

    def _quote(self, symbol: str, ts_ns: int, mid: float, spread_bps: float) -> None:
        if self._quotes is None or not np.isfinite(mid) or mid <= 0.0:
            return
        half = 0.5 * mid * (spread_bps if np.isfinite(spread_bps) else 0.0) / BPS_PER_UNIT
        line = {
            "symbol": symbol,
            "ts_ms": ts_ns / NS_PER_MS,
            "best_bid": mid - half,
            "best_ask": mid + half,
        }
        self._quotes.write(canonical_json(line, dp=_DECIMALS))


_FILL_COLUMNS: Final = (
    "ts_ns",
    "cid",
    "side",
    "px",
    "qty",
    "fee_usd",
    "maker",
    "mid_decision",
    "ref_px",
    "mid_before",
    "mid_after",
    "order_age_ms",
)


def _trade_line(symbol: str, number: int, **fill: Any) -> dict[str, Any]:  # noqa: ANN401
    notional = fill["px"] * fill["qty"]
    return {
        "symbol": symbol,
        "ts_ms": fill["ts_ns"] / NS_PER_MS,
        "side": "B" if fill["side"] > 0 else "S",
        "price": fill["px"],
        "qty": fill["qty"],
        "fee_bps": BPS_PER_UNIT * fill["fee_usd"] / notional,
        "is_maker": fill["maker"],
        "mid_decision": fill["mid_decision"],
        "ref_price": fill["ref_px"],
        "mid_before": fill["mid_before"],
        "mid_after_1s": fill["mid_after"],
        "order_age_ms": fill["order_age_ms"],
        # Two partial fills of an order may be alike in everything; they are no repeats.
        "cid": f"{fill['cid']}/{number}",
    }


@contextlib.contextmanager
def export_to(trades: Path | None, quotes: Path | None) -> Iterator[FillExport | None]:
    """Files that appear whole when the block ends well, and not at all otherwise."""
    if trades is None and quotes is None:
        yield None
        return
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(open_atomic(p)) if p else None for p in (trades, quotes)]
        yield FillExport(*files)
