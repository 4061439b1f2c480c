"""Trade, quote and action lines of an edge audit: JSON lines in, checked records out.

A line that cannot be used is counted and left out; the audit goes on. Times are milliseconds, with
a fraction where the source has one.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from mmbot.errors import InputError
from mmbot.research.metrics import BLOCK_REASONS

__all__ = [
    "ActionCounts",
    "QuoteLine",
    "ReadyEdge",
    "TradeLine",
    "read_actions",
    "read_quotes",
    "read_trades",
]

_READY: Final = ("gross", "fee", "slippage", "adverse", "inventory")
_SIDES: Final = {"b": 1, "buy": 1, "s": -1, "sell": -1}
_Record = TypeVar("_Record")


class _BadLineError(Exception):
    """The line cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyEdge:
    """Components of a fill that its line brings along, bps of its notional; costs are positive."""

    gross_bps: float
    fee_bps: float
    slippage_bps: float
    adverse_bps: float
    inventory_bps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeLine:
    """One own fill; prices in USD per unit, absent values are None and filled in from quotes."""

    symbol: str
    ts_ms: float
    side: int
    price: float
    qty: float
    fee_bps: float
    is_maker: bool
    mid_before: float | None
    mid_after: float | None
    mid_decision: float | None
    ref_price: float | None
    ts_decision_ms: float | None
    order_age_ms: float | None
    cid: str | None
    ready: ReadyEdge | None = None


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """The market's best quotes at one instant, as their middle."""

    symbol: str
    ts_ms: float
    mid: float


@dataclass(slots=True)
class ActionCounts:
    """What an order-action log says about one symbol."""

    replaces: int = 0
    cancels: int = 0
    attempts: int = 0
    blocks: Counter[str] = field(default_factory=Counter)


def read_trades(path: Path) -> tuple[list[TradeLine], int]:
    """Fills in the order of the file, and the number of lines that were rejected.

    Raises:
        InputError: ``E_EDGE_IO``.
    """
    return _read(path, _trade)


def read_quotes(path: Path) -> tuple[list[QuoteLine], int]:
    """Quotes in the order of the file, and the number of lines that were rejected.

    Raises:
        InputError: ``E_EDGE_IO``.
    """
    return _read(path, _quote)


def read_actions(path: Path) -> tuple[dict[str, ActionCounts], int]:
    """Counts of every symbol from ``REPLACE`` and ``CANCEL`` records, and rejected lines.

    Raises:
        InputError: ``E_EDGE_IO``.
    """
    counts: dict[str, ActionCounts] = {}
    records, rejected = _read(path, _action)
    for symbol, kind, fields in records:
        of_symbol = counts.setdefault(symbol, ActionCounts())
        number = _count(fields)
        of_symbol.attempts += number
        if kind == "CANCEL":
            of_symbol.cancels += number
        elif fields.get("allowed"):
            of_symbol.replaces += number
        elif fields.get("reason") in BLOCK_REASONS:
            of_symbol.blocks[str(fields["reason"])] += number
    return counts, rejected


def _read(path: Path, parse: Callable[[Mapping[str, Any]], _Record]) -> tuple[list[_Record], int]:
    records, rejected = [], 0
    for line in _lines(path):
        try:
            records.append(parse(_object(line)))
        except _BadLineError:
            rejected += 1
    return records, rejected


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            for line in file:
                if line.strip():
                    yield line
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise InputError("E_EDGE_IO", f"file={path}", f"cannot be read: {reason}") from exc


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise _BadLineError from exc
    if not isinstance(value, dict):
        raise _BadLineError
    return value


def _trade(row: Mapping[str, Any]) -> TradeLine:
    side = row.get("side")
    if not isinstance(side, str) or side.lower() not in _SIDES:
        raise _BadLineError
    fee_bps = _optional(row, "fee_bps")
    cid = row.get("cid")
    return TradeLine(
        symbol=_symbol(row),
        ts_ms=_number(row, "ts_ms"),
        side=_SIDES[side.lower()],
        price=_positive(row, "price"),
        qty=_positive(row, "qty"),
        fee_bps=0.0 if fee_bps is None else fee_bps,
        # A fill that does not say is taken as passive: the strategy quotes.
        is_maker=_flag(row, "is_maker", default=True),
        mid_before=_optional_price(row, "mid_before"),
        mid_after=_optional_price(row, "mid_after_1s"),
        mid_decision=_optional_price(row, "mid_decision"),
        ref_price=_optional_price(row, "ref_price"),
        ts_decision_ms=_optional(row, "ts_decision_ms"),
        order_age_ms=_optional(row, "order_age_ms"),
        cid=None if cid is None else str(cid),
        ready=_ready(row),
    )


def _ready(row: Mapping[str, Any]) -> ReadyEdge | None:
    """Components are all there, or they are computed."""
    found = [_optional(row, f"{name}_bps") for name in _READY]
    if any(value is None for value in found):
        return None
    values = {f"{name}_bps": value for name, value in zip(_READY, found, strict=True)}
    return ReadyEdge(**{name: value for name, value in values.items() if value is not None})


def _quote(row: Mapping[str, Any]) -> QuoteLine:
    bid, ask = _positive(row, "best_bid"), _positive(row, "best_ask")
    if bid > ask:
        raise _BadLineError
    return QuoteLine(_symbol(row), _number(row, "ts_ms"), 0.5 * (bid + ask))


def _action(row: Mapping[str, Any]) -> tuple[str, str, Mapping[str, Any]]:
    fields = row.get("fields")
    return (
        str(row.get("symbol", "-")),
        str(row.get("kind", "")),
        fields if isinstance(fields, dict) and row.get("kind") in {"REPLACE", "CANCEL"} else {},
    )


def _count(fields: Mapping[str, Any]) -> int:
    """How many actions a record stands for: a batch of cancels, aggregated denials, else one."""
    if not fields:
        return 0
    for name in ("batch", "count"):
        number = fields.get(name)
        if isinstance(number, int) and not isinstance(number, bool) and number >= 0:
            return number
    return 1


def _symbol(row: Mapping[str, Any]) -> str:
    symbol = row.get("symbol")
    if not isinstance(symbol, str) or not symbol:
        raise _BadLineError
    return symbol


def _number(row: Mapping[str, Any], name: str) -> float:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _BadLineError
    return float(value)


def _positive(row: Mapping[str, Any], name: str) -> float:
    value = _number(row, name)
    if value <= 0:
        raise _BadLineError
    return value


def _optional(row: Mapping[str, Any], name: str) -> float | None:
    return None if row.get(name) is None else _number(row, name)


def _optional_price(row: Mapping[str, Any], name: str) -> float | None:
    return None if row.get(name) is None else _positive(row, name)


def _flag(row: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = row.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise _BadLineError
    return value
