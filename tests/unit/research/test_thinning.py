"""Samples that stay small and do not depend on how rows arrived."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.research.thinning import Thinned, thinned


def whole(sizes):
    return np.arange(sum(sizes))


@given(st.lists(st.integers(0, 40), min_size=1, max_size=30), st.integers(2, 20))
def test_the_sample_is_that_of_one_batch_evenly_spaced_and_ends_with_the_last_row(sizes, rows_max):
    rows = whole(sizes)
    sample = Thinned(rows_max)
    start = 0
    for size in sizes:
        sample.add({"a": rows[start : start + size], "b": -rows[start : start + size]})
        start += size
    found = sample.columns()
    assert found["a"].tolist() == thinned({"a": rows}, rows_max)["a"].tolist()
    assert (found["a"] == -found["b"]).all()
    assert len(found["a"]) <= rows_max + 1
    assert sample.seen == len(rows)
    if len(rows):
        assert found["a"][0] == 0
        assert found["a"][-1] == rows[-1]
        steps = set(np.diff(found["a"][:-1]).tolist())
        assert len(steps) <= 1
    if len(rows) <= rows_max:
        assert found["a"].tolist() == rows.tolist()


def test_no_row_at_all_keeps_the_columns():
    assert thinned({"a": np.empty(0)})["a"].tolist() == []


def test_a_sample_of_one_row_is_refused():
    with pytest.raises(AssertionError):
        Thinned(1)
