"""A start: the interrupted session goes on, one that ended is over, and nobody writes twice."""

import shutil
from dataclasses import replace

import pytest
from tests.unit.trading.live.live_sessions import (
    START_NS,
    Clock,
    Trading,
    beginning,
    killed,
    opened,
    wanted,
)
from tests.unit.trading.live.made_orders import SYMBOL

from mmbot.errors import StoreError
from mmbot.trading.live.opening import interrupted_session, open_session
from mmbot.trading.replaying import replay_journal

LATER_NS = START_NS + 3_600_000_000_000


def left_by(directory, steps=12):
    """The position and the open orders of a session that was killed."""
    trading = killed(directory, steps)
    position = trading.desk.core.position_lots(SYMBOL)
    return position, {one.client_id for one in trading.desk.ledger.open_orders}


def test_without_a_journal_a_session_begins(tmp_path):
    assert interrupted_session(wanted(tmp_path)) is None
    one = opened(tmp_path)
    one.writer.close()
    assert not one.is_resumed
    assert one.identity.session == "s-1"


def test_a_killed_session_goes_on_with_its_orders_and_positions(tmp_path):
    position, open_orders = left_by(tmp_path)
    assert open_orders
    one = opened(tmp_path, "s-2", LATER_NS)
    assert one.is_resumed
    assert one.identity.session == "s-1"
    assert one.core.position_lots(SYMBOL) == position
    assert one.recalled.ledger.position_lots(SYMBOL) == position
    assert {order.client_id for order in one.recalled.ledger.open_orders} == open_orders
    one.writer.append(one.core.take_journal())
    one.core.end(LATER_NS, "over")
    one.writer.append(one.core.take_journal())
    one.writer.close()
    assert replay_journal(tmp_path / "s-1").diff_seq is None
    assert interrupted_session(wanted(tmp_path)) is None
    again = opened(tmp_path, "s-2", LATER_NS)
    again.writer.close()
    assert not again.is_resumed


@pytest.mark.parametrize("has_checkpoints", [True, False])
def test_recovering_twice_gives_the_same_state(tmp_path, has_checkpoints):
    left_by(tmp_path / "a")
    if not has_checkpoints:
        for path in (tmp_path / "a" / "s-1").glob("*.mm[is]"):
            path.unlink()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    hashes = []
    for name in ("a", "b"):
        one = opened(tmp_path / name, "s-2", LATER_NS)
        hashes.append((one.core.state_hash(), one.core.take_journal()))
        one.writer.close()
    assert hashes[0] == hashes[1]


@pytest.mark.spec("08-5.4")
def test_from_a_checkpoint_it_goes_on_as_from_the_beginning(tmp_path):
    begun = beginning()
    begun = replace(begun, header={**begun.header, "hash_every_ns": 1_000_000_000})
    one = open_session(wanted(tmp_path / "a"), lambda: begun, now_ns=START_NS, log=print)
    trading = Trading(one, Clock())
    for _ in range(12):
        trading.step()
    trading.desk.write()
    one.checkpoints.close()
    one.writer.close()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    for path in (tmp_path / "b" / "s-1").glob("*.mm[is]"):
        path.unlink()
    found: list[object] = []
    lines: list[str] = []
    for name in ("a", "b"):
        again = open_session(wanted(tmp_path / name), beginning, now_ns=LATER_NS, log=lines.append)
        view = again.recalled.ledger.view(frozenset({SYMBOL}))
        found.append((again.core.state_hash(), again.core.take_journal(), view))
        again.writer.close()
    assert found[0] == found[1]
    from_seq = [int(line.split("from_seq=")[1].split()[0]) for line in lines]
    assert from_seq[0] > 100
    assert from_seq[1] == 0


def test_a_torn_end_is_cut_and_counted(tmp_path):
    left_by(tmp_path)
    segment = tmp_path / "s-1" / "0.mmj"
    with segment.open("ab") as file:
        file.write(b"\x40\x00\x00")
    one = opened(tmp_path, "s-2", LATER_NS)
    one.writer.close()
    assert one.is_resumed
    assert one.torn_records == 1


def test_a_session_that_somebody_writes_is_not_taken_over(tmp_path):
    left_by(tmp_path)
    first = opened(tmp_path, "s-2", LATER_NS)
    with pytest.raises(StoreError, match="has another writer"):
        opened(tmp_path, "s-3", LATER_NS)
    first.writer.close()


def test_other_instruments_need_a_session_of_their_own(tmp_path):
    left_by(tmp_path)
    one = opened(tmp_path, "s-2", LATER_NS, tick="0.5")
    one.writer.close()
    assert not one.is_resumed
    assert one.identity.session == "s-2"


def test_a_damaged_journal_stops_the_start(tmp_path):
    left_by(tmp_path)
    segment = tmp_path / "s-1" / "0.mmj"
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(bytes(data))
    with pytest.raises(StoreError, match="E_STORE_JOURNAL"):
        opened(tmp_path, "s-2", LATER_NS)


def test_a_journal_whose_header_was_never_whole_is_of_no_session(tmp_path):
    left_by(tmp_path)
    data = (tmp_path / "s-1" / "0.mmj").read_bytes()
    for end in (0, 5, 40):
        (tmp_path / "s-9").mkdir(exist_ok=True)
        (tmp_path / "s-9" / "0.mmj").write_bytes(data[:end])
        assert interrupted_session(wanted(tmp_path)) == tmp_path / "s-1"
    (tmp_path / "s-9" / "0.mmj").write_bytes(data[:40] + b"\xff" + data[41:])
    # Whose it is cannot be read any more.
    with pytest.raises(StoreError, match="E_STORE_JOURNAL"):
        opened(tmp_path, "s-2", LATER_NS)
