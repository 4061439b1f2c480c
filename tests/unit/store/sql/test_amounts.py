"""Amounts keep every digit, on both backends."""

from decimal import Decimal

import pytest
from sqlalchemy import Column, MetaData, String, Table, insert, select
from tests.unit.store.sql.stores import opened

from mmbot.errors import StoreError
from mmbot.store.sql.amounts import Amount, amount, amount_text

VALUES = [
    "0",
    "0.1",
    "-0.000000000000000001",
    "12345678901234567890.123456789012345678",
    "-99999999999999999999.999999999999999999",
    "50000",
    "1E+3",
]


@pytest.mark.spec("08-5.3")
def test_amounts_come_back_as_they_were(store_url):
    table = Table(
        "kept", MetaData(), Column("name", String(9), primary_key=True), Column("x", Amount())
    )
    with opened(store_url) as engine, engine.begin() as connection:
        table.create(connection)
        rows = [{"name": str(at), "x": Decimal(value)} for at, value in enumerate(VALUES)]
        connection.execute(insert(table), [*rows, {"name": "null", "x": None}])
        found = {row.name: row.x for row in connection.execute(select(table))}
    assert found.pop("null") is None
    assert found == {str(at): Decimal(value) for at, value in enumerate(VALUES)}


@pytest.mark.parametrize(
    ("value", "text"),
    [("-0", "0"), ("1E+3", "1000"), ("0.100", "0.1"), ("-5E-18", "-0.000000000000000005")],
)
def test_the_text_of_an_amount_is_the_shortest_without_an_exponent(value, text):
    assert amount_text(amount(Decimal(value))) == text


def test_digits_that_are_not_stored_are_rounded_half_to_even():
    assert amount(Decimal("0.5E-18")) == 0
    assert amount(Decimal("1.5E-18")) == Decimal("2E-18")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(StoreError, match="E_STORE_NONFINITE"):
        amount(Decimal(value))


def test_what_is_too_large_is_refused():
    with pytest.raises(StoreError, match="E_STORE_TYPE"):
        amount(Decimal("1E+20"))
