"""The ccxt connector against the local exchange, through the venue port alone."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from decimal import Decimal

import pytest
from tests.conformance.ccxt_rig import (
    SYMBOL,
    eventually,
    far_price,
    fresh_cid,
    order,
    play,
    trading,
)
from tests.conformance.conftest import serving

from mmbot.clock import wall_ns
from mmbot.core import FrameBook
from mmbot.units import NS_PER_SEC
from mmbot.venues.budget.stores import LocalBudget
from mmbot.venues.budget.turnstile import Turnstile
from mmbot.venues.ccxt.client import budget_rules
from mmbot.venues.ccxt.codes import CCXT_CODES
from mmbot.venues.ccxt.numbers import text_of
from mmbot.venues.failures import ErrorClass, Operation, classify
from mmbot.venues.ports import CallError, PublicFrame, PublicGap, StreamChange
from mmbot.venues.records import (
    AmendOrder,
    CancelOrder,
    ExecutionRecord,
    OrderRecord,
    OrderStatus,
    Side,
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("conformance")]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """Two accounts on a calm market, without the delays that other clients need."""
    directory = tmp_path_factory.mktemp("ccxt")
    options = ("--symbols", "BTCUSDT,ETHUSDT", "--regime", "calm")
    with serving(directory, *options) as running:
        yield running


def test_instruments_have_their_grid_and_strangers_are_missing(quiet):
    async def story():
        async with trading(quiet) as port:
            found = await port.instruments([SYMBOL, "NOSUCH"])
            assert list(found) == [SYMBOL]
            rules = found[SYMBOL]
            assert (rules.tick_size, rules.lot_size) == ("0.1", "0.001")
            assert rules.min_qty == "0.001"
            assert rules.ticks("50000.1") == 500_001
            assert abs(await port.server_time_ns() - wall_ns()) < 60 * NS_PER_SEC
            fees = await port.fee_rates([SYMBOL])
            assert (fees[SYMBOL].maker, fees[SYMBOL].taker) == ("0.0002", "0.00055")
            equity = await port.equity()
            assert Decimal(equity.equity_usd) > 90_000
            assert [row.asset for row in equity.balances] == ["USDT"]

    play(story)


def test_an_order_lives_through_create_amend_and_cancel(quiet):
    async def story():
        async with trading(quiet) as port:
            assert port.capabilities.amend
            cid, price = fresh_cid(), await far_price(port)
            ack = await port.create(order(cid, price))
            assert ack.cid == cid
            seen = await eventually(lambda: port.find_order(symbol=SYMBOL, cid=cid))
            assert seen == OrderRecord(
                order_id=ack.order_id,
                cid=cid,
                symbol=SYMBOL,
                side=Side.BUY,
                price=price,
                qty="0.01",
                filled_qty="0",
                status=OrderStatus.OPEN,
                updated_ns=seen.updated_ns,
            )
            lower = text_of(Decimal(price) - 10)
            await port.amend(AmendOrder(cid=cid, symbol=SYMBOL, price=lower, qty="0.020"))
            seen = await eventually(
                lambda: port.find_order(symbol=SYMBOL, cid=cid), lambda row: row.price == lower
            )
            assert seen.qty == "0.02"
            assert cid in [row.cid for row in await port.open_orders()]
            await port.cancel(CancelOrder(cid=cid, symbol=SYMBOL))
            ended = await eventually(
                lambda: port.find_order(symbol=SYMBOL, cid=cid),
                lambda row: row is not None and not row.status.is_open,
            )
            assert ended.status is OrderStatus.CANCELLED
            since_ns = wall_ns() - 600 * NS_PER_SEC
            assert cid in [row.cid for row in await port.order_history(since_ns=since_ns)]

    play(story)


def test_another_client_of_the_account_finds_the_order_by_its_id_and_cancels_it(quiet):
    async def story():
        async with trading(quiet) as one, trading(quiet) as other:
            cid = fresh_cid()
            await one.create(order(cid, await far_price(one)))
            await eventually(lambda: other.find_order(symbol=SYMBOL, cid=cid))
            await other.cancel(CancelOrder(cid=cid, symbol=SYMBOL))
            await eventually(one.open_orders, lambda rows: cid not in [row.cid for row in rows])
            ended = await eventually(
                lambda: one.find_order(symbol=SYMBOL, cid=cid),
                lambda row: row is not None and not row.status.is_open,
            )
            assert ended.status is OrderStatus.CANCELLED

    play(story)


def test_more_open_orders_than_a_page_are_all_told(quiet):
    async def story():
        turnstile = Turnstile(LocalBudget(budget_rules(150.0)))
        async with trading(quiet, turnstile=turnstile, patience_ms=60_000) as port:
            price, cids = await far_price(port), [f"{fresh_cid()}-{n}" for n in range(55)]
            for cid in cids:
                await port.create(order(cid, price, qty="0.001"))
            rows = await eventually(port.open_orders, lambda rows: len(rows) >= 55)
            assert set(cids) <= {row.cid for row in rows}
            await port.cancel_all(SYMBOL)
            await eventually(port.open_orders, lambda rows: not rows)

    play(story)


def verdict(error: CallError):
    return classify(error.failure, CCXT_CODES).error_class


@pytest.mark.spec("02-12")
def test_refusals_have_their_class(quiet):
    async def story():
        async with trading(quiet) as port:
            price = await far_price(port)
            found = {}
            for name, asked in {
                "balance": order(fresh_cid(), price, qty="100"),
                "far": order(fresh_cid(), "90000"),
                "reduce": order(fresh_cid(), price, reduce_only=True),
            }.items():
                with pytest.raises(CallError) as error:
                    await port.create(asked)
                found[name] = verdict(error.value)
            assert set(found.values()) == {ErrorClass.FATAL_ORDER}
            with pytest.raises(CallError) as error:
                await port.cancel(CancelOrder(cid="mmtest-unknown", symbol=SYMBOL))
            assert verdict(error.value) is ErrorClass.BENIGN
            cid = fresh_cid()
            await port.create(order(cid, price))
            await eventually(lambda: port.find_order(symbol=SYMBOL, cid=cid))
            with pytest.raises(CallError) as error:
                await port.create(order(cid, price))
            assert verdict(error.value) is ErrorClass.BENIGN
            await port.cancel(CancelOrder(cid=cid, symbol=SYMBOL))
            with pytest.raises(CallError) as error:
                await eventually_refused(port, cid)
            assert verdict(error.value) is ErrorClass.BENIGN

    play(story)


async def eventually_refused(port, cid):
    for _ in range(50):
        await port.cancel(CancelOrder(cid=cid, symbol=SYMBOL))
        await asyncio.sleep(0.1)


@pytest.mark.spec("02-12")
def test_a_wrong_key_is_fatal_for_the_session(quiet):
    async def story():
        async with trading(quiet, api_secret="nonsense-secret") as port:
            with pytest.raises(CallError) as error:
                await port.equity()
            assert verdict(error.value) is ErrorClass.FATAL_SESSION
            assert "nonsense" not in str(error.value)

    play(story)


@pytest.mark.spec("02-12")
def test_nobody_who_listens_is_not_sent_and_the_rate_limit_is_transient(quiet):
    async def story():
        nowhere = dict.fromkeys(("public", "private"), "http://127.0.0.1:9")
        async with trading(quiet, urls={"api": nowhere}) as port:
            with pytest.raises(CallError) as error:
                await port.server_time_ns()
            assert not error.value.failure.is_sent
            assert verdict(error.value) is ErrorClass.TRANSIENT
        async with trading(quiet, account=1) as port:
            with pytest.raises(CallError) as error:
                for _ in range(200):
                    await port.fee_rates([SYMBOL])
            assert verdict(error.value) is ErrorClass.TRANSIENT
            assert error.value.failure.http_status == 200

    play(story)


@pytest.mark.spec("02-12")
@pytest.mark.parametrize(
    ("fault", "operation", "expected"),
    [
        ("{at_ms: 0, kind: drop, stream: rest, topic: /v5/order/create}", "create", "ambiguous"),
        ("{at_ms: 0, kind: forbidden}", "query", "fatal_session"),
        ("{at_ms: 0, kind: reject, ret_code: 10016}", "create", "ambiguous"),
    ],
)
def test_faults_of_the_venue_have_their_class(tmp_path, fault, operation, expected):
    path = tmp_path / "faults.yaml"
    path.write_text(f"- {fault}\n", encoding="ascii")
    options = ("--symbols", SYMBOL, "--regime", "calm", "--faults", str(path))
    with serving(tmp_path, *options) as venue:

        async def story():
            async with trading(venue) as port:
                with pytest.raises(CallError) as error:
                    if operation == "create":
                        await port.create(order(fresh_cid(), await far_price(port)))
                    else:
                        await port.server_time_ns()
                assert verdict(error.value) is ErrorClass(expected)
                assert error.value.failure.operation is Operation(operation)

        play(story)


def test_the_public_stream_is_a_snapshot_and_deltas_that_the_core_reads(quiet):
    async def story():
        async with trading(quiet) as port:
            rules = (await port.instruments([SYMBOL]))[SYMBOL]
            book = FrameBook(SYMBOL, rules.tick_size, rules.lot_size)
            tops, prints = [], 0
            async with aclosing(port.public_frames([SYMBOL], depth=50)) as frames:
                async for event in frames:
                    assert isinstance(event, PublicFrame)
                    top = book.apply(event.data)
                    prints += b"publicTrade" in event.data
                    if top is not None:
                        tops.append(top)
                    if len(tops) >= 60 and prints:
                        break
            return tops

    tops = play(story)
    assert all(bid < ask for bid, _, ask, _ in tops)


def test_a_venue_that_goes_away_is_a_gap_and_books_begin_again_with_a_snapshot(tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text("- {at_ms: 6000, kind: disconnect, stream: public}\n", encoding="ascii")
    options = ("--symbols", SYMBOL, "--regime", "calm", "--faults", str(path))
    with serving(tmp_path, *options) as venue:

        async def story():
            async with trading(venue) as port:
                told = []
                async with aclosing(port.public_frames([SYMBOL], depth=50)) as frames:
                    async for event in frames:
                        told.append(event)
                        gaps = [n for n, one in enumerate(told) if isinstance(one, PublicGap)]
                        if gaps and any(b"orderbook" in e.data for e in told[gaps[-1] + 1 :]):
                            break
                return told, gaps

        told, gaps = play(story)
        first = next(e for e in told if b"orderbook" in e.data)
        again = next(e for e in told[gaps[-1] + 1 :] if b"orderbook" in e.data)
        assert b'"type":"snapshot"' in first.data
        assert b'"type":"snapshot"' in again.data
        assert told[gaps[0]].symbols == (SYMBOL,)


def test_resubscribing_begins_the_book_anew(quiet):
    async def story():
        async with trading(quiet) as port:
            told = []
            async with aclosing(port.public_frames([SYMBOL], depth=50)) as frames:
                async for event in frames:
                    told.append(event)
                    if len(told) == 5:
                        await port.resubscribe([SYMBOL])
                    if isinstance(told[-2:][0], PublicGap) and isinstance(event, PublicFrame):
                        break
            return told[-1]

    assert b'"type":"snapshot"' in play(story).data


def test_the_private_stream_tells_orders_executions_positions_and_wallet(quiet):
    async def story():
        async with trading(quiet) as port:
            told, kinds = [], set()
            cid = fresh_cid()
            async with aclosing(port.private_events()) as events:
                async for event in events:
                    told.append(event)
                    kinds.add(type(event).__name__)
                    if isinstance(event, StreamChange):
                        assert event.is_connected
                        book = await port._client.exchange.fetch_order_book("BTC/USDT:USDT", 1)
                        price = str(book["asks"][0][0] + 100)
                        await port.create(order(cid, price, post_only=False))
                    wanted = {"OrderRecord", "ExecutionRecord", "PositionRecord", "BalanceRecord"}
                    if wanted <= kinds:
                        break
            orders = [one for one in told if isinstance(one, OrderRecord) and one.cid == cid]
            fills = [one for one in told if isinstance(one, ExecutionRecord) and one.cid == cid]
            assert orders
            assert fills[0].is_maker is False
            assert fills[0].fee_asset == "USDT"
            assert sum(Decimal(one.qty) for one in fills) <= Decimal("0.010")
            held = await eventually(port.positions)
            assert Decimal(held[0].qty) > 0
            since_ns = wall_ns() - 600 * NS_PER_SEC
            rows = await eventually(lambda: port.executions(since_ns=since_ns))
            assert {one.exec_id for one in fills} <= {one.exec_id for one in rows}
            assert all(one.cid == cid for one in rows if one.order_id == orders[0].order_id)
            ended = await eventually(lambda: port.find_order(symbol=SYMBOL, cid=cid))
            assert ended.status is OrderStatus.FILLED
            assert ended.filled_qty == "0.01"

    play(story)


def test_a_private_stream_that_broke_says_so_and_comes_back(tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text("- {at_ms: 8000, kind: disconnect, stream: private}\n", encoding="ascii")
    options = ("--symbols", SYMBOL, "--regime", "calm", "--faults", str(path))
    with serving(tmp_path, *options) as venue:

        async def story():
            async with trading(venue) as port:
                changes = []
                async with aclosing(port.private_events()) as events:
                    async for event in events:
                        if isinstance(event, StreamChange):
                            changes.append(event.is_connected)
                        if len(changes) == 3:
                            break
                return changes

        assert play(story) == [True, False, True]
