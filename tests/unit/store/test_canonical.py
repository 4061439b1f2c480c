import math

import numpy as np
import pytest

from mmbot.errors import StoreError
from mmbot.store.canonical import canonical_json, canonical_text


def test_json_is_sorted_compact_ascii_with_one_line_feed():
    assert canonical_json({"b": [1, 2.0], "a": "\u20ac", "B": None, "c": True}) == (
        b'{"B":null,"a":"\\u20ac","b":[1,2.0],"c":true}\n'
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, b"0.3\n"),
        (-0.0, b"0.0\n"),
        (-1e-9, b"0.0\n"),
        (1.0000004, b"1.0\n"),
        (2**70, b"1180591620717411303424\n"),
        (np.float32(0.5), b"0.5\n"),
        (np.float64(0.25), b"0.25\n"),
        (np.int64(-3), b"-3\n"),
        ((1, (2,)), b"[1,[2]]\n"),
        ({}, b"{}\n"),
    ],
)
def test_numbers_have_one_form(value, text):
    assert canonical_json(value) == text


def test_decimal_places_can_be_chosen():
    assert canonical_json(1 / 3, dp=2) == b"0.33\n"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_not_finite_is_refused_with_its_path(number):
    with pytest.raises(StoreError) as caught:
        canonical_json({"totals": {"BTCUSDT": [1.0, number]}})
    assert caught.value.code == "E_STORE_NONFINITE"
    assert caught.value.key == "$.totals.BTCUSDT[1]"


def test_not_finite_becomes_null_where_the_schema_allows_it():
    assert canonical_json({"x": math.nan, "y": 1.5}, nonfinite="null") == b'{"x":null,"y":1.5}\n'


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", 1j, {1: "a"}, {"a": {None: 1}}])
def test_what_has_no_json_form_is_refused(value):
    with pytest.raises(StoreError) as caught:
        canonical_json({"v": value})
    assert caught.value.code == "E_STORE_TYPE"
    assert caught.value.key.startswith("$.v")


@pytest.mark.parametrize("text", ["a\r\nb", "a\rb\n\n\n", "a\nb"])
def test_text_has_lf_line_ends_and_one_at_the_end(text):
    assert canonical_text(text) == b"a\nb\n"


def test_text_that_is_not_ascii_is_refused_with_its_place():
    with pytest.raises(StoreError) as caught:
        canonical_text("ok\nab\u00b5c\n")
    assert caught.value.key == "line=2 column=3"
