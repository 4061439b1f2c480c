"""A byte of a live session's files is flipped: it is found, and nobody starts on what it made.

A damaged journal stops the start, unless the damage can only be a torn end; then what is torn off
counts for nothing. Checkpoints serve speed alone: with damaged ones the same session comes back.
"""

from __future__ import annotations

import random
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from tests.unit.trading.live.live_sessions import START_NS, killed, opened

from mmbot.errors import StoreError

pytestmark = pytest.mark.slow

LATER_NS = START_NS + 3_600_000_000_000
STEPS = 20
FLIPS = 150


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The directory of a session that was killed, checkpoints beside its journal."""
    directory = tmp_path_factory.mktemp("whole")
    killed(directory, STEPS)
    return directory


def flipped(whole: Path, to: Path, name: str, at: int, bit: int) -> Path:
    shutil.copytree(whole, to)
    path = to / "s-1" / name
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(bytes(data))
    return to


def hash_of(directory: Path) -> tuple[str, int]:
    """Its state after recovery, and how many records were torn off."""
    one = opened(directory, "s-2", LATER_NS)
    try:
        assert one.is_resumed
        return one.core.state_hash(), one.torn_records
    finally:
        one.writer.close()


def damaged_in(directory: Path) -> int:
    """Checkpoints that a recovery could not begin with; the next one finds the same."""
    one = opened(directory, "s-2", LATER_NS)
    one.writer.close()
    return one.damaged_checkpoints


def last_record(path: Path, whole: Path) -> int:
    """Where the last record begins: the shortest journal from which nothing is torn off but it."""
    data = (whole / "s-1" / "0.mmj").read_bytes()
    for end in range(len(data) - 1, 0, -1):
        place = path / str(end)
        shutil.copytree(whole, place)
        (place / "s-1" / "0.mmj").write_bytes(data[:end])
        _, torn = hash_of(place)
        shutil.rmtree(place)
        if not torn:
            return end
    raise AssertionError("a journal of one record")


def test_a_flipped_byte_of_the_journal_is_found_or_a_torn_end(whole, tmp_path):
    rng = random.Random(14)
    size = (whole / "s-1" / "0.mmj").stat().st_size
    end = last_record(tmp_path / "cut", whole)
    places = [rng.randrange(size) for _ in range(FLIPS)] + list(range(end, size))
    refused = 0
    for at in places:
        place = flipped(whole, tmp_path / str(at), "0.mmj", at, rng.randrange(8))
        if at < end:
            with pytest.raises(StoreError, match="E_STORE_JOURNAL"):
                hash_of(place)
            refused += 1
        else:
            with suppress(StoreError):
                assert hash_of(place)[1] == 1
        shutil.rmtree(place, ignore_errors=True)
    assert refused >= FLIPS // 2


def test_a_flipped_byte_of_a_checkpoint_changes_nothing_that_comes_back(whole, tmp_path):
    rng = random.Random(15)
    shutil.copytree(whole, tmp_path / "good")
    good = hash_of(tmp_path / "good")
    files = (path for path in (whole / "s-1").iterdir() if path.suffix in {".mms", ".mmi"})
    names = sorted(path.name for path in files)
    assert len(names) >= 2
    assert damaged_in(tmp_path / "good") == 0
    damaged = []
    for number in range(FLIPS):
        name = names[number % len(names)]
        at = rng.randrange((whole / "s-1" / name).stat().st_size)
        place = flipped(whole, tmp_path / str(number), name, at, rng.randrange(8))
        assert hash_of(place) == good
        damaged.append(damaged_in(place))
        shutil.rmtree(place)
    assert sum(map(bool, damaged)) > FLIPS // 2
