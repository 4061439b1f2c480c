"""A live session is killed at any byte of its journal: it comes back the same, twice, with all.

The journal of a session is cut at random positions, in the middle of a record more often than not,
and each cut is recovered twice. What may rest at the venue then is read off the records by hand;
all of it has to be open in the recovered session, and reconciliation adopts it and closes nothing.

`--cut-points` says how many; the moments of the real processes are in `tests/e2e/test_kills.py`.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from tests.unit.trading.live.live_sessions import START_NS, killed, opened
from tests.unit.trading.live.made_orders import SYMBOL

from mmbot.ids import base36
from mmbot.store.journal import JournalReader
from mmbot.trading.live.opening import Opened
from mmbot.trading.live.orders import TrackedOrder
from mmbot.trading.reconcile import (
    Close,
    Execution,
    OrderState,
    ReconcileState,
    VenueOrder,
    VenueView,
    apply_plan,
    reconcile,
)
from mmbot.venues.records import OrderStatus

pytestmark = pytest.mark.slow

LATER_NS = START_NS + 3_600_000_000_000
SYMBOLS = frozenset({SYMBOL})
STEPS = 30


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """The journal of a session with orders, fills and cancels."""
    directory = tmp_path_factory.mktemp("whole")
    trading = killed(directory, STEPS)
    assert trading.venue.fills >= 3
    return (directory / "s-1" / "0.mmj").read_bytes()


def first_cut(whole: bytes, directory: Path) -> int:
    """Before the first record after the parameters there is no session to come back."""
    path = directory / "probe" / "s-1"
    path.mkdir(parents=True)
    (path / "0.mmj").write_bytes(whole)
    (first, *_) = JournalReader(path).records(kinds=("start",))
    low, high = 0, len(whole)
    while low + 1 < high:
        middle = (low + high) // 2
        (path / "0.mmj").write_bytes(whole[:middle])
        found = [one["seq"] for one in JournalReader(path).records()]
        low, high = (low, middle) if found and found[-1] >= first["seq"] else (middle, high)
    return high


def may_rest(path: Path) -> dict[str, int]:
    """Orders that the records do not show the end of, with what of them is filled: by hand."""
    prefix, resting, totals = "", {}, {}
    names: dict[int, str] = {}
    for record in JournalReader(path).records(kinds=("header", "intent", "report")):
        match record:
            case {"kind": "header"}:
                prefix = record["cid_prefix"]
            case {"kind": "intent", "action": "place"}:
                name = names[record["cid"]] = prefix + base36(record["full_cid"])
                resting[name], totals[name] = 0, record["qty"]
            case {"kind": "report", "report": "filled"}:
                name = names[record["cid"]]
                if name in resting:
                    resting[name] = record["cum_qty"]
            case {"kind": "report", "report": "amended"}:
                name = names[record["cid"]]
                if name in resting:
                    totals[name] = resting[name] + record["open_qty"]
            case {"kind": "report", "report": "cancelled" | "rejected"}:
                resting.pop(names[record["cid"]], None)
            case _:
                continue
    return {name: filled for name, filled in resting.items() if filled < totals[name]}


def at_venue(order: TrackedOrder) -> VenueOrder:
    return VenueOrder(
        order_id=f"v-{order.cid}",
        cid=order.client_id,
        symbol=order.symbol,
        side=order.side,
        status=OrderStatus.OPEN,
        price_ticks=order.terms.price_ticks,
        qty_lots=order.terms.qty_lots,
        filled_lots=order.filled_lots,
    )


def missed_fill(order: VenueOrder) -> tuple[VenueOrder, Execution]:
    """One lot that was filled while nobody listened."""
    fields = {name: getattr(order, name) for name in VenueOrder.__slots__}
    execution = Execution(
        exec_id="missed",
        order_id=order.order_id,
        cid=order.cid,
        symbol=order.symbol,
        side=order.side,
        price=Decimal(order.price_ticks) / 10,
        qty_lots=1,
        fee=Decimal(0),
        fee_asset="USDT",
        is_maker=True,
        ts_ns=LATER_NS,
        seq=1,
    )
    return VenueOrder(**{**fields, "filled_lots": order.filled_lots + 1}), execution


def judge_adoption(one: Opened, resting: Mapping[str, int], rng: random.Random) -> None:
    """What rests is adopted, the missed fill is booked, and nothing is closed."""
    ledger = one.recalled.ledger
    tracked = {order.client_id: order for order in ledger.open_orders}
    assert {cid: order.filled_lots for cid, order in tracked.items()} == resting
    venue = [at_venue(order) for order in tracked.values()]
    executions: tuple[Execution, ...] = ()
    sign = 0
    room = [at for at, order in enumerate(venue) if order.qty_lots - order.filled_lots > 1]
    if room:
        at = rng.choice(room)
        venue[at], execution = missed_fill(venue[at])
        executions, sign = (execution,), execution.side.sign
    lots = ledger.position_lots(SYMBOL) + sign
    local = ledger.view(SYMBOLS)
    plan = reconcile(
        local,
        VenueView(
            started_ns=LATER_NS,
            open_orders=tuple(venue),
            history=(),
            executions=executions,
            positions={SYMBOL: lots},
        ),
        ReconcileState(),
        symbols=SYMBOLS,
    )
    assert not any(isinstance(action, Close) for action in plan.actions)
    after = apply_plan(local, plan.actions)
    live = {order.cid for order in after.orders if order.state is OrderState.LIVE}
    assert live == set(resting)
    assert after.positions[SYMBOL].fills_lots == lots
    assert plan.violations == ()


def recovered(directory: Path, data: bytes) -> Opened:
    path = directory / "s-1"
    path.mkdir(parents=True)
    (path / "0.mmj").write_bytes(data)
    one = opened(directory, "s-2", LATER_NS)
    assert one.is_resumed
    return one


def test_killed_at_any_byte_it_recovers_the_same_twice_and_adopts_what_rests(
    whole, tmp_path, request
):
    rng = random.Random(request.config.getoption("--kill-seed"))
    begin = first_cut(whole, tmp_path)
    assert begin < len(whole) // 4
    torn = held = 0
    for number in range(request.config.getoption("--cut-points")):
        data = whole[: rng.randint(begin, len(whole))]
        place = tmp_path / str(number)
        one, other = (recovered(place / name, data) for name in ("a", "b"))
        try:
            assert one.core.state_hash() == other.core.state_hash()
            assert one.core.take_journal() == other.core.take_journal()
            resting = may_rest(place / "a" / "s-1")
            judge_adoption(one, resting, rng)
            torn += one.torn_records
            held += bool(resting)
        finally:
            one.writer.close()
            other.writer.close()
        shutil.rmtree(place)
    assert torn > 0
    assert held > 0
