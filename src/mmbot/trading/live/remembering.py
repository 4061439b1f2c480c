"""The ledger of a session that goes on, from as little of its journal as that takes.

It begins with the core's state at a checkpoint that is a quarter of an hour older than the newest,
its open orders and positions, and is told the journal from there on. What ended or was executed
before that is of no interest any more: sessions are compared with the venue twice a minute. Of a
checkpoint at which no request was unanswered nothing about its orders is left to guess, so that the
next one of these is taken. Where requests are always under way there is none: then orders that
waited for an answer are unknown until the journal has it. Without such a checkpoint the journal is
read from its beginning; both ways lead to the same open orders and positions.
"""

from __future__ import annotations

import itertools
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
from mmbot.units import NS_PER_MIN
from mmbot.venues.records import Side

__all__ = ["RECALL_NS", "UsableCheckpoint", "has_ended", "remember", "usable_checkpoints"]

RECALL_NS: Final = 15 * NS_PER_MIN
"""How long what ended must be known: longer than a venue can stay unasked while a session trades.
"""
# How many checkpoints are tried for one at which no request was unanswered.
_TRIES: Final = 8
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


def remember(path: Path, *, keep_ns: int = RECALL_NS) -> Recalled:
    """What the journal of a session says of its orders, executions and positions.

    Args:
        path: of the session.
        keep_ns: how long what ended must be known.

    Raises:
        StoreError: ``E_STORE_JOURNAL`` for a damaged journal.
    """
    reader = JournalReader(path)
    header = reader.header()
    for one in _to_begin_with(_old_enough(reader, path, keep_ns), header):
        try:
            return recall(reader.records(kinds=RECALLED_KINDS, start=one.start), one.base)
        except StoreError:
            continue  # it serves speed alone; the journal is read from further back
    return recall(reader.records(kinds=RECALLED_KINDS))


@dataclass(frozen=True, slots=True)
class _Begun:
    """What is known at a checkpoint, and where the journal goes on behind it."""

    base: Recalled
    start: Start


def _to_begin_with(
    checkpoints: Iterator[UsableCheckpoint], header: Mapping[str, Any]
) -> Iterator[_Begun]:
    """The first at which nothing was awaited, then the newest others."""
    others: list[_Begun] = []
    for one in itertools.islice(checkpoints, _TRIES):
        try:
            base = _base(one, header)
        except (core.CoreError, StoreError):
            continue
        begun = _Begun(base, one.start)
        if all(order.is_settled for order in base.ledger.open_orders):
            yield begun
            break
        others.append(begun)
    yield from others


def _old_enough(reader: JournalReader, path: Path, keep_ns: int) -> Iterator[UsableCheckpoint]:
    newest = next(usable_checkpoints(reader, path), None)
    if newest is not None:
        yield from usable_checkpoints(reader, path, until_ns=newest.head.ts_ns - keep_ns)


def _base(one: UsableCheckpoint, header: Mapping[str, Any]) -> Recalled:
    """What is known at a checkpoint."""
    prefix, at_ns = str(header["cid_prefix"]), one.head.ts_ns
    replay = core.JournalReplay.resumed(one.head, one.state, offset=one.start.offset)
    session = core.LiveSession.resume(
        replay, now_ns=at_ns, offset=0, cid_prefix=prefix, hash_every_ns=KEEP_NS
    )
    ledger = OrderLedger()
    for symbol in session.symbols:
        for order in session.orders(symbol):
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
    filled, is_settled = int(order["filled_lots"]), order["state"] == _SETTLED
    return TrackedOrder(
        symbol=symbol,
        cid=int(order["cid"]),
        client_id=str(order["client_order_id"]),
        side=Side(order["side"]),
        terms=Terms(int(order["price_ticks"]), filled + int(order["open_lots"])),
        state=OrderState.LIVE if is_settled else OrderState.UNKNOWN,
        changed_ns=int(order["since_ns"]),
        asked_ns=int(order["since_ns"]),
        filled_lots=filled,
        was_accepted=is_settled or filled > 0,
    )
