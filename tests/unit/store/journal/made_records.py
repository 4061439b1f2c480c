"""Records of every kind, as dictionaries, and journals made of notes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmbot import core
from mmbot.store.journal import JournalReader, JournalWriter

Record = dict[str, Any]
T0_NS = 1_767_225_600_000_000_000

HEADER: Record = {
    "kind": "header",
    "ts_ns": T0_NS,
    "format": 1,
    "session_id": "20260101T000000Z-0123abcd",
    "mode": "paper",
    "seed": 2**64 - 1,
    "cid_prefix": "mmab12cdef0123-",
    "instruments": [
        {
            "symbol": "BTCUSDT",
            "tick_size": "0.1",
            "lot_size": "0.001",
            "min_qty": "0.001",
            "min_notional_usd": 5.0,
            "quote_usd": 1.0,
        }
    ],
    "config": b'{"mode":"paper"}\n',
}


def _of_instrument(kind: str, **fields: object) -> Record:
    return {"kind": kind, "ts_ns": T0_NS + 1, "instrument": 3, **fields}


def _of_session(kind: str, **fields: object) -> Record:
    return {"kind": kind, "ts_ns": T0_NS + 2, **fields}


def _report(report: str, **fields: object) -> Record:
    return _of_instrument("report", cid=7, ts_exch_ns=T0_NS - 5, report=report, **fields)


def _intent(action: str, **fields: object) -> Record:
    return _of_instrument("intent", cid=7, action=action, cause="quote", full_cid=99, **fields)


RECORDS: list[Record] = [
    HEADER,
    _of_instrument("params", config=b"{}\n"),
    _of_session("session_params", config=b'{"a":1}\n'),
    _report("accepted"),
    _report("rejected", reason="post_only_would_cross"),
    _report("amended", px=100, open_qty=3),
    _report("amend_rejected", reason="rate_limit"),
    _report("cancelled"),
    _report("cancel_rejected", reason="unknown_order"),
    _report("filled", exec_px=-3, qty=2, cum_qty=5, liquidity="taker", fee=-(2**100)),
    _of_instrument("decide"),
    _of_session("sync"),
    _of_session("weights", weights=[0.25, 0.75], fee_tilt=0.01),
    _of_instrument("quotes", quotes=[{"side": "sell", "px": 5, "qty": 6}]),
    _of_instrument("quotes", quotes=[]),
    _of_instrument("call_result", outcome=255),
    _of_instrument("unanswered", cid=300),
    _of_instrument("interrupted", cid=300),
    _of_instrument("adopt", position=-2, exec_px=65),
    _of_instrument("hold", on=True),
    *(_of_session("control", control=name) for name in ("stop", "keep_orders", "resume")),
    _of_session("control", control="kill", cause="venue", reason="ban"),
    _of_session("control", control="grade", grade="REDUCE_ONLY"),
    _of_session("control", control="grade", grade=None),
    _intent("place", side="buy", px=100, qty=3, tif="post_only"),
    _intent("amend", px=101, total_qty=4),
    _intent("cancel"),
    _of_session("state_hash", hash=2**64 - 1),
    _of_session("note", text="risk NORMAL -> WIDE: drawdown"),
    _of_instrument("start"),
    _of_session("session_end", reason="sigterm"),
]


def note(number: int, size: int = 20) -> Record:
    return _of_session("note", text=f"{number} ".ljust(size, "x"))


def frames(first: int, count: int, size: int = 20) -> bytes:
    """Framed notes with the numbers from `first` on; number 0 is the header."""
    framer = core.JournalFramer(first)
    for number in range(first, first + count):
        framer.push(HEADER if number == 0 else note(number, size))
    return framer.take()


def numbers(path: Path) -> list[int]:
    """The numbers of all records, checked against what the notes say."""
    return list(_numbers(path))


def _numbers(path: Path) -> Iterator[int]:
    for record in JournalReader(path).records():
        if record["kind"] == "note":
            assert int(record["text"].split()[0]) == record["seq"]
        yield record["seq"]


def write_journal(directory: Path, count: int, **options: Any) -> Path:
    """A journal of `count` records, one append each."""
    with JournalWriter(directory, "s", fsync_ms=1000, **options) as writer:
        for number in range(count):
            writer.append(frames(number, 1))
        return writer.path
