"""``metrics.json`` of a journal: its session once more through the core, which keeps what it did.

A journal is written before anything happens, so that this is how a session that runs is asked, too.
The document is about the UTC day of the journal's last record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mmbot import core
from mmbot.config import AppConfig
from mmbot.errors import StoreError
from mmbot.research.day_book import SymbolDay
from mmbot.research.session_metrics import metrics_document
from mmbot.research.window_edge import audited_fills
from mmbot.store.journal import JournalReader
from mmbot.units import NS_PER_DAY

__all__ = ["journal_metrics"]

_TIMED: Final = ("sync", "decide", "report", "control")
_PARTS: Final = 10_000
Record = Mapping[str, Any]


def journal_metrics(
    path: Path, config: AppConfig, on_bytes: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """The document.

    Args:
        path: the directory of the session.
        config: gives fee tiers and the currency of the base.
        on_bytes: told how many bytes were read, block by block.

    Raises:
        StoreError: ``E_STORE_JOURNAL`` for a journal that cannot be read, that holds no session or
            that this build would not have written.
    """
    reader = JournalReader(path)
    header = reader.header()
    after = _played(reader, header, None, on_bytes)
    day = after.session.now_ns // NS_PER_DAY
    before = None
    if int(header["ts_ns"]) // NS_PER_DAY != day:
        until_seq = _last_before(reader, day * NS_PER_DAY)
        before = None if until_seq is None else _played(reader, header, until_seq, None)
    adopted = _adopted(reader)
    days = {}
    for at, symbol in enumerate(after.session.symbols):
        if not after.mid(symbol):
            continue
        given = [one for one in adopted if one["instrument"] == at]
        days[symbol] = _day(after, before, symbol, day * NS_PER_DAY, given)
    about = json.loads(header["config"] or b"{}")
    batches = _batches(after)
    for symbol, count in (_batches(before) if before is not None else {}).items():
        batches[symbol] -= count
    results = after.results
    figures = {one: days[one].figures(after.mid(one), results[one]) for one in days}
    return metrics_document(
        figures,
        after.state,
        config,
        mode=str(header["mode"]),
        env=str(about.get("env", "dev")),
        batches={symbol: batches[symbol] for symbol in days},
    )


@dataclass(frozen=True, slots=True)
class _Played:
    """A session at a place of its journal: what it did until then."""

    session: core.LiveSession
    state: Mapping[str, Any]
    results: Mapping[str, Mapping[str, Any]]
    fills: Mapping[str, Mapping[str, Any]]
    steps: Mapping[str, tuple[float, float]]

    def mid(self, symbol: str) -> float:
        """The last mid; 0 where there was none."""
        return float(self.results[symbol]["final_mid"])


def _played(
    reader: JournalReader,
    header: Record,
    until_seq: int | None,
    on_bytes: Callable[[int], None] | None,
) -> _Played:
    replay = core.JournalReplay(until_seq=until_seq, record=True)
    reader.pour(replay, on_bytes)
    try:
        session = core.LiveSession.resume(
            replay,
            now_ns=0,
            offset=0,
            cid_prefix=header["cid_prefix"],
            hash_every_ns=NS_PER_DAY,
            record=True,
        )
        session.finish()
    except core.CoreError as exc:
        raise StoreError("E_STORE_JOURNAL", f"file={reader.path}", f"{exc}") from exc
    steps = {
        one["symbol"]: (float(one["tick_size"]), float(one["lot_size"]))
        for one in header["instruments"]
    }
    return _Played(
        session=session,
        state=session.session().state(),
        results={one: session.result(one) for one in session.symbols},
        fills={one: session.take_fills(one) for one in session.symbols},
        steps=steps,
    )


def _last_before(reader: JournalReader, at_ns: int) -> int | None:
    """The last record before an instant; None if there is none."""
    for record in reader.records(kinds=_TIMED):
        if record["ts_ns"] >= at_ns:
            return int(record["seq"]) - 1
    return None


def _day(
    after: _Played,
    before: _Played | None,
    symbol: str,
    start_ns: int,
    adopted: list[Record],
) -> SymbolDay:
    """The day of a symbol: its fills and what was taken over, in the order of time."""
    if before is None:
        day = SymbolDay(0.0, 0.0, {})
    else:
        result = before.results[symbol]
        day = SymbolDay(float(result["final_position"]), before.mid(symbol), result)
    tick, lot = after.steps[symbol]
    held = 0.0
    for ts_ns, one in _happened(after.fills[symbol], symbol, adopted):
        is_of_day = ts_ns >= start_ns
        if isinstance(one, Mapping):
            qty = one["position"] * lot - held
            held += qty
            if is_of_day:
                day.adopt(qty, one["exec_px"] / _PARTS * tick)
        else:
            held += one.line.side * one.line.qty
            if is_of_day:
                day.add(one)
    return day


def _happened(
    fills: Mapping[str, Any], symbol: str, adopted: list[Record]
) -> Iterator[tuple[int, Any]]:
    times = [int(ts_ns) for ts_ns in fills.get("ts_local_ns", ())]
    told: list[tuple[int, Any]] = [(int(one["ts_ns"]), one) for one in adopted]
    told += zip(times, audited_fills(symbol, fills), strict=True)
    yield from sorted(told, key=lambda pair: pair[0])


def _adopted(reader: JournalReader) -> list[Record]:
    return list(reader.records(kinds=("adopt",)))


def _batches(played: _Played) -> dict[str, int]:
    by_symbol = played.state["by_symbol"]
    return {one: int(by_symbol[one]["orders"]["cancel_batches_total"]) for one in by_symbol}
