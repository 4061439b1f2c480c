"""Before the first quote: what the venue has and what we know become one, or the symbol waits.

One path for every start: the journal was read (`opening`); the venue is asked; the plan of a
reconciliation is done: missing executions booked, ended orders ended, orders of other sessions of
this bot cancelled, orders that both sides know adopted. Cycles go on until the venue has no order
of ours that is not adopted. Whoever else trades on the account is left alone.

A new session takes over the venue's positions as they are. In a session that goes on, a position
that its fills do not add up to keeps its symbol from quoting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mmbot.errors import VenueError
from mmbot.store.artifacts import write_json
from mmbot.store.runtime import artifact_path, runtime_block
from mmbot.trading.live.asking import Asker, CycleResult
from mmbot.trading.reconcile import Close, PositionMismatch, ReattachFill
from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["RecoveryReport", "begin_positions", "recover", "write_recovery"]

_TRIES: Final = 10
_CYCLE_NS: Final = 150 * NS_PER_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryReport:
    """What a start found and did; `RECOVERY.json`."""

    adopted: int
    canceled: int
    fills_added: int
    torn_records: int
    mismatches: tuple[str, ...]
    duration_ms: float

    @property
    def marker(self) -> str:
        """The marker line."""
        status = "WARN" if self.mismatches else "OK"
        return (
            f"| recovery | {status} | fills_added={self.fills_added} canceled={self.canceled}"
            f" adopted={self.adopted} mismatches={','.join(self.mismatches) or 'none'} |"
        )


async def recover(
    asker: Asker, *, timeout_ns: int, torn_records: int, wake: Callable[[], None]
) -> RecoveryReport:
    """Cycles until nothing of ours rests that is not adopted.

    Args:
        asker: asks and acts.
        timeout_ns: how long it may take.
        torn_records: what the journal lost.
        wake: called after each cycle: what the desk was told may have led to requests.

    Raises:
        VenueError: ``E_VENUE_CALL`` when the venue could not be asked, or did not confirm that the
        orders of other sessions are gone.
    """
    began_ns = asker.clock()
    canceled: set[str] = set()
    fills = 0
    mismatches: dict[str, None] = {}
    while True:
        result = await asker.cycle()
        wake()
        for action in result.plan.actions:
            if isinstance(action, Close):
                canceled.add(action.venue.cid)
            elif isinstance(action, ReattachFill):
                fills += 1
            elif isinstance(action, PositionMismatch):
                mismatches[action.symbol] = None
        duration_ns = asker.clock() - began_ns
        if _is_settled(result):
            return RecoveryReport(
                adopted=_adopted(asker, result),
                canceled=len(canceled),
                fills_added=fills,
                torn_records=torn_records,
                mismatches=tuple(sorted(mismatches)),
                duration_ms=duration_ns / NS_PER_MS,
            )
        if duration_ns > timeout_ns:
            raise VenueError(
                "E_VENUE_CALL",
                "recovery",
                "the venue does not confirm which orders are ours",
                detail="recovery",
            )
        await asyncio.sleep(_CYCLE_NS / NS_PER_SEC)


async def begin_positions(asker: Asker) -> None:
    """Let the session take over what it has never traded.

    Raises:
        VenueError: ``E_VENUE_CALL`` when the venue could not be asked.
    """
    if not asker.adoption.fresh:
        return
    port, since_ns = asker.port, asker.since_ns
    before = await port.executions(since_ns=since_ns)
    for _ in range(_TRIES):
        positions = await port.positions()
        after = await port.executions(since_ns=since_ns)
        if {one.exec_id for one in after} == {one.exec_id for one in before}:
            break
        # Something was filled meanwhile: nobody knows on which side of the positions.
        before = after
    asker.adoption.begin(positions, before)


def _is_settled(result: CycleResult) -> bool:
    view = result.fetched
    if view.open_orders is None or view.executions is None or view.positions is None:
        return False
    return not any(isinstance(action, Close) for action in result.plan.actions)


def _adopted(asker: Asker, result: CycleResult) -> int:
    """Orders that rest at the venue and are known here."""
    ledger = asker.desk.ledger
    resting = (ledger.find(one.cid) for one in result.fetched.open_orders or ())
    return sum(1 for order in resting if order is not None and order.state.is_open)


def write_recovery(report: RecoveryReport, mode: str) -> None:
    """Write ``RECOVERY.json``."""
    write_json(
        artifact_path("RECOVERY.json"),
        {
            "adopted": report.adopted,
            "canceled": report.canceled,
            "duration_ms": report.duration_ms,
            "fills_added": report.fills_added,
            "mismatches": list(report.mismatches),
            "runtime": runtime_block(mode=mode),
            "torn_records": report.torn_records,
        },
    )
