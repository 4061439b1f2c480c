"""A ledger that is remembered from a checkpoint is the one that the whole journal tells."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.trading.live.live_sessions import (
    START_NS,
    Clock,
    Trading,
    beginning,
    opened,
    wanted,
)
from tests.unit.trading.live.made_orders import SYMBOL

from mmbot.errors import StoreError
from mmbot.store.journal import JournalReader
from mmbot.trading.live.opening import interrupted_session, open_session
from mmbot.trading.live.orders import KEEP_NS
from mmbot.trading.live.recall import OVERLAP_NS, RECALLED_KINDS, recall
from mmbot.trading.live.remembering import _base, has_ended, remember, usable_checkpoints
from mmbot.units import NS_PER_SEC

SYMBOLS = frozenset({SYMBOL})


@pytest.fixture
def killed(tmp_path):
    """The directory of a session that traded for some seconds, and the seconds."""
    begun = beginning()
    begun = replace(begun, header={**begun.header, "hash_every_ns": NS_PER_SEC})
    lines: list[str] = []
    one = open_session(wanted(tmp_path), lambda: begun, now_ns=START_NS, log=lines.append)
    trading = Trading(one, Clock())
    for _ in range(40):
        trading.step()
    trading.kill()
    assert trading.venue.fills > 5
    return tmp_path / "s-1", (trading.clock.now_ns - START_NS) // NS_PER_SEC


def fields(ledger):
    return {
        one.client_id: (one.side, one.terms, one.state, one.asked, one.filled_lots, one.wants_fills)
        for one in ledger.open_orders
    }


def full(path):
    return recall(JournalReader(path).records(kinds=RECALLED_KINDS))


def test_it_says_the_same_however_far_back_it_begins(killed):
    path, seconds = killed
    whole = full(path)
    begun = set()
    for keep_sec in range(seconds):
        found = remember(path, keep_ns=keep_sec * NS_PER_SEC)
        ledger = found.ledger
        begun.add(found.since_ns)
        assert fields(ledger) == fields(whole.ledger)
        assert ledger.position_lots(SYMBOL) == whole.ledger.position_lots(SYMBOL)
        assert ledger.has_traded(SYMBOL)
        assert (found.symbols, found.cid_prefix) == (whole.symbols, whole.cid_prefix)
        assert (found.started_ns, found.last_ns) == (whole.started_ns, whole.last_ns)
        known = whole.ledger.view(SYMBOLS).exec_ids
        assert ledger.view(SYMBOLS).exec_ids <= known
        # an execution that is not known any more is from before what is asked for
        at_ns = found.since_ns - OVERLAP_NS
        late = {one for one in known if whole.ledger._exec_ns[one] > at_ns}
        assert late <= ledger.view(SYMBOLS).exec_ids
        assert all(ledger.find(one.client_id) for one in whole.ledger if one.changed_ns > at_ns)
    assert len(begun) > 3, "it began at several checkpoints"


def test_the_less_must_be_known_the_later_it_begins(killed):
    path, seconds = killed
    begun = [remember(path, keep_ns=one * NS_PER_SEC).since_ns for one in range(seconds)]
    assert begun == sorted(begun, reverse=True)
    all_ns = [one.head.ts_ns for one in usable_checkpoints(JournalReader(path), path)]
    # where an answer is awaited it is the one before
    assert begun[0] - OVERLAP_NS in all_ns[:4]


def test_a_short_session_and_one_without_checkpoints_are_read_from_the_beginning(killed):
    path, _ = killed
    assert remember(path).since_ns == full(path).since_ns
    for file in path.glob("*.mm[is]"):
        file.unlink()
    assert remember(path, keep_ns=0).since_ns == full(path).since_ns
    assert remember(path, keep_ns=0).ledger.view(SYMBOLS) == full(path).ledger.view(SYMBOLS)


def test_a_checkpoint_that_cannot_be_used_is_passed_over(killed):
    path, _ = killed
    reader = JournalReader(path)
    newest, other, *_ = usable_checkpoints(reader, path)
    assert newest.head.ts_ns > other.head.ts_ns
    number, offset, length = newest.head.state
    states = path / f"{number}.mms"
    data = bytearray(states.read_bytes())
    data[offset : offset + length] = bytes(length)
    states.write_bytes(bytes(data))
    found = remember(path, keep_ns=0)
    assert found.since_ns < newest.head.ts_ns + OVERLAP_NS
    assert fields(found.ledger) == fields(full(path).ledger)


def test_where_an_answer_is_always_awaited_it_begins_all_the_same(killed):
    path, _ = killed
    reader, whole = JournalReader(path), full(path)
    header, awaited = reader.header(), 0
    for one in usable_checkpoints(reader, path):
        base = _base(one, header)
        awaited += any(not order.is_settled for order in base.ledger.open_orders)
        found = recall(reader.records(kinds=RECALLED_KINDS, start=one.start), base)
        assert fields(found.ledger) == fields(whole.ledger)
        assert found.ledger.position_lots(SYMBOL) == whole.ledger.position_lots(SYMBOL)
    assert awaited > 0


def test_it_begins_in_an_earlier_life_of_the_session(tmp_path):
    begun = replace(beginning(), header={**beginning().header, "hash_every_ns": NS_PER_SEC})
    clock, path, heads = Clock(), tmp_path / "s-1", [0]
    last: Trading | None = None
    for _ in range(4):
        one = open_session(
            wanted(tmp_path), lambda: begun, now_ns=clock.now_ns, log=lambda _line: None
        )
        trading = Trading(one, clock)
        if last is not None:
            # market and venue have not ended
            trading.market, venue = last.market, last.venue
            trading.venue.resting, trading.venue.fills = venue.resting, venue.fills
        for _ in range(20):
            trading.step()
        trading.kill()
        last = trading
        found = list(usable_checkpoints(JournalReader(path), path))
        assert [head.head.number for head in reversed(found)] == list(range(len(found)))
        assert len(found) > heads[-1]
        heads.append(len(found))
    whole = full(path)
    first_ns = found[-heads[1]].head.ts_ns
    keep_ns = found[0].head.ts_ns - first_ns
    for keep in (0, keep_ns // 2, keep_ns):
        ledger = remember(path, keep_ns=keep).ledger
        assert fields(ledger) == fields(whole.ledger)
        assert ledger.position_lots(SYMBOL) == whole.ledger.position_lots(SYMBOL)
    assert remember(path, keep_ns=keep_ns).since_ns <= first_ns + OVERLAP_NS
    assert whole.since_ns < remember(path, keep_ns=keep_ns).since_ns


@pytest.mark.parametrize("has_checkpoints", [True, False])
def test_the_end_of_a_session_is_found_without_its_beginning(tmp_path, has_checkpoints):
    trading = Trading(opened(tmp_path), Clock())
    for _ in range(12):
        trading.step()
    trading.desk.write()
    assert not has_ended(tmp_path / "s-1")
    trading.desk.core.end(trading.clock.now_ns, "duration")
    trading.desk.write()
    trading.one.checkpoints.close()
    trading.one.writer.close()
    if not has_checkpoints:
        for file in (tmp_path / "s-1").glob("*.mm[is]"):
            file.unlink()
    assert has_ended(tmp_path / "s-1")
    assert interrupted_session(wanted(tmp_path)) is None


def test_a_journal_whose_end_is_damaged_is_told(killed):
    path, _ = killed
    segment = path / "0.mmj"
    data = bytearray(segment.read_bytes())
    data[-200] ^= 0xFF
    segment.write_bytes(bytes(data))
    for ask in (has_ended, remember):
        with pytest.raises(StoreError, match="E_STORE_JOURNAL"):
            ask(path)


def test_an_hour_is_what_a_ledger_forgets_after():
    assert KEEP_NS == 3600 * NS_PER_SEC
