"""Why an order was sent, or why at some time none was: the decision, rebuilt from the journal.

A search finds the record of the decision, then the core replays what leads to it and takes its
steps down (`explain_source` says from where). What the decision asks for now must be what the
journal says was asked for; otherwise nothing of the explanation could be believed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from mmbot.errors import ConfigError
from mmbot.ids import base36
from mmbot.trading.explain_source import ExplainSource, Place

__all__ = ["Decision", "Explanation", "Parameter", "Request", "explain", "order_number"]

_DIGITS: Final = frozenset("0123456789abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request about an order, as journalled; `price` and `qty` are None for a cancel.

    `qty` of an amend is the total quantity, the filled part included.
    """

    seq: int
    cause_seq: int
    trigger: str
    ts_ns: int
    action: str
    cause: str
    side: str | None
    price: float | None
    qty: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision with its steps, each a mapping with `step`, `side`, `level` and `fields`.

    `ts_ns` is None where a request followed without one: from a stop, or from a report.
    """

    seq: int
    ts_ns: int | None
    steps: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter in force; `origin` is its layer, or the record of the journal that changed it."""

    key: str
    value: object
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer. `order_id` is None for a moment; `decisions` belong to `requests` one by one."""

    session_id: str
    symbol: str
    tick_size: str
    lot_size: str
    order_id: str | None
    order_number: int | None
    requests: tuple[Request, ...]
    decisions: tuple[Decision, ...]
    parameters: tuple[Parameter, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as a plain object."""
        return asdict(self)


def order_number(text: str, cid_prefix: str) -> int:
    """The number of an order in its session, from its venue text form or from the number itself.

    Raises:
        ConfigError: ``E_CFG_TYPE`` for what is neither, or for an order of another session.
    """
    if text.isascii() and text.isdigit():
        return int(text)
    prefix, dash, number = text.rpartition("-")
    if not dash or not number or not set(number) <= _DIGITS:
        raise ConfigError("E_CFG_TYPE", "ORDER_ID", f"is no order: {text!r}")
    if prefix + dash != cid_prefix:
        raise ConfigError(
            "E_CFG_TYPE", "ORDER_ID", f"{text} is of another session; its orders are {cid_prefix}*"
        )
    return int(number, 36)


def explain(
    path: Path | str,
    *,
    order: int | None = None,
    at: tuple[str, int] | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> Explanation:
    """Explain an order, or what a symbol did at a time.

    Args:
        path: the directory of the session.
        order: the number of the order in the session.
        at: symbol and local time in ns; the last decision at or before it is explained.
        on_bytes: told how many bytes were read.

    Raises:
        ConfigError: ``E_CFG_MISSING`` when the journal does not hold the answer.
        StoreError: ``E_WHY_MISMATCH`` when the replay leads to other requests, ``E_STORE_JOURNAL``
        or ``E_STORE_DISK`` when the journal cannot be read.
    """
    assert (order is None) != (at is None)
    source = ExplainSource(path, on_bytes)
    header = source.header
    if at is None:
        assert order is not None
        search = source.search_order(order)
    else:
        search = source.search_moment(_instrument(header, at[0]), at[1])
    place = search.place()
    if place is None:
        what = f"order {order}" if at is None else f"decision of {at[0]} at or before that time"
        raise ConfigError("E_CFG_MISSING", f"session={header['session_id']}", f"has no {what}")
    facts = header["instruments"][place[0]]
    sent = search.requests()
    places = _places(sent) or [place]
    by_place = source.traces(places)
    wanted = [(one["instrument"], one["cause_seq"], one["cause_seq"]) for one in sent] or places
    return Explanation(
        session_id=header["session_id"],
        symbol=facts["symbol"],
        tick_size=facts["tick_size"],
        lot_size=facts["lot_size"],
        order_id=None if order is None else f"{header['cid_prefix']}{base36(order)}",
        order_number=order,
        requests=tuple(_request(one, facts) for one in sent),
        decisions=tuple(
            _decision(wanted_place[2], by_place[wanted_place]) for wanted_place in wanted
        ),
        parameters=_parameters(source, instrument=place[0], seq=place[2]),
    )


def _instrument(header: Mapping[str, Any], symbol: str) -> int:
    symbols = [str(facts["symbol"]) for facts in header["instruments"]]
    if symbol not in symbols:
        raise ConfigError(
            "E_CFG_MISSING", "--symbol", f"{symbol} is not traded; there are {', '.join(symbols)}"
        )
    return symbols.index(symbol)


def _places(sent: Sequence[Mapping[str, Any]]) -> list[Place]:
    places = [(one["instrument"], one["cause_seq"], one["cause_seq"]) for one in sent]
    return list(dict.fromkeys(places))


def _decision(seq: int, trace: Mapping[str, Any] | None) -> Decision:
    if trace is None:
        return Decision(seq=seq, ts_ns=None, steps=())
    return Decision(seq=seq, ts_ns=trace["ts_ns"], steps=tuple(trace["steps"]))


def _request(sent: Mapping[str, Any], facts: Mapping[str, Any]) -> Request:
    ticks, lots = sent["px_ticks"], sent["qty_lots"]
    return Request(
        seq=sent["seq"],
        cause_seq=sent["cause_seq"],
        trigger=sent["trigger"],
        ts_ns=sent["ts_ns"],
        action=sent["action"],
        cause=sent["cause"],
        side=sent["side"],
        price=None if ticks is None else ticks * float(facts["tick_size"]),
        qty=None if lots is None else lots * float(facts["lot_size"]),
    )


def _parameters(source: ExplainSource, *, instrument: int, seq: int) -> tuple[Parameter, ...]:
    """Values that held at record `seq`; what changed since the start names its record."""
    sources = json.loads(source.header["config"]).get("sources", {})
    first: dict[str, object] = {}
    found: dict[str, Parameter] = {}
    for record in source.parameter_records(seq):
        if record.get("instrument", instrument) != instrument:
            continue
        for key, value in json.loads(record["config"]).items():
            known = found.get(key)
            if known is None:
                first[key] = value
                found[key] = Parameter(key=key, value=value, origin=sources.get(key, "default"))
            elif known.value != value:
                is_back = value == first[key]
                origin = sources.get(key, "default") if is_back else f"record {record['seq']}"
                found[key] = Parameter(key=key, value=value, origin=origin)
    return tuple(found[key] for key in sorted(found))
