"""A process that trades like a session: own orders at the venue, a state file that beats.

Arguments: REST address, stream address, number of own orders. Prints ``ready`` once its orders
rest; then beats until it is killed, or until it is told by a line on its standard input to hang.
"""

import asyncio
import sys
import threading
from dataclasses import replace
from decimal import Decimal

from mmbot.clock import wall_ns
from mmbot.config import AppConfig
from mmbot.ids import base36
from mmbot.trading.identity import SessionIdentity
from mmbot.trading.live.companion import first_state
from mmbot.trading.live.heartbeat import Heartbeat
from mmbot.trading.live.state_file import StageMark
from mmbot.venues.budget.stores import LocalBudget
from mmbot.venues.bybit.adapter import BybitSettings, BybitVenue
from mmbot.venues.bybit.codes import BYBIT_CODES
from mmbot.venues.bybit.endpoints import Environment, endpoints
from mmbot.venues.bybit.limits import BYBIT_BUDGET
from mmbot.venues.bybit.rest import RestPolicy
from mmbot.venues.bybit.signing import ApiCredentials
from mmbot.venues.namespace import CidNamespace
from mmbot.venues.ports import CallError
from mmbot.venues.records import CreateOrder, Side
from mmbot.venues.stream.picows_link import PicowsDialer

SYMBOL = "BTCUSDT"
KEY = ApiCredentials("mmbot-local-key-1", "mmbot-local-secret-1")


def open_venue(rest: str, stream: str, bot: str) -> BybitVenue:
    settings = BybitSettings(
        endpoints=endpoints(Environment.CUSTOM, "linear", rest_url=rest, stream_url=stream),
        category="linear",
        namespace=CidNamespace(bot),
        policy=RestPolicy(timeout_ms=5000, patience_ms=5000, recv_window_ms=5000),
        has_trade_socket=False,
    )
    return BybitVenue(settings, KEY, budget=LocalBudget(BYBIT_BUDGET), dialer=PicowsDialer())


def resting(cid: str) -> CreateOrder:
    return CreateOrder(
        cid=cid,
        symbol=SYMBOL,
        side=Side.BUY,
        price=str(Decimal(40_000)),
        qty="0.001",
        post_only=True,
        reduce_only=False,
    )


async def trade(rest: str, stream: str, count: int) -> None:
    identity = SessionIdentity.of(AppConfig(), [SYMBOL])
    venue = open_venue(rest, stream, identity.bot_prefix)
    state = first_state(identity, mode="live", venue="bybit", endpoint=rest)
    state = replace(state, stages=(*state.stages, StageMark("trading", wall_ns())))
    hang = threading.Event()
    threading.Thread(target=_wait_for_line, args=(hang,), daemon=True).start()
    with Heartbeat() as heartbeat:
        heartbeat.publish(state)
        for number in range(count):
            await _place(venue, resting(identity.cid_prefix + base36(number + 1)))
        while await _open_count(venue) < count:
            await asyncio.sleep(0.05)
        sys.stdout.write(f"ready {identity.cid_prefix}\n")
        sys.stdout.flush()
        while True:
            if heartbeat.is_due() and not hang.is_set():
                heartbeat.publish(replace(state, heartbeat_ns=wall_ns()))
            await asyncio.sleep(0.05)


async def _place(venue: BybitVenue, order: CreateOrder) -> None:
    """Until it rests, also in a storm of the venue; the second of two equal ids is refused."""
    while True:
        try:
            await venue.create(order)
        except CallError as exc:
            if exc.failure.code in BYBIT_CODES.duplicate_ids:
                return
            await asyncio.sleep(0.2)
        else:
            return


async def _open_count(venue: BybitVenue) -> int:
    try:
        return len(await venue.open_orders())
    except CallError:
        return 0


def _wait_for_line(hang: threading.Event) -> None:
    sys.stdin.readline()
    hang.set()


if __name__ == "__main__":
    asyncio.run(trade(sys.argv[1], sys.argv[2], int(sys.argv[3])))
