"""What a session leaves in the audit: replacements sent and refused, batches of cancels, guards.

Sent replacements and batches come from the order events that the engine records, refusals from
its counters, once a second of market time per symbol and reason; guards, strategy mux and allocator
from the session's own events. Each decision appears once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

from mmbot import core
from mmbot.store.audit_chain import AuditRecord
from mmbot.store.audit_log import AuditLog
from mmbot.trading.session import Taken
from mmbot.units import NS_PER_SEC

__all__ = ["SESSION", "AuditCompanion", "denial_records", "event_records", "order_records"]

SESSION: Final = "-"
"""The symbol of what concerns all symbols."""

_GUARDS: Final = frozenset({"pos_skew", "intraday_caps"})


def order_records(taken: Taken, *, tail_age_ms: int) -> Iterator[AuditRecord]:
    """Replacements that were sent, and batches of tail cancels: one record a batch."""
    events = taken.order_events
    batch_ns, batch = 0, 0
    rows = zip(events["ts_ns"], events["event"], events["reason"], strict=True)
    for at_ns, event, reason in rows:
        ts_ns = int(at_ns)
        if event == "intent_cancel" and reason == "tail_age":
            if batch and ts_ns != batch_ns:
                yield _batch(taken.symbol, batch_ns, batch, tail_age_ms)
                batch = 0
            batch_ns, batch = ts_ns, batch + 1
        elif event == "intent_amend" or (event == "intent_cancel" and reason == "replace"):
            yield AuditRecord("REPLACE", taken.symbol, ts_ns, {"allowed": 1})
    if batch:
        yield _batch(taken.symbol, batch_ns, batch, tail_age_ms)


def _batch(symbol: str, ts_ns: int, size: int, tail_age_ms: int) -> AuditRecord:
    return AuditRecord("CANCEL", symbol, ts_ns, {"batch": size, "tail_age_ms": tail_age_ms})


def denial_records(
    before: Mapping[str, int], now: Mapping[str, int], symbol: str, ts_ns: int
) -> Iterator[AuditRecord]:
    """Replacements of a symbol that were refused between two counts: one record a reason."""
    for reason, count in sorted(now.items()):
        more = count - before.get(reason, 0)
        if more > 0:
            fields = {"allowed": 0, "count": more, "reason": reason}
            yield AuditRecord("REPLACE", symbol, ts_ns, fields)


def event_records(event: Mapping[str, Any]) -> Iterator[AuditRecord]:
    """The record of an event of the session (`SessionControl.take_events`), if it has one."""
    name, ts_ns, symbol = event["name"], event["ts_ns"], event["symbol"] or SESSION
    if name in _GUARDS:
        fields = {"name": name, "event": event["event"], "value": float(event["value"])}
        yield AuditRecord("GUARD", symbol, ts_ns, fields)
    elif name == "mux":
        weights = ",".join(f"{key}:{value:.6f}" for key, value in event["weights"].items())
        yield AuditRecord("MUX", SESSION, ts_ns, {"regime": event["event"], "weights": weights})
    elif name == "alloc":
        moved = {
            "delta_raw": event["delta_raw_usd"],
            "cap": event["cap_usd"],
            "delta_capped": event["delta_capped_usd"],
            "backoff_level": event["backoff_level"],
            "next": event["next_usd"],
        }
        yield AuditRecord("ALLOC", symbol, ts_ns, moved)


class AuditCompanion:
    """Feeds the audit along a session (`mmbot.trading.session.Companion`).

    Args:
        log: the writer; it runs from `begin` to `close`.
        tail_age_ms: gives the age in force (`latency_boost.tail_age_ms`).
        say: takes the line of each batch of cancels.
        is_running: whether somebody else runs the writer.
    """

    def __init__(
        self,
        log: AuditLog,
        tail_age_ms: Callable[[], int],
        say: Callable[[str], None],
        *,
        is_running: bool = False,
    ) -> None:
        self._log = log
        self._is_running = is_running
        self._tail_age_ms = tail_age_ms
        self._say = say
        self._held = ExitStack()
        self._control: core.SessionControl | None = None
        self._denied: dict[str, Mapping[str, int]] = {}
        self._second = 0

    def begin(self, engine: core.Backtest, market_ns: int) -> None:
        """See `Companion`."""
        del market_ns
        if not self._is_running:
            self._held.enter_context(self._log)
        # one object for the whole session: it knows which events it has given out
        self._control = engine.session(0)

    def on_chunk(self, symbol: int, chunk: core.EventChunk) -> None:
        """See `Companion`."""

    def step(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """See `Companion`."""
        del engine
        self._take(taken)
        if market_ns // NS_PER_SEC != self._second:
            self._second = market_ns // NS_PER_SEC
            self._take_denials()

    def close(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """See `Companion`."""
        del engine, market_ns
        with self._held:
            self._take(taken)
            self._take_denials()

    def _take(self, taken: Sequence[Taken]) -> None:
        age_ms = self._tail_age_ms()
        for one in taken:
            for record in order_records(one, tail_age_ms=age_ms):
                self._log.put(record)
                if record.kind == "CANCEL":
                    self._say(f"BATCH_CANCEL size={record.fields['batch']} tail_age_ms={age_ms}")
        if self._control is not None:
            for event in self._control.take_events():
                for record in event_records(event):
                    self._log.put(record)

    def _take_denials(self) -> None:
        if self._control is None:
            return
        state = self._control.state()
        for symbol, part in state["by_symbol"].items():
            now = part["orders"]["replace_denials"]
            for record in denial_records(self._denied.get(symbol, {}), now, symbol, state["ts_ns"]):
                self._log.put(record)
            self._denied[symbol] = now
