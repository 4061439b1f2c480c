from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.venues.ccxt.numbers import decimal_of, text_of, whole_ns


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 12))
def test_fifteen_digits_survive_ccxts_floats(digits, places):
    meant = Decimal(digits).scaleb(-places)
    assert decimal_of(float(meant)) == meant
    assert Decimal(text_of(meant)) == meant
    assert "E" not in text_of(meant).upper()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (1e-08, "0.00000001"),
        (1e22, "10000000000000000000000"),
        ("12.3400", "12.34"),
        (50000, "50000"),
        ("-0.0", "0"),
        (0.0, "0"),
    ],
)
def test_texts_have_no_exponent_and_no_trailing_zeros(value, text):
    number = decimal_of(value)
    assert number is not None
    assert text_of(number) == text


@pytest.mark.parametrize("value", [None, "", "x", "nan", float("inf"), True, []])
def test_what_is_no_number_is_none(value):
    assert decimal_of(value) is None


def test_times_are_whole_nanoseconds():
    assert whole_ns(1_700_000_000_123) == 1_700_000_000_123_000_000
    assert whole_ns("1.5") == 1_500_000
    assert whole_ns(None) == 0
