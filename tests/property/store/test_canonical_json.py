"""The canonical form against what JSON readers see."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from mmbot.store.artifacts import write_json
from mmbot.store.canonical import canonical_json

FINITE = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers(-(2**80), 2**80) | FINITE | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


def rounded(value):
    """The naive statement of what a reader gets back."""
    if isinstance(value, float):
        number = round(value, 6)
        return 0.0 if number == 0 else number
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return value


def reordered(value):
    """An equal value with every mapping built in the opposite order."""
    if isinstance(value, list):
        return [reordered(item) for item in value]
    if isinstance(value, dict):
        return {key: reordered(item) for key, item in reversed(value.items())}
    return value


@given(VALUES)
def test_reader_gets_the_rounded_value_back(value):
    assert json.loads(canonical_json(value)) == rounded(value)


@given(VALUES)
def test_bytes_do_not_depend_on_the_order_of_insertion(value):
    assert canonical_json(reordered(value)) == canonical_json(value)


@given(VALUES)
def test_form_is_stable_and_ascii_on_one_line(value):
    data = canonical_json(value)
    assert canonical_json(json.loads(data)) == data
    assert data.isascii()
    assert data.count(b"\n") == 1
    assert data.endswith(b"\n")


@given(st.lists(st.floats()))
def test_null_stands_exactly_where_a_number_is_not_finite(numbers):
    back = json.loads(canonical_json(numbers, nonfinite="null"))
    assert [item is None for item in back] == [not math.isfinite(number) for number in numbers]


@given(VALUES)
def test_file_holds_the_canonical_bytes(tmp_path, value):
    write_json(tmp_path / "x.json", value)
    assert (tmp_path / "x.json").read_bytes() == canonical_json(value)
