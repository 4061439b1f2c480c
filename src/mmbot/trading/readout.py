"""What a screen shows: the engine's snapshot as a frozen record, and the course so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Course", "Fill", "OwnOrder", "Readout", "SymbolLine", "read_line", "read_snapshot"]

Columns = dict[str, NDArray[Any]]

# The screen needs hundreds of points, the report thousands: beyond this every second one goes.
_POINTS_MAX: Final = 200_000
_PARTS_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """A live order: open `qty` in base currency, `queue_ahead` likewise (None: not resting yet)."""

    side: str
    px: float
    qty: float
    state: str
    age_ms: float
    queue_ahead: float | None


@dataclass(frozen=True, slots=True)
class Fill:
    """A fill of ours, newest first in `Readout.last_fills`."""

    ts_ns: int
    side: str
    px: float
    qty: float
    maker: bool


@dataclass(frozen=True, slots=True)
class SymbolLine:
    """One symbol of a session of several, in a line; money in USD."""

    symbol: str
    mid: float | None
    position_usd: float
    net_pnl_usd: float
    fills: int
    orders: int
    target_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """One moment of the session; prices of an unsynced book are None, edge is in bps."""

    ts_ns: int
    elapsed_ns: int
    synced: bool
    mid: float | None
    spread_bps: float | None
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]
    orders: tuple[OwnOrder, ...]
    position: float
    position_usd: float | None
    net_pnl_usd: float
    fees_usd: float
    turnover_usd: float
    fills: int
    maker_fills: int
    edge: Mapping[str, float]
    block_counts: Mapping[str, int]
    blocked_by: Mapping[str, int]
    iterations: int
    latency_ms: Mapping[str, float]
    ws_lag_ms: Mapping[str, float]
    order_age_p95_ms: float
    vola_1m_bps: float | None
    imbalance: float
    last_fills: tuple[Fill, ...]
    risk_state: str
    market_state: str
    mids: tuple[float, ...]
    pnls: tuple[float, ...]
    lines: tuple[SymbolLine, ...] = ()

    @property
    def blocks(self) -> int:
        """Refusals of all reasons."""
        return sum(self.block_counts.values())


@dataclass(slots=True)
class Course:
    """The sampled course of a session, kept in bounded memory."""

    parts: list[Columns] = field(default_factory=list)
    points: int = 0

    def add(self, columns: Columns, *, thin: bool = True) -> None:
        """Append what the engine has taken since the last call; `thin` bounds the memory."""
        count = len(next(iter(columns.values()), ()))
        if not count:
            return
        self.parts.append(columns)
        self.points += count
        if thin and self.points > _POINTS_MAX:
            halved = {name: column[::2] for name, column in self.columns().items()}
            self.parts = [halved]
            self.points = len(halved["ts_ns"])
        elif len(self.parts) > _PARTS_MAX:
            # An array of one sample takes ten times its room.
            self.columns()

    def columns(self) -> Columns:
        """All samples; empty if there are none."""
        if not self.parts:
            return {}
        if len(self.parts) > 1:
            names = self.parts[0].keys()
            self.parts = [{n: np.concatenate([part[n] for part in self.parts]) for n in names}]
        return self.parts[0]

    def tail(self, name: str, count: int) -> tuple[float, ...]:
        """The last `count` finite samples of a column."""
        found: list[float] = []
        for part in reversed(self.parts):
            column = part[name]
            found = [*column[np.isfinite(column)][-count:].tolist(), *found]
            if len(found) >= count:
                break
        return tuple(found[-count:])


def read_line(symbol: str, snapshot: Mapping[str, Any]) -> SymbolLine:
    """Read the engine's snapshot of one symbol as a line."""
    return SymbolLine(
        symbol=symbol,
        mid=snapshot["mid"],
        position_usd=float(snapshot["position_usd"] or 0.0),
        net_pnl_usd=float(snapshot["net_pnl_usd"]),
        fills=int(snapshot["fills_total"]),
        orders=len(snapshot["orders"]),
        target_usd=float(snapshot["target_usd"]),
    )


def read_snapshot(
    snapshot: Mapping[str, Any],
    *,
    start_ns: int,
    market_state: str,
    course: Course,
    points: int,
    lines: tuple[SymbolLine, ...] = (),
) -> Readout:
    """Read the engine's snapshot; `points` samples of the course go along for the spark lines.

    `lines` are those of all symbols of a session of several.
    """
    ts_ns = int(snapshot["ts_local_ns"])
    return Readout(
        ts_ns=ts_ns,
        elapsed_ns=max(0, ts_ns - start_ns),
        synced=bool(snapshot["synced"]),
        mid=snapshot["mid"],
        spread_bps=snapshot["spread_bps"],
        bids=tuple(snapshot["bids"]),
        asks=tuple(snapshot["asks"]),
        orders=tuple(OwnOrder(**order) for order in snapshot["orders"]),
        position=float(snapshot["position"]),
        position_usd=snapshot["position_usd"],
        net_pnl_usd=float(snapshot["net_pnl_usd"]),
        fees_usd=float(snapshot["fees_usd"]),
        turnover_usd=float(snapshot["turnover_usd"]),
        fills=int(snapshot["fills_total"]),
        maker_fills=int(snapshot["maker_fills"]),
        edge=snapshot["edge"],
        block_counts=snapshot["block_counts"],
        blocked_by=snapshot["blocked_by"],
        iterations=int(snapshot["total_iterations"]),
        latency_ms=snapshot["latency_ms"],
        ws_lag_ms=snapshot["ws_lag_ms"],
        order_age_p95_ms=float(snapshot["order_age_p95_ms"]),
        vola_1m_bps=snapshot["vola_1m_bps"],
        imbalance=float(snapshot["imbalance"]),
        last_fills=tuple(Fill(*fill) for fill in reversed(snapshot["last_fills"])),
        risk_state=str(snapshot["risk_state"]),
        market_state=market_state,
        mids=course.tail("mid", points),
        pnls=course.tail("net_pnl_usd", points),
        lines=lines,
    )
