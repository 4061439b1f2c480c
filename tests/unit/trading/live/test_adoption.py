"""Positions that a session did not make: booked once, at a price, and known after a crash."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.unit.trading.live.live_sessions import Clock, Trading, opened
from tests.unit.trading.live.made_orders import RULES, SYMBOL, execution

from mmbot.store.journal import JournalReader
from mmbot.trading.live.adoption import Adoption
from mmbot.trading.live.holds import HoldReason, Holds
from mmbot.trading.live.recall import RECALLED_KINDS, recall
from mmbot.trading.reconcile import Execution
from mmbot.trading.replaying import replay_journal
from mmbot.venues.records import PositionRecord, Side


def position(qty: str) -> PositionRecord:
    return PositionRecord(symbol=SYMBOL, qty=qty, avg_price="49000.0", updated_ns=1)


def foreign_fill(exec_id: str, lots: int, side: Side = Side.SELL) -> Execution:
    return Execution(
        exec_id=exec_id,
        order_id="v",
        cid="mm-other",
        symbol=SYMBOL,
        side=side,
        price=Decimal("50010.05"),
        qty_lots=lots,
        fee=Decimal(0),
        fee_asset="USDT",
        is_maker=True,
        ts_ns=5,
        seq=0,
    )


@pytest.fixture
def trading(tmp_path):
    made = Trading(opened(tmp_path), Clock())
    yield made
    made.one.writer.close()


@pytest.fixture
def adoption(trading):
    return Adoption(trading.desk, Holds((SYMBOL,)), {SYMBOL: RULES}, lambda _line: None)


def test_a_position_waits_for_a_mid_and_its_symbol_with_it(trading, adoption):
    adoption.begin([position("-0.118")], [execution("old", cid="mm-other")])
    assert adoption.holds.has(HoldReason.RECOVERY)
    assert trading.desk.ledger.position_lots(SYMBOL) == -118
    adoption.book()
    assert trading.desk.core.position_lots(SYMBOL) == 0
    trading.step()
    adoption.book()
    assert trading.desk.core.position_lots(SYMBOL) - trading.desk.ledger.position_lots(SYMBOL) == 0
    assert not adoption.holds.held
    assert adoption.waiting == {}
    # A position that is taken over is neither won nor lost.
    assert abs(trading.desk.core.snapshot(SYMBOL)["net_pnl_usd"]) < 5


def test_executions_inside_a_position_are_never_booked_again_even_after_a_crash(
    trading, adoption, tmp_path
):
    adoption.begin([position("0.010")], [execution("old", cid="mm-other")])
    trading.step()
    adoption.book()
    adoption.add(foreign_fill("late", 4))
    adoption.add(foreign_fill("late", 4))
    adoption.add(foreign_fill("old", 4))
    lots = trading.desk.ledger.position_lots(SYMBOL)
    assert trading.desk.core.position_lots(SYMBOL) == lots
    trading.desk.write()
    recalled = recall(JournalReader(tmp_path / "s-1").records(kinds=RECALLED_KINDS)).ledger
    assert recalled.is_booked("old")
    assert recalled.is_booked("late")
    assert recalled.position_lots(SYMBOL) == lots
    assert replay_journal(tmp_path / "s-1").diff_seq is None


def test_a_fill_of_another_session_before_the_mid_changes_what_waits(trading, adoption):
    adoption.begin([position("0.010")], [])
    adoption.add(foreign_fill("late", 4))
    assert adoption.waiting == {SYMBOL: 6}
    assert trading.desk.ledger.position_lots(SYMBOL) == 6


def test_what_the_session_has_traded_is_its_own_account(trading, adoption):
    trading.step()
    assert trading.desk.ledger.has_traded(SYMBOL)
    adoption.begin([position("5.000")], [])
    assert adoption.waiting == {}
    assert not adoption.holds.held
