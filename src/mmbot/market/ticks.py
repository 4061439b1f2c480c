"""Tick JSONL: one line per change of the best quotes, with the prints since the line before.

::

    {"ts_ms":1700000000000,"bid":100.0,"ask":100.1,"bid_qty":2.0,"ask_qty":1.5,
     "trades":[{"px":100.1,"qty":0.2,"side":"buy"}],"symbol":"BTCUSDT"}

`ts_ms`, `bid` and `ask` are required, sizes default to 1, the symbol to ``SYM``; `trades` may also
be a number of prints, from which no volume is inferred. Numbers are read as decimals, so that
nothing is rounded on the way to the grid. A best size of 0 means an unknown size and is read as one
lot.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from mmbot.units import INT64_MAX, NS_PER_MS

__all__ = ["DEFAULT_SYMBOL", "Tick", "TickError", "TickPrint", "parse_tick"]

DEFAULT_SYMBOL: Final = "SYM"
_ONE: Final = Decimal(1)
_SIDES: Final = {"buy": 0, "sell": 1}


class TickError(Exception):
    """Why a line was refused: `detail` is one of the loader's words, `reason` says more."""

    def __init__(self, detail: str, reason: str) -> None:
        super().__init__(detail, reason)
        self.detail = detail
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TickPrint:
    """A trade; side 0 when the buyer was the aggressor."""

    px: Decimal
    qty: Decimal
    side: int


@dataclass(frozen=True, slots=True)
class Tick:
    """One line."""

    ts_ns: int
    symbol: str
    bid: Decimal
    ask: Decimal
    bid_qty: Decimal
    ask_qty: Decimal
    prints: tuple[TickPrint, ...]


def parse_tick(line: bytes, *, last_ts_ns: int) -> Tick:
    """Reads one line; `last_ts_ns` is the time of the line before (0 at the start).

    Raises:
        TickError: `missing_field`, `bad_ts`, `bad_json`, `bad_value`, `time_reversed` or `crossed`.
    """
    row = _object(line)
    for name in ("ts_ms", "bid", "ask"):
        if name not in row:
            raise TickError("missing_field", name)
    ts_ns = _time_ns(row["ts_ms"])
    bid, ask = (_number(row[name], name, positive=True) for name in ("bid", "ask"))
    bid_qty, ask_qty = (
        _number(row.get(name, _ONE), name, positive=False) for name in ("bid_qty", "ask_qty")
    )
    symbol = row.get("symbol", DEFAULT_SYMBOL)
    if not isinstance(symbol, str) or not symbol:
        raise TickError("bad_value", "symbol is not text")
    prints = _prints(row.get("trades", 0))
    if bid >= ask:
        raise TickError("crossed", f"bid {bid} is not below ask {ask}")
    if ts_ns < last_ts_ns:
        raise TickError("time_reversed", f"{row['ts_ms']} is before the line above")
    return Tick(ts_ns, symbol.upper(), bid, ask, bid_qty, ask_qty, prints)


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        row = json.loads(line.decode("ascii"), parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, InvalidOperation, RecursionError) as exc:
        raise TickError("bad_json", str(exc)) from exc
    if not isinstance(row, dict):
        raise TickError("bad_json", "is not an object")
    return row


def _refuse_constant(word: str) -> NoReturn:
    raise TickError("bad_value", f"{word} is not a finite number")


def _time_ns(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TickError("bad_ts", f"ts_ms is not a whole number: {value}")
    if not 0 <= value <= INT64_MAX // NS_PER_MS:
        raise TickError("bad_ts", f"ts_ms is out of range: {value}")
    return value * NS_PER_MS


def _number(value: object, name: str, *, positive: bool) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TickError("bad_value", f"{name} is not a number")
    number = Decimal(value)
    if not number.is_finite() or number < 0 or (positive and number == 0):
        raise TickError("bad_value", f"{name} is {number}")
    return number


def _prints(value: object) -> tuple[TickPrint, ...]:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return ()
    if not isinstance(value, list):
        raise TickError("bad_value", "trades is neither a list nor a number")
    return tuple(_print(item) for item in value)


def _print(item: object) -> TickPrint:
    if not isinstance(item, dict):
        raise TickError("bad_value", "a trade is not an object")
    for name in ("px", "qty", "side"):
        if name not in item:
            raise TickError("missing_field", f"trades.{name}")
    if item["side"] not in _SIDES:
        raise TickError("bad_value", "trades.side is neither buy nor sell")
    px, qty = (_number(item[name], f"trades.{name}", positive=True) for name in ("px", "qty"))
    return TickPrint(px, qty, _SIDES[item["side"]])
