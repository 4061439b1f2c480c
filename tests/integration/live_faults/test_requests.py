"""Requests of a live session that time out, are refused, or meet a venue that wants fewer."""

import asyncio

import pytest
from tests.conformance.ports.world import SYMBOL, exchange
from tests.integration.live_faults.session_rig import play, trading

from mmbot.trading.live.holds import HoldReason
from mmbot.trading.live.rejects import ATTEMPTS_MAX
from mmbot.trading.reconcile import OrderState
from mmbot.venues.records import Side
from mmbot.venues.simulated import engine

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live-faults")]

CREATE = "/v5/order/create"
TIMEOUT_MS = 400
OVER_REST = ("bybit.trade_socket=false", f"bybit.call_timeout_ms={TIMEOUT_MS}")
RESOLVED_MS = 3_000.0
NOWHERE_MS = 1_200
BALANCE_CODE = 110007


def doubted(live):
    """The order whose request was not answered."""
    (record,) = live.records("unanswered")
    return live.shell.desk.ledger.numbered(SYMBOL, record["cid"])


@pytest.mark.parametrize(
    ("kind", "more"),
    [("drop", {}), ("lose", {}), ("hold", {"delay_ms": 1_500}), ("hold", {"delay_ms": 4_000})],
    ids=["executed", "not-executed", "executed-late", "executed-after-it-was-given-up"],
)
def test_a_create_that_times_out_is_counted_resolved_in_time_and_never_repeated(
    tmp_path, kind, more
):
    is_ghost = more.get("delay_ms", 0) > RESOLVED_MS
    lost = ("orders_lost", "orders_not_found") if is_ghost or kind == "lose" else ()

    async def story():
        async with (
            exchange() as world,
            trading(
                world,
                tmp_path,
                sets=OVER_REST,
                has_ghosts=is_ghost,
                row=7,
                leaves=(*lost, "foreign_orders") if is_ghost else lost,
            ) as live,
        ):
            await live.quoting()
            world.fault(kind, stream="rest", topic=CREATE, count=1, **more)
            # Quotes are filled, so that new ones are wanted.
            world.hit("5.000")
            begin_ns = await live.until(lambda: live.shell.sender.counters.unclear)
            order = doubted(live)
            cid = order.client_id
            while order.state is OrderState.UNKNOWN:
                seen = {one["cid"]: one for one in live.shell.desk.core.orders(SYMBOL)}
                assert seen[order.cid]["state"].lower() == "unknown", "it counts as live"
                await asyncio.sleep(0.01)
            end_ns = live.shell.clock()
            assert live.judge.net_ms(begin_ns, end_ns) <= RESOLVED_MS
            assert order.was_accepted is (kind != "lose" and not is_ghost)
            if is_ghost:
                await live.until(lambda: live.said(f"foreign_order | ALERT | cid={cid}"))
                await live.until(lambda: cid not in live.own_open())
            assert world.cid_count(cid) == (kind != "lose")
            await live.quoting()
        assert live.counts["requests_unknown"] == live.counts["requests_resolved"] == 1
        places = [one["full_cid"] for one in live.placed()]
        assert len(places) == len(set(places))

    play(story)


def test_an_order_that_was_filled_unheard_and_is_found_nowhere_is_not_lost(tmp_path, monkeypatch):
    """For longer than the venue needs, so that the session is sure to ask within it."""
    monkeypatch.setattr(engine, "CLOSED_GAP_MS", NOWHERE_MS)

    async def story():
        async with exchange() as world, trading(world, tmp_path, sets=OVER_REST, row=8) as live:
            await live.quoting()
            world.fault("drop", stream="private", topic="order")
            world.fault("drop", stream="rest", topic=CREATE, count=1)
            world.hit("5.000")
            await live.until(lambda: live.shell.sender.counters.unclear)
            order = doubted(live)
            world.fault("drop", stream="private", topic="execution")
            world.hit("50.000", side=Side.SELL if order.side is Side.BUY else Side.BUY)
            await live.until(lambda: order.client_id not in live.own_open())
            await live.until(lambda: live.counts.get("orders_not_found"))
            world.heal()
            await live.until(lambda: order.state is OrderState.FILLED)
            await live.quoting()
            assert world.cid_count(order.client_id) == 1
        assert live.counts["fills_healed"] > 0
        assert "orders_lost" not in live.counts

    play(story)


def test_a_storm_of_rejects_gets_five_attempts_a_minute_and_an_alert(tmp_path):
    async def story():
        async with exchange() as world, trading(world, tmp_path, row=10) as live:
            await live.quoting()
            begun_ns = live.shell.clock()
            world.fault("reject", ret_code=BALANCE_CODE)
            world.hit("5.000")
            await live.until(lambda: live.shell.holds.has(HoldReason.REJECTS))
            assert live.said(f"| rejects | ALERT | E_EXEC_REJECTS: reason={BALANCE_CODE}")
            assert live.shell.brake.refusals == {str(BALANCE_CODE): ATTEMPTS_MAX}
            await live.until(lambda: not live.own_open())
            await asyncio.sleep(3)
            assert live.shell.brake.refusals == {str(BALANCE_CODE): ATTEMPTS_MAX}
            assert live.counts["refused_requests"] == ATTEMPTS_MAX
            assert live.counts["reject_trips"] == 1
            world.heal()
            # A minute later it tries again; here the minute is over at once.
            live.shell.brake._recent.clear()
            await live.until(lambda: live.said("| rejects | OK |"))
            await live.quoting()
        rejected = [one for one in live.records("report") if one["report"] == "rejected"]
        # The venue's own refusals; what the session kept back itself has another reason.
        refused = [one for one in rejected if one["reason"] == "filter"]
        assert len(refused) == ATTEMPTS_MAX
        assert all(one["ts_ns"] >= begun_ns for one in refused)

    play(story)
