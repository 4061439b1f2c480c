"""The ledger of a session from its journal: what was asked, what was told, which executions count.

A journal that a crash cut short may hold the note of an execution without its report: then the
execution was never booked, and the venue is asked for it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mmbot.ids import base36
from mmbot.trading.live.orders import CoreReport, OrderLedger
from mmbot.units import NS_PER_MIN

__all__ = ["OVERLAP_NS", "RECALLED_KINDS", "Recalled", "recall"]

OVERLAP_NS: Final = NS_PER_MIN
"""How far back the venue is asked beyond what is known."""

RECALLED_KINDS: Final = (
    "header",
    "intent",
    "report",
    "note",
    "unanswered",
    "interrupted",
    "adopt",
    "session_end",
)
_EXEC: Final = re.compile(
    r"exec id=(?P<id>\S+) symbol=(?P<symbol>\S+) cid=(?P<cid>\d+) cum=(?P<cum>\d+)"
)
_KNOWN: Final = re.compile(r"known id=(?P<id>\S+) ts=(?P<ts>\d+)")
_ABOUT: Final = frozenset({"seq", "ts_ns", "kind", "instrument", "report", "cid", "ts_exch_ns"})


@dataclass(slots=True)
class Recalled:
    """What a journal says.

    Attributes:
        ledger: as the session left it.
        symbols: in the session's order.
        cid_prefix: what its client order ids begin with.
        started_ns: time of the header.
        since_ns: executions from before are known, or of no interest.
        last_ns: time of the newest record that was read.
        has_ended: whether the session ended in order.
    """

    ledger: OrderLedger = field(default_factory=OrderLedger)
    symbols: tuple[str, ...] = ()
    cid_prefix: str = ""
    started_ns: int = 0
    since_ns: int = 0
    last_ns: int = 0
    has_ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Intent:
    """`Request` of an intent."""

    symbol: str
    ts_ns: int
    kind: str
    cid: int
    client_order_id: str
    side: str | None
    price_ticks: int | None
    qty_lots: int | None


def recall(records: Iterable[Mapping[str, Any]], base: Recalled | None = None) -> Recalled:
    """Read the records of `RECALLED_KINDS`: the header first, or what comes after `base`."""
    recalled = base or Recalled()
    noted: dict[tuple[str, int, int], str] = {}
    for record in records:
        recalled.last_ns = max(recalled.last_ns, int(record["ts_ns"]))
        ledger = recalled.ledger
        match record["kind"]:
            case "header":
                recalled.cid_prefix = str(record["cid_prefix"])
                recalled.symbols = tuple(one["symbol"] for one in record["instruments"])
                recalled.started_ns = int(record["ts_ns"])
                recalled.since_ns = recalled.started_ns - OVERLAP_NS
            case "intent":
                ledger.sent(_intent(record, recalled), int(record["ts_ns"]))
            case "note":
                _note(record["text"], ledger, noted)
            case "report":
                ledger.told(_report(record, recalled.symbols, noted), int(record["ts_ns"]))
            case "unanswered" | "interrupted":
                symbol = recalled.symbols[record["instrument"]]
                order = ledger.numbered(symbol, int(record["cid"]))
                if order is not None:
                    ledger.doubt(order, int(record["ts_ns"]))
            case "adopt":
                symbol = recalled.symbols[record["instrument"]]
                ledger.rebase(symbol, int(record["position"]))
            case _:
                recalled.has_ended = True
    return recalled


def _note(text: str, ledger: OrderLedger, noted: dict[tuple[str, int, int], str]) -> None:
    found = _EXEC.fullmatch(text)
    if found is not None:
        noted[found["symbol"], int(found["cid"]), int(found["cum"])] = found["id"]
    known = _KNOWN.fullmatch(text)
    if known is not None:
        ledger.know(known["id"], int(known["ts"]))


def _intent(record: Mapping[str, Any], recalled: Recalled) -> _Intent:
    qty = record.get("qty", record.get("total_qty"))
    return _Intent(
        symbol=recalled.symbols[record["instrument"]],
        ts_ns=int(record["ts_ns"]),
        kind=record["action"],
        cid=int(record["cid"]),
        client_order_id=recalled.cid_prefix + base36(int(record["full_cid"])),
        side=record.get("side"),
        price_ticks=record.get("px"),
        qty_lots=qty,
    )


def _report(
    record: Mapping[str, Any],
    symbols: tuple[str, ...],
    noted: dict[tuple[str, int, int], str],
) -> CoreReport:
    symbol, cid = symbols[record["instrument"]], int(record["cid"])
    exec_id = ""
    if record["report"] == "filled":
        exec_id = noted.pop((symbol, cid, int(record["cum_qty"])), "")
    return CoreReport(
        symbol=symbol,
        cid=cid,
        kind=record["report"],
        ts_exch_ns=int(record["ts_exch_ns"]),
        fields={name: value for name, value in record.items() if name not in _ABOUT},
        exec_id=exec_id,
    )
