"""Does what the stop's state machine says, and tells each stage."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from mmbot.trading.live.asking import Asker
from mmbot.trading.live.sending import Sender
from mmbot.trading.live.shutdown import Command, Facts, Shutdown, Stage, VenueList
from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["close_orders"]

_STEP_NS: Final = 50 * NS_PER_MS


async def close_orders(
    stop: Shutdown,
    asker: Asker,
    sender: Sender,
    *,
    step: Callable[[], Awaitable[None]],
    on_stage: Callable[[Shutdown], None],
) -> Shutdown:
    """Drain, cancel and verify; return the final stage.

    Args:
        stop: where it begins.
        asker: asks the venue.
        sender: cancels.
        step: called in every round: overdue orders are asked for, what the core wants is sent.
        on_stage: called with each new stage.
    """
    listed: VenueList | None = None
    symbols: dict[str, str] = {}
    cancelled_ns: int | None = None
    on_stage(stop)
    while True:
        ledger = asker.desk.ledger
        facts = Facts(
            now_ns=asker.clock(),
            unanswered=sum(1 for one in ledger.open_orders if not one.is_settled)
            + sender.in_flight,
            known=frozenset(one.client_id for one in ledger.open_orders),
            listed=listed,
            cancelled_ns=cancelled_ns,
        )
        before = stop.stage
        stop, command = stop.after(facts)
        if stop.stage is not before:
            on_stage(stop)
        if command is Command.NOTHING:
            return stop
        if command is Command.ASK:
            started_ns = asker.clock()
            records = await asker.own_open()
            if records is not None:
                symbols = {one.cid: one.symbol for one in records}
                listed = VenueList(started_ns, frozenset(symbols))
        elif command is Command.CANCEL:
            for symbol in sorted(set(symbols.values())):
                named = [cid for cid in sorted(stop.left) if symbols.get(cid) == symbol]
                await sender.cancel(symbol, named)
            cancelled_ns = asker.clock()
        await step()
        if stop.stage is not Stage.CANCELLING or command is not Command.CANCEL:
            await asyncio.sleep(_STEP_NS / NS_PER_SEC)
