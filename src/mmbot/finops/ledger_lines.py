"""Trades, prices and cash flows of a ledger: JSON lines in, exact events in their order out.

Unlike an audit, a ledger leaves nothing out: the first line that cannot be used is an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from mmbot.errors import InputError

__all__ = [
    "CashFlow",
    "LedgerEvent",
    "Mid",
    "Trade",
    "in_order",
    "read_flows",
    "read_mids",
    "read_trades",
]

_SIDES: Final = {"b": True, "buy": True, "s": False, "sell": False}
_FLOWS: Final = ("funding", "transfer")
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A fill; `fee_bps` below 0 is a rebate, `maker_rebate_bps` another one."""

    ts_ms: Decimal
    symbol: str
    buys: bool
    price: Decimal
    qty: Decimal
    fee_bps: Decimal
    maker_rebate_bps: Decimal
    exec_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CashFlow:
    """Funding or a transfer, positive if it comes in."""

    ts_ms: Decimal
    is_funding: bool
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Mid:
    """The market's price of a symbol."""

    ts_ms: Decimal
    symbol: str
    mid: Decimal


LedgerEvent = Trade | CashFlow | Mid
_ORDER: Final = {Trade: 0, CashFlow: 1, Mid: 2}


class _BadLineError(Exception):
    """What is wrong with a line."""


def in_order(*sources: Iterable[LedgerEvent]) -> list[LedgerEvent]:
    """All events by time; at one time trades, cash flows, prices, each as they were given."""
    events = [event for source in sources for event in source]
    return sorted(events, key=lambda event: (event.ts_ms, _ORDER[type(event)]))


def read_trades(path: Path) -> list[Trade]:
    """Trades in the order of the file.

    Raises:
        InputError: ``E_FINOPS_LEDGER_INPUT:<file>:<line>``, ``E_FINOPS_LEDGER_REBATE_SIGN:<line>``.
    """
    found = []
    for number, fields in _lines(path):
        try:
            trade = _trade(fields)
        except _BadLineError as exc:
            raise _refused(path, number, str(exc)) from exc
        if trade.maker_rebate_bps < 0:
            key = f"file={path}"
            message = "has a maker_rebate_bps below 0"
            code = "E_FINOPS_LEDGER_REBATE_SIGN"
            raise InputError(code, key, message, detail=str(number))
        found.append(trade)
    return found


def read_mids(path: Path) -> list[Mid]:
    """Prices in the order of the file.

    Raises:
        InputError: ``E_FINOPS_LEDGER_INPUT:<file>:<line>``.
    """
    found = []
    for number, fields in _lines(path):
        try:
            found.append(
                Mid(
                    ts_ms=_number(fields, "ts"),
                    symbol=_text(fields, "symbol"),
                    mid=_positive(fields, "mid"),
                )
            )
        except _BadLineError as exc:
            raise _refused(path, number, str(exc)) from exc
    return found


def read_flows(path: Path) -> list[CashFlow]:
    """Cash flows in the order of the file.

    Raises:
        InputError: ``E_FINOPS_LEDGER_INPUT:<file>:<line>``.
    """
    found = []
    for number, fields in _lines(path):
        try:
            kind = _text(fields, "kind")
            if kind not in _FLOWS:
                raise _refused(path, number, f"kind must be one of {', '.join(_FLOWS)}")
            amount, ts_ms = _number(fields, "amount"), _number(fields, "ts")
        except _BadLineError as exc:
            raise _refused(path, number, str(exc)) from exc
        found.append(CashFlow(ts_ms=ts_ms, is_funding=kind == "funding", amount=amount))
    return found


def _trade(fields: Mapping[str, Any]) -> Trade:
    side = _SIDES.get(_text(fields, "side").lower())
    if side is None:
        raise _BadLineError("side must be B, S, buy or sell")
    exec_id = fields.get("exec_id")
    return Trade(
        ts_ms=_number(fields, "ts"),
        symbol=_text(fields, "symbol"),
        buys=side,
        price=_positive(fields, "price"),
        qty=_positive(fields, "qty"),
        fee_bps=_number(fields, "fee_bps"),
        maker_rebate_bps=_number(fields, "maker_rebate_bps", _ZERO),
        exec_id=None if exec_id is None else str(exec_id),
    )


def _lines(path: Path) -> Iterable[tuple[int, Mapping[str, Any]]]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise _refused(path, 0, f"cannot be read: {exc}") from exc
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line, parse_float=Decimal, parse_int=Decimal)
        except ValueError as exc:
            raise _refused(path, number, f"is no JSON: {exc}") from exc
        if not isinstance(fields, dict):
            raise _refused(path, number, "is no object")
        yield number, fields


def _refused(path: Path, number: int, message: str) -> InputError:
    detail = f"{path}:{number}"
    return InputError("E_FINOPS_LEDGER_INPUT", f"line={number}", message, detail=detail)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _BadLineError(f"{name} must be a text")
    return value


def _number(fields: Mapping[str, Any], name: str, absent: Decimal | None = None) -> Decimal:
    value = fields.get(name, absent)
    # NaN and Infinity come as floats: JSON has neither
    if not isinstance(value, Decimal) or not value.is_finite():
        raise _BadLineError(f"{name} must be a number")
    return value


def _positive(fields: Mapping[str, Any], name: str) -> Decimal:
    value = _number(fields, name)
    if value <= 0:
        raise _BadLineError(f"{name} must be above 0")
    return value
