"""The ledger of a session that goes on, from as little of its journal as that takes.

A ledger forgets what ended an hour ago (`OrderLedger.forget_old`), so that it need not be told
more: it begins with the core's state at a checkpoint that is an hour older than the newest, its
open orders and positions, and is told the journal from there on. No request may have been
unanswered at that checkpoint, so that nothing about its orders is left to guess. Without such a one
the journal is read from its beginning; both ways lead to the same ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mmbot import core
from mmbot.errors import StoreError
from mmbot.store.journal import JournalReader
from mmbot.store.journal.checkpoints import Checkpoints
from mmbot.store.journal.reader import Start
from mmbot.trading.live.orders import KEEP_NS, OrderLedger, Terms, TrackedOrder
from mmbot.trading.live.recall import OVERLAP_NS, RECALLED_KINDS, Recalled, recall
from mmbot.trading.reconcile import OrderState
from mmbot.venues.records import Side

__all__ = ["UsableCheckpoint", "has_ended", "remember", "usable_checkpoints"]

_SETTLED: Final = "Live"


@dataclass(frozen=True, slots=True)
class UsableCheckpoint:
    """A checkpoint of this build, its state, and where its record stands in the journal."""

    head: core.CheckpointHead
    state: bytes
    start: Start


def usable_checkpoints(
    reader: JournalReader, path: Path, *, until_ns: int | None = None
) -> Iterator[UsableCheckpoint]:
    """Checkpoints of a session that can be begun with, the newest first; up to `until_ns`."""
    checkpoints = Checkpoints(path)
    for at in reversed(range(len(checkpoints.index))):
        head = checkpoints.index.head(at)
        if until_ns is not None and head.ts_ns > until_ns:
            continue
        state = checkpoints.state(head) if head.is_of_this_build else None
        start = None if state is None else reader.start_of(*head.at)
        if state is not None and start is not None:
            yield UsableCheckpoint(head, state, start)


def has_ended(path: Path) -> bool:
    """Whether the session ended in order: that is the last thing that its journal says.

    Raises:
        StoreError: ``E_STORE_JOURNAL`` for a journal whose end is damaged.
    """
    reader = JournalReader(path)
    newest = next(usable_checkpoints(reader, path), None)
    start = None if newest is None else newest.start
    return any(True for _ in reader.records(kinds=("session_end",), start=start))


def remember(path: Path, *, keep_ns: int = KEEP_NS) -> Recalled:
    """What the journal of a session says of its orders, executions and positions.

    Args:
        path: of the session.
        keep_ns: how long what ended must be known.

    Raises:
        StoreError: ``E_STORE_JOURNAL`` for a damaged journal.
    """
    reader = JournalReader(path)
    header = reader.header()
    for one in _old_enough(reader, path, keep_ns):
        try:
            base = _base(one, header)
            if base is not None:
                return recall(reader.records(kinds=RECALLED_KINDS, start=one.start), base)
        except (core.CoreError, StoreError):
            continue  # it serves speed alone; the journal is read from further back
    return recall(reader.records(kinds=RECALLED_KINDS))


def _old_enough(reader: JournalReader, path: Path, keep_ns: int) -> Iterator[UsableCheckpoint]:
    newest = next(usable_checkpoints(reader, path), None)
    if newest is not None:
        yield from usable_checkpoints(reader, path, until_ns=newest.head.ts_ns - keep_ns)


def _base(one: UsableCheckpoint, header: Mapping[str, Any]) -> Recalled | None:
    """What is known at a checkpoint; None if an answer was awaited then."""
    prefix, at_ns = str(header["cid_prefix"]), one.head.ts_ns
    replay = core.JournalReplay.resumed(one.head, one.state, offset=one.start.offset)
    session = core.LiveSession.resume(
        replay, now_ns=at_ns, offset=0, cid_prefix=prefix, hash_every_ns=KEEP_NS
    )
    ledger = OrderLedger()
    for symbol in session.symbols:
        for order in session.orders(symbol):
            if order["state"] != _SETTLED:
                return None
            ledger.restore(_tracked(symbol, order))
        position, result = session.position_lots(symbol), session.result(symbol)
        if position or result["places"]:
            # otherwise the session has nothing to do with the venue's position yet
            ledger.rebase(symbol, position)
    return Recalled(
        ledger=ledger,
        symbols=tuple(session.symbols),
        cid_prefix=prefix,
        started_ns=int(header["ts_ns"]),
        # what was executed around the checkpoint may have been told before it
        since_ns=at_ns + OVERLAP_NS,
        last_ns=at_ns,
    )


def _tracked(symbol: str, order: Mapping[str, Any]) -> TrackedOrder:
    filled = int(order["filled_lots"])
    return TrackedOrder(
        symbol=symbol,
        cid=int(order["cid"]),
        client_id=str(order["client_order_id"]),
        side=Side(order["side"]),
        terms=Terms(int(order["price_ticks"]), filled + int(order["open_lots"])),
        state=OrderState.LIVE,
        changed_ns=int(order["since_ns"]),
        filled_lots=filled,
        was_accepted=True,
    )
