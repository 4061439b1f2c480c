"""The period of a journal once more, against the simulated exchange.

The engine gets what the session got, when it got it: market rows, changes of parameters, shares of
the budget, stops, positions that were taken over. What it asks for it decides anew, and its
requests meet the simulator.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmbot import core
from mmbot.errors import MarketDataError, StoreError
from mmbot.market.catalog import read_events
from mmbot.market.row_flags import KIND_MASK, LAST_SHIFT, TRADE
from mmbot.research.comparison.account import Account
from mmbot.store.journal import JournalReader
from mmbot.trading.drive import Drive, Feed
from mmbot.units import NS_PER_MIN, NS_PER_SEC

__all__ = ["Rerun", "SessionInputs", "Simulation", "chunk_of", "read_session"]

_INPUTS: Final = ("params", "session_params", "weights", "control", "hold", "adopt")
_AT_ANY_TIME: Final = frozenset({"weights", "control", "hold", "adopt"})
_TAKEN: Final = ("header", "intent", "report", "decide", "adopt")
_STEP_NS: Final = NS_PER_MIN
# No feed is so late: a row that was sent before one that came this long before does not come.
_DISORDER_NS: Final = 10 * NS_PER_SEC
_BUFFER_ROWS: Final = 1 << 16
_COLUMNS: Final = ("flags", "px", "qty", "ts_exch", "ts_local")
Columns = dict[str, NDArray[Any]]
Record = Mapping[str, Any]


@dataclass(slots=True)
class SessionInputs:
    """What entered a session beside market data, and what it did.

    `first` are the parameters that it began with, by instrument (None: of the session); `later`
    the records that came after the first market data, each with the time up to which everything
    had happened by then. `spans` are the venue's times of the first
    and last row of each instrument.
    """

    header: dict[str, Any]
    account: Account
    first: dict[int | None, dict[str, Any]] = field(default_factory=dict)
    later: list[tuple[int, Record]] = field(default_factory=list)
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)
    end_reason: str = "killed"


def read_session(path: str, fees: Mapping[str, Any]) -> SessionInputs:
    """Read a journal once; `fees` are rates over those of its parameters.

    Raises:
        StoreError: ``E_STORE_JOURNAL`` for a journal that cannot be read or holds no session.
    """
    reader = JournalReader(path)
    found = SessionInputs(header=dict(reader.header()), account=Account(fees))
    is_begun = False
    for record in reader.records(rows=True):
        kind = record["kind"]
        if kind == "market_rows":
            is_begun = True
            at, sent = record["instrument"], record["columns"]["ts_exch"]
            low, high = found.spans.get(at, (int(sent[0]), int(sent[0])))
            found.spans[at] = min(low, int(sent.min())), max(high, int(sent.max()))
        elif kind == "session_end":
            found.end_reason = record["reason"]
        elif kind in _INPUTS:
            _input(found, record, is_begun=is_begun)
        found.account.add(record)
    if not found.spans:
        raise StoreError("E_STORE_JOURNAL", f"file={path}", "holds no market data")
    return found


def _input(found: SessionInputs, record: Record, *, is_begun: bool) -> None:
    at = record.get("instrument")
    if record["kind"] == "params":
        assert at is not None
        found.account.set_params(at, json.loads(record["config"]))
    if record["kind"] == "adopt":
        record = {**record, "lots": found.account.adoption(record)}
    if is_begun or record["kind"] in _AT_ANY_TIME:
        found.later.append((max(found.account.end_ns, record["ts_ns"]), record))
    else:
        found.first[at] = json.loads(record["config"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """How to run the period: the simulated exchange, and parameters over those of the session.

    `data` is a catalog that the market comes from instead of the journal, `venue` its venue.
    """

    simulator: Mapping[str, Any]
    over: Mapping[str, Any] = field(default_factory=dict)
    data: str | None = None
    venue: str | None = None


class Rerun:
    """One run; `run` is called once.

    Attributes:
        account: what it did.
        marks: the mid of each instrument at its end, in 1/10,000 tick.
        net_usd: what the engine says it made, to check the account against.
    """

    def __init__(self, path: str, session: SessionInputs, simulation: Simulation) -> None:
        self._path = path
        self._session = session
        self._simulation = simulation
        self._weights = [one for _, one in session.later if one["kind"] == "weights"]
        self._engine = self._build()
        self._decoder = core.JournalDecoder()
        self.account = Account(simulation.over)
        self._is_stopped = False
        self._held: dict[int, set[str]] = defaultdict(set)
        self._lifted_ns = max(
            (one["ts_ns"] for _, one in session.later if one.get("control") == "lift_stop"),
            default=0,
        )
        self.marks: list[int] = []
        self.net_usd = 0.0

    def run(self) -> Rerun:
        """Run the period.

        Raises:
            CoreError: the core refuses parameters or data.
            MarketDataError: the catalog has no rows of the period, or they are damaged.
        """
        session = self._session
        drive = Drive(self._engine, self._feeds())
        drive.open()
        drive.begin()
        for at, params in session.first.items():
            if at is not None:
                self.account.set_params(at, {**params, **self._simulation.over})
        for at_ns, record in session.later:
            if record["kind"] != "weights":
                self._advance(drive, at_ns)
                self._apply(record)
        self._advance(drive, session.account.end_ns)
        self._engine.finish(session.end_reason)
        self._take()
        for at in range(len(session.header["instruments"])):
            result = self._engine.result(0, at)
            self.marks.append(_mark(result["final_mid"], self._instrument(at).tick))
            self.net_usd += float(result["net_pnl_usd"])
        return self

    def _advance(self, drive: Drive, until_ns: int) -> None:
        while drive.target_ns < until_ns:
            drive.advance(min(until_ns, drive.target_ns + _STEP_NS))
            self._take()

    def _apply(self, record: Record) -> None:
        kind = record["kind"]
        if kind == "params":
            params = {**json.loads(record["config"]), **self._simulation.over}
            self.account.set_params(record["instrument"], params)
            self._engine.apply_params(0, params, record["instrument"])
        elif kind == "session_params":
            self._engine.apply_session(0, json.loads(record["config"]))
        elif kind == "hold":
            self._hold([record["instrument"]], "held", on=record["on"])
        elif kind == "adopt":
            px = record["exec_px"]
            self._engine.adopt_position(record["instrument"], record["lots"], px)
        elif record["control"] in {"stop", "keep_orders", "lift_stop"}:
            self._stop(record)
        elif not self._is_stopped:
            self._engine.session(0).apply(record)

    def _stop(self, record: Record) -> None:
        """A session that went on later only waits: whatever is stopped for good ends its run."""
        is_lifted = record["control"] == "lift_stop"
        if is_lifted or record["ts_ns"] < self._lifted_ns:
            count = len(self._session.header["instruments"])
            self._hold(range(count), "stopped", on=not is_lifted)
        else:
            self._is_stopped = True
            self._engine.stop()

    def _hold(self, instruments: Iterable[int], why: str, *, on: bool) -> None:
        """An instrument quotes nothing while there is any reason for it."""
        for at in instruments:
            reasons = self._held[at]
            (reasons.add if on else reasons.discard)(why)
            self._engine.hold(at, bool(reasons))

    def _take(self) -> None:
        """What was written down since the last call."""
        self._decoder.feed(self._engine.take_journal())
        while batch := self._decoder.take(4096, kinds=_TAKEN):
            for record in batch:
                self.account.add(record)

    def _build(self) -> core.Backtest:
        header, first = self._session.header, self._session.first
        count = len(header["instruments"])
        lanes = [{**first[at], **self._simulation.over} for at in range(count)]
        if any(lane.get("strategy.kind") == "external" for lane in lanes):
            raise StoreError(
                "E_STORE_JOURNAL", "strategy", "is outside of the core and cannot be run again"
            )
        journal = {
            "session_id": header["session_id"],
            "mode": "sim",
            "ts_ns": 0,
            "seed": header["seed"],
            "cid_prefix": header["cid_prefix"],
            "config": b"{}",
            "hash_every_ns": 1_000_000 * NS_PER_MIN,
            "checkpoints": False,
        }
        return core.Backtest(
            [self._instrument(at) for at in range(count)],
            [lanes],
            sim=dict(self._simulation.simulator),
            session=[first[None]],
            seed=header["seed"],
            bar_ns=60 * NS_PER_MIN,
            allocate=self._share if count > 1 else None,
            journal=journal,
        )

    def _share(self, wanted: dict[str, Any]) -> tuple[Sequence[float], float | None]:
        """The shares that the session had at that time."""
        held = [one for one in self._weights if one["ts_ns"] <= wanted["ts_ns"]]
        if not held:
            count = len(self._session.header["instruments"])
            return [1.0 / count] * count, None
        return held[-1]["weights"], held[-1].get("fee_tilt") or None

    def _instrument(self, at: int) -> core.Instrument:
        facts = self._session.header["instruments"][at]
        return core.Instrument(
            facts["symbol"],
            facts["tick_size"],
            facts["lot_size"],
            min_qty=facts["min_qty"],
            min_notional_usd=facts["min_notional_usd"],
            quote_usd=facts["quote_usd"],
        )

    def _feeds(self) -> list[Feed]:
        symbols = [one["symbol"] for one in self._session.header["instruments"]]
        if self._simulation.data is None:
            rows = JournalRows(self._path, len(symbols))
            return [Feed(symbol, rows.chunks(at)) for at, symbol in enumerate(symbols)]
        feeds = []
        for at, symbol in enumerate(symbols):
            first_ns, last_ns = self._session.spans[at]
            chunks = read_events(
                self._simulation.data,
                venue=self._simulation.venue,
                symbol=symbol,
                start_ns=first_ns,
                end_ns=last_ns + 1,
            )
            feeds.append(Feed(symbol, chunks))
        return feeds


class JournalRows:
    """The market rows of a journal as chunks in the venue's order, instrument by instrument."""

    def __init__(self, path: str, count: int) -> None:
        self._records = JournalReader(path).records(kinds=("market_rows",), rows=True)
        self._waiting: list[deque[Columns]] = [deque() for _ in range(count)]

    def chunks(self, at: int) -> Iterator[core.EventChunk]:
        """Chunks of an instrument; its feed and those of others may be read in any order."""
        rows: Columns = {}
        while (more := self._next(at)) is not None:
            parts = [more] if not rows else [rows, more]
            rows = {name: np.concatenate([part[name] for part in parts]) for name in _COLUMNS}
            if len(rows["px"]) >= _BUFFER_ROWS:
                cut = _cut(rows)
                if cut:
                    yield chunk_of({name: column[:cut] for name, column in rows.items()})
                    rows = {name: column[cut:] for name, column in rows.items()}
        if rows:
            yield chunk_of(rows)

    def _next(self, at: int) -> Columns | None:
        """Some thousand more rows, so that few are joined at a time."""
        found: list[Columns] = []
        size = 0
        while size < _BUFFER_ROWS // 4:
            if not self._waiting[at]:
                record = next(self._records, None)
                if record is None:
                    break
                self._waiting[record["instrument"]].append(record["columns"])
                continue
            found.append(self._waiting[at].popleft())
            size += len(found[-1]["px"])
        if not found:
            return None
        return {name: np.concatenate([part[name] for part in found]) for name in _COLUMNS}


def _cut(rows: Columns) -> int:
    """Where no later row can precede an earlier one in the venue's order; 0 if nowhere."""
    sent, received = rows["ts_exch"], rows["ts_local"]
    before = np.maximum.accumulate(sent)[:-1]
    after = np.minimum.accumulate(sent[::-1])[::-1][1:]
    is_end = (rows["flags"][:-1] >> LAST_SHIFT & 1).astype(bool)
    is_old = received[1:] <= received[-1] - _DISORDER_NS
    places = np.flatnonzero((before < after) & is_end & is_old)
    return int(places[-1]) + 1 if len(places) else 0


def chunk_of(rows: Columns) -> core.EventChunk:
    """Rows in the order of reception as a chunk, which has them in the venue's order."""
    is_depth = (rows["flags"] & KIND_MASK) != TRADE
    order = np.lexsort((np.arange(len(is_depth)), is_depth, rows["ts_exch"]))
    kinds = {"flags": np.uint8, "px": np.int32}
    columns = {
        name: np.ascontiguousarray(rows[name][order], dtype=kinds.get(name, np.int64))
        for name in _COLUMNS
    }
    return core.EventChunk.from_arrays(**columns)


def _mark(mid: float | None, tick: float) -> int:
    """A mid, which is whole or half ticks, in 1/10,000 tick."""
    if mid is None:
        raise MarketDataError("E_BT_NO_DATA", "mid", "is not known at the end of the period")
    return round(2 * mid / tick) * 5_000
