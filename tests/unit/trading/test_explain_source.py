"""With checkpoints an explanation is the same as without, and far less of the journal is read."""

import shutil
import struct

import pytest
from tests.unit.trading.written_sessions import START_NS, load, write_session

from mmbot.config import lane_params
from mmbot.errors import ConfigError, StoreError
from mmbot.store.journal import JournalReader
from mmbot.trading.explain import explain
from mmbot.units import NS_PER_MS, NS_PER_SEC

SECONDS = 24
SETS = ("journal.snapshot_interval_s=2",)


def reload_once(engine, second):
    if second == SECONDS // 2:
        changed = load(sets=(*SETS, "strategy.skew_coeff=0.11")).config
        engine.apply_params(0, lane_params(changed, "ETHUSDT"), 1)


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    directory = tmp_path_factory.mktemp("journal")
    return write_session(
        directory, seconds=SECONDS, sets=SETS, checkpoints=True, on_second=reload_once
    )


@pytest.fixture(scope="module")
def intents(journal):
    return list(JournalReader(journal).records(kinds=["intent"]))


@pytest.fixture(scope="module")
def bare(journal, tmp_path_factory):
    """The same journal without checkpoints."""
    return copied(journal, tmp_path_factory.mktemp("bare"), checkpoints=False)


def copied(journal, directory, *, checkpoints=True):
    path = directory / journal.name
    shutil.copytree(journal, path)
    for file in [] if checkpoints else [*path.glob("*.mms"), path / "checkpoints.mmi"]:
        file.unlink()
    return path


def read_bytes(journal, **question):
    """An explanation, and how many bytes it took."""
    blocks: list[int] = []
    found = explain(journal, on_bytes=blocks.append, **question)
    return found, sum(blocks)


def numbers(intents, count):
    """Orders from the whole session."""
    known = sorted({one["full_cid"] for one in intents})
    return known[:: max(1, len(known) // count)]


def damage(path, at, *, flip=1):
    data = bytearray(path.read_bytes())
    data[at] ^= flip
    path.write_bytes(data)


@pytest.mark.spec("09-2")
def test_an_order_is_explained_with_checkpoints_as_without(journal, bare, intents):
    for number in numbers(intents, 40):
        assert explain(journal, order=number) == explain(bare, order=number)


@pytest.mark.spec("09-2")
def test_a_moment_is_explained_with_checkpoints_as_without(journal, bare):
    for symbol in ("BTCUSDT", "ETHUSDT"):
        for step in range(1, 24):
            at = (symbol, START_NS + step * 1_013 * NS_PER_MS)
            assert explain(journal, at=at) == explain(bare, at=at)


@pytest.mark.spec("09-2")
def test_parameters_that_changed_name_their_record(journal, bare, intents):
    change = list(JournalReader(journal).records(kinds=["params"]))[-1]
    placed = [one for one in intents if one["action"] == "place" and one["instrument"] == 1]
    late = [one for one in placed if one["seq"] > change["seq"]]
    assert len(late) > 5
    for order in (late[0]["full_cid"], late[-1]["full_cid"]):
        found = explain(journal, order=order)
        skew = next(one for one in found.parameters if one.key == "strategy.skew_coeff")
        assert (skew.value, skew.origin) == (0.11, f"record {change['seq']}")
        assert found.parameters == explain(bare, order=order).parameters


@pytest.mark.spec("09-2")
def test_what_lies_before_the_checkpoint_is_not_read(journal, intents, tmp_path):
    rows = list(JournalReader(journal).records(kinds=["market_rows"]))
    path = copied(journal, tmp_path)
    early = offset_of(path, next(one["seq"] for one in rows if one["seq"] > 200))
    damage(path / "0.mmj", early + 20)
    last = [one for one in intents if one["action"] == "place"][-1]["full_cid"]
    assert explain(path, order=last) == explain(journal, order=last)
    at = ("BTCUSDT", START_NS + 20 * NS_PER_SEC)
    assert explain(path, at=at) == explain(journal, at=at)
    shutil.rmtree(tmp_path / "bare", ignore_errors=True)
    without = copied(path, tmp_path / "bare", checkpoints=False)
    with pytest.raises(StoreError, match="E_STORE_JOURNAL"):
        explain(without, order=last)


def offset_of(path, seq):
    data = (path / "0.mmj").read_bytes()
    at = 0
    while struct.unpack_from("<Q", data, at + 8)[0] != seq:
        at += 8 + struct.unpack_from("<I", data, at)[0]
    return at


@pytest.mark.spec("09-2")
def test_a_state_that_cannot_be_used_leads_to_the_one_before(journal, intents, tmp_path, capsys):
    order = intents[-1]["full_cid"]
    expected = explain(journal, order=order)
    path = copied(journal, tmp_path)
    size = (path / "0.mms").stat().st_size
    damage(path / "0.mms", size - 100)
    assert explain(path, order=order) == expected
    assert "is damaged" in "".join(capsys.readouterr())
    for left in (size - 1, size // 2, 10, 0):
        with (path / "0.mms").open("r+b") as file:
            file.truncate(left)
        assert explain(path, order=order) == expected
    (path / "0.mms").unlink()
    assert explain(path, order=order) == expected


@pytest.mark.spec("09-2")
def test_states_of_another_build_are_left_aside_with_a_line(journal, intents, tmp_path, capsys):
    order = intents[-1]["full_cid"]
    path = copied(journal, tmp_path)
    index = path / "checkpoints.mmi"
    index.write_bytes(of_another_build(index.read_bytes()))
    assert explain(path, order=order) == explain(journal, order=order)
    assert "written by another build" in "".join(capsys.readouterr())


def of_another_build(data):
    """Heads with another build: layout, number and build are the first fields of a head."""
    out, at = bytearray(), 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        body = bytearray(data[at + 8 : at + 8 + length])
        assert body[2] < 128, "a number of one byte"
        body[3] ^= 1
        out += struct.pack("<II", length, crc32c(body)) + body
        at += 8 + length
    return bytes(out)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@pytest.mark.spec("09-2")
def test_heads_that_are_not_of_this_journal_are_not_believed(journal, intents, tmp_path, capsys):
    order = intents[-1]["full_cid"]
    other = write_session(tmp_path, seconds=8, sets=SETS, session="s-2", checkpoints=True, seed=9)
    path = copied(journal, tmp_path)
    for file in ("checkpoints.mmi", "0.mms"):
        shutil.copy(other / file, path / file)
    assert explain(path, order=order) == explain(journal, order=order)
    assert "ignored" in "".join(capsys.readouterr())


@pytest.mark.spec("09-2")
def test_heads_that_are_cut_or_damaged_cost_time_and_nothing_else(journal, intents, tmp_path):
    path = copied(journal, tmp_path)
    index = path / "checkpoints.mmi"
    whole = index.read_bytes()
    order = intents[-1]["full_cid"]
    expected = explain(journal, order=order)
    for cut in (0, 5, len(whole) // 2, len(whole) - 1):
        index.write_bytes(whole[:cut])
        assert explain(path, order=order) == expected
    for at in range(4, len(whole), len(whole) // 9):
        index.write_bytes(whole)
        damage(index, at, flip=0xFF)
        assert explain(path, order=order) == expected


@pytest.mark.spec("09-2", "08-5.4")
def test_checkpoints_beyond_the_end_of_a_journal_are_not_used(journal, intents, tmp_path):
    """After a power failure the end of a journal may be missing while a checkpoint of it is not."""
    path = copied(journal, tmp_path)
    middle = intents[len(intents) // 2]
    with (path / "0.mmj").open("r+b") as file:
        file.truncate(offset_of(path, middle["seq"] + 400) + 7)
    kept = [one for one in intents if one["seq"] <= middle["seq"]]
    without = copied(path, tmp_path / "bare", checkpoints=False)
    for number in numbers(kept, 8):
        assert explain(path, order=number) == explain(without, order=number)
    with pytest.raises(ConfigError, match="E_CFG_MISSING"):
        explain(path, order=intents[-1]["full_cid"])


@pytest.mark.spec("09-2")
def test_most_of_a_long_journal_stays_unread(tmp_path):
    journal = write_session(
        tmp_path,
        symbols=("BTCUSDT",),
        seconds=400,
        sets=("journal.snapshot_interval_s=20",),
        checkpoints=True,
    )
    size = (journal / "0.mmj").stat().st_size
    assert size > 2 << 20
    last = list(JournalReader(journal).records(kinds=["intent"]))[-1]["full_cid"]
    bare = copied(journal, tmp_path / "bare", checkpoints=False)
    found, taken = read_bytes(journal, order=last)
    expected, all_of_it = read_bytes(bare, order=last)
    assert found == expected
    assert taken < size < all_of_it
