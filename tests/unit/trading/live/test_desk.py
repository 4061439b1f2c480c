"""The door to the core: the journal first, and what a disk that refuses lets through."""

import pytest
from tests.unit.trading.live.disks import Disk
from tests.unit.trading.live.live_sessions import Clock, Trading, opened
from tests.unit.trading.live.made_orders import SYMBOL

from mmbot.store.journal import JournalReader
from mmbot.trading.live.recall import RECALLED_KINDS, recall
from mmbot.trading.replaying import replay_journal


@pytest.fixture
def trading(tmp_path):
    made = Trading(opened(tmp_path), Clock())
    yield made
    made.one.writer.close()


def test_every_request_is_in_the_journal_when_it_is_given_away(trading, tmp_path):
    for _ in range(10):
        requests = []
        trading.desk.core.on_events(SYMBOL, trading.market.next_chunk(300))
        trading.clock.now_ns = trading.desk.core.now_ns
        requests = trading.flush()
        written = {
            (record["cid"], record["action"])
            for record in JournalReader(tmp_path / "s-1").records(kinds=("intent",))
        }
        assert {(one.cid, one.kind) for one in requests} <= written
        trading.venue.take(requests)


def test_a_ledger_that_is_recalled_is_the_one_that_was(trading, tmp_path):
    for _ in range(20):
        trading.step()
    trading.desk.write()
    assert trading.venue.fills > 2
    ledger = trading.desk.ledger
    recalled = recall(JournalReader(tmp_path / "s-1").records(kinds=RECALLED_KINDS))
    symbols = frozenset({SYMBOL})
    again, before = recalled.ledger.view(symbols), ledger.view(symbols)
    assert again.exec_ids == before.exec_ids
    assert again.positions[SYMBOL].fills_lots == before.positions[SYMBOL].fills_lots
    facts = [
        [(o.cid, o.side, o.state, o.price_ticks, o.qty_lots, o.filled_lots) for o in view.orders]
        for view in (again, before)
    ]
    assert facts[0] == facts[1]
    assert recalled.ledger.position_lots(SYMBOL) == trading.desk.core.position_lots(SYMBOL)
    assert not recalled.has_ended


def test_a_note_without_its_report_was_never_booked(trading, tmp_path):
    for _ in range(6):
        trading.step()
    trading.desk.write()
    records = list(JournalReader(tmp_path / "s-1").records(kinds=RECALLED_KINDS))
    cuts = [at for at, record in enumerate(records) if record["kind"] == "note"]
    assert cuts
    whole = recall(records[: cuts[-1] + 2]).ledger
    cut = recall(records[: cuts[-1] + 1]).ledger
    exec_id = records[cuts[-1]]["text"].split("id=")[1].split()[0]
    assert whole.is_booked(exec_id)
    assert not cut.is_booked(exec_id)


def test_a_full_disk_lets_cancels_out_and_nothing_else_and_all_is_written_later(trading, tmp_path):
    trading.step()
    disk = trading.desk.journal = Disk(trading.one.writer)
    disk.reason = "no space"
    sent: list[str] = []
    for _ in range(5):
        trading.desk.core.on_events(SYMBOL, trading.market.next_chunk(300))
        trading.clock.now_ns = trading.desk.core.now_ns
        sent += [one.kind for one in trading.flush()]
    trading.desk.hold(SYMBOL, on=True)
    requests = trading.flush()
    sent += [one.kind for one in requests]
    assert set(sent) == {"cancel"}
    assert trading.desk.disk_error is not None
    trading.venue.take(requests)
    disk.reason = ""
    trading.desk.hold(SYMBOL, on=False)
    for _ in range(10):
        trading.step()
    assert trading.desk.disk_error is None
    assert any(one.kind == "place" for one in trading.sent)
    replayed = replay_journal(tmp_path / "s-1")
    assert replayed.diff_seq is None
    assert replayed.actions > 0
