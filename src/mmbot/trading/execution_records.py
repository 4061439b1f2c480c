"""The execution recorder's lines of a session: requests, what the venue made of them, executions.

`order` is a new order on its way, `fill` its acceptance and `reject` its refusal by the venue (what
the statistics per colour count), `exec` an execution. An execution is told when its markout is
known, so its line comes after those of later events; its time is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from mmbot import core
from mmbot.errors import StoreError
from mmbot.market.exec_recorder import ExecEvent, ExecRecorder
from mmbot.trading.session import Taken
from mmbot.units import NS_PER_MS

__all__ = ["ExecutionCompanion", "ExecutionSymbol", "OrderMemory", "exec_events"]

_KINDS: Final[Mapping[str, Literal["order", "fill", "reject"]]] = {
    "intent_place": "order",
    "ack": "fill",
    "reject": "reject",
}
# Orders whose executions may still come; those of older ones have come.
_ORDERS_MAX: Final = 100_000
# 499971 ticks of 0.1 are 49997.1, not 49997.100000000006.
_DECIMALS: Final = 10


@dataclass(frozen=True, slots=True)
class ExecutionSymbol:
    """A symbol with its steps (quote and base currency) and the texts of its order ids."""

    symbol: str
    tick: float
    lot: float
    cid_text: Callable[[int], str]


class OrderMemory:
    """What is known of the orders of one symbol: colours, and which were not answered yet."""

    def __init__(self) -> None:
        self.colors: dict[int, str] = {}
        self.unanswered: set[int] = set()

    def note(self, cid: int, color: str) -> None:
        """Remember an order; the oldest is forgotten when there are too many."""
        if len(self.colors) >= _ORDERS_MAX:
            self.colors.pop(next(iter(self.colors)))
        self.colors[cid] = color


class ExecutionCompanion:
    """Passes a session's order events and fills to the recorder.

    Args:
        recorder: on.
        symbols: in the engine's order.
        log: takes marker lines.
    """

    def __init__(
        self,
        recorder: ExecRecorder,
        symbols: Sequence[ExecutionSymbol],
        log: Callable[[str], None],
    ) -> None:
        self.recorder = recorder
        self._symbols = tuple(symbols)
        self._orders = [OrderMemory() for _ in symbols]
        self._log = log

    def begin(self, engine: core.Backtest, market_ns: int) -> None:
        """See `Companion`."""

    def on_chunk(self, symbol: int, chunk: core.EventChunk) -> None:
        """See `Companion`."""

    def step(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """See `Companion`."""
        del engine, market_ns
        for symbol, orders, one in zip(self._symbols, self._orders, taken, strict=True):
            for event in exec_events(symbol, orders, one):
                self.recorder.record(event)

    def close(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """See `Companion`."""
        self.step(engine, market_ns, taken)
        try:
            self.recorder.close()
        except StoreError as exc:
            self._log(f"| exec_recorder | ERROR | {exc} |")
        if self.recorder.dropped:
            self._log(f"| exec_recorder | WARN | dropped={self.recorder.dropped} |")


def exec_events(symbol: ExecutionSymbol, orders: OrderMemory, taken: Taken) -> Iterator[ExecEvent]:
    """The lines of one step of one symbol; `orders` remembers what later steps need."""
    columns: Mapping[str, Any] = taken.order_events
    if len(columns.get("ts_ns", ())):
        names = ("ts_ns", "cid", "event", "side", "px", "qty", "color")
        for ts_ns, cid, event, side, px, qty, color in zip(
            *(_listed(columns[name]) for name in names), strict=True
        ):
            kind = _KINDS.get(event)
            if kind == "order":
                orders.note(cid, color)
                orders.unanswered.add(cid)
            elif kind is None or cid not in orders.unanswered:
                # A change or a cancel that was refused is no refusal of the order.
                continue
            else:
                orders.unanswered.discard(cid)
            yield ExecEvent(
                cid=symbol.cid_text(cid),
                color="green" if color == "green" else "blue",
                kind=kind,
                price=round(px * symbol.tick, _DECIMALS),
                qty=round(qty * symbol.lot, _DECIMALS),
                side="Sell" if side else "Buy",
                symbol=symbol.symbol,
                ts_ms=ts_ns // NS_PER_MS,
            )
    yield from _executions(symbol, orders, taken.fills)


def _executions(
    symbol: ExecutionSymbol, orders: OrderMemory, columns: Mapping[str, Any]
) -> Iterator[ExecEvent]:
    if not len(columns.get("ts_ns", ())):
        return
    names = ("ts_local_ns", "cid", "side", "px", "qty")
    for ts_ns, cid, side, px, qty in zip(*(_listed(columns[name]) for name in names), strict=True):
        yield ExecEvent(
            cid=symbol.cid_text(cid),
            color="green" if orders.colors.get(cid) == "green" else "blue",
            kind="exec",
            price=round(px, _DECIMALS),
            qty=round(qty, _DECIMALS),
            side="Sell" if side < 0 else "Buy",
            symbol=symbol.symbol,
            ts_ms=ts_ns // NS_PER_MS,
        )


def _listed(values: Any) -> list[Any]:  # noqa: ANN401 -- a numpy array or a list
    return values.tolist() if hasattr(values, "tolist") else list(values)
