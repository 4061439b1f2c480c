from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.market.importers.rows import Lines, StepFinder, steps_of
from mmbot.market.schema import BOOK_SCHEMA


@given(
    lines=st.lists(st.binary(max_size=6).map(lambda b: b.replace(b"\n", b"")), max_size=12),
    ended=st.booleans(),
    cuts=st.lists(st.integers(0, 90), max_size=5),
)
def test_lines_do_not_depend_on_how_blocks_are_cut(lines, ended, cuts):
    text = b"\n".join(lines) + (b"\n" if ended else b"")
    bounds = sorted({0, len(text), *(min(c, len(text)) for c in cuts)})
    reader = Lines()
    found = []
    for begin, end in pairwise(bounds):
        found += [(reader.number, reader.offset, line) for line in reader.feed(text[begin:end])]
    found += [(reader.number, reader.offset, line) for line in reader.end()]
    expected = []
    offset = 0
    for number, line in enumerate(text.split(b"\n"), 1):
        if line.strip():
            expected.append((number, offset, line.strip()))
        offset += len(line) + 1
    assert found == expected
    assert (reader.number, reader.offset) == (0, 0)


decimals = st.decimals(
    min_value=-1000, max_value=1000, places=4, allow_nan=False, allow_infinity=False
)


@given(st.lists(decimals, max_size=8))
def test_the_step_is_the_greatest_that_divides_all(values):
    finder = StepFinder()
    for value in values:
        finder.add(value)
    units = [abs(int(Fraction(value) * 10_000)) for value in values]
    expected = gcd(*units) if units else 0
    step = finder.step()
    if not expected:
        assert step is None
        return
    assert step is not None
    assert Fraction(step) == Fraction(expected, 10_000)
    assert all(steps_of(value, Decimal(step)) is not None for value in values)


@pytest.mark.parametrize(
    ("values", "step"),
    [
        (["61659.70", "61659.80"], "0.1"),
        (["0.5", "2.0"], "0.5"),
        (["1E+3", "500"], "500"),
        (["0"], None),
    ],
)
def test_steps_are_plain_text(values, step):
    finder = StepFinder()
    for value in values:
        finder.add(Decimal(value))
    assert finder.step() == step


def test_steps_of_floats():
    finder = StepFinder()
    finder.add_floats(np.array([61659.7, 0.3, 19999.9]))
    assert finder.step() == "0.1"
    finder.add_floats(np.array([]))
    assert finder.step() == "0.1"


@pytest.mark.parametrize(
    ("value", "step", "count"), [("0.3", "0.1", 3), ("0.35", "0.1", None), ("1e30", "0.1", None)]
)
def test_counting_steps(value, step, count):
    assert steps_of(Decimal(value), Decimal(step)) == count


def test_the_schema_of_the_book_is_what_the_decoders_fill():
    assert BOOK_SCHEMA.names == [
        "ts_ns",
        "recv_ns",
        "update_id",
        "seq",
        "kind",
        "side",
        "px",
        "qty",
    ]
