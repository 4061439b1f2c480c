"""The fingerprint of rows."""

import numpy as np

from mmbot import core
from mmbot.research.digest import RowDigest, combined_digest

INSTRUMENT = core.Instrument("A", "0.1", "0.001")


def columns(n=40):
    at = np.arange(n, dtype=np.int64) * 1000
    flags = np.full(n, 8, dtype=np.uint8)
    flags[0] = 8 | 2
    px = (1000 + np.arange(n) % 7).astype(np.int32)
    return flags, px, np.full(n, 5, dtype=np.int64), at, at + 7


def digest_of(parts, instrument=INSTRUMENT):
    digest = RowDigest(instrument)
    for part in parts:
        digest.update(core.EventChunk.from_arrays(*part))
    return digest.hexdigest()


def cut(*edges):
    whole = columns()
    spans = zip((0, *edges), (*edges, 40), strict=True)
    return [tuple(column[start:end] for column in whole) for start, end in spans]


def test_it_does_not_depend_on_chunk_borders():
    one = digest_of(cut())
    assert len(one) == 64
    assert digest_of(cut(1, 17)) == one
    assert digest_of(cut(39)) == one


def test_it_changes_with_a_row_and_with_the_grid():
    one = digest_of(cut())
    other = columns()
    other[2][5] = 6
    assert digest_of([other]) != one
    assert digest_of(cut(), core.Instrument("A", "1", "0.001")) != one


def test_of_several_symbols_the_order_does_not_matter():
    assert combined_digest(["a"]) == "a"
    assert combined_digest(["a", "b"]) == combined_digest(["b", "a"])
