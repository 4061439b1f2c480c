"""Texts become whole ticks and lots, exactly or not at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.venues.simulated.rig import listing

from mmbot.errors import ConfigError
from mmbot.venues.simulated.codes import Refusal
from mmbot.venues.simulated.listing import Listing, plain


@given(st.integers(1, 10**9))
def test_a_price_survives_its_text(ticks):
    grid = listing()
    assert grid.ticks(grid.price_text(ticks)) == ticks
    assert grid.lots(grid.qty_text(ticks)) == ticks
    assert Decimal(plain(grid.price(ticks))) == grid.price(ticks)


@pytest.mark.parametrize(
    "text",
    [
        None,
        5,
        1.5,
        "",
        "abc",
        "0",
        "-1",
        "NaN",
        "Infinity",
        "1e400",
        "1e-400",
        "1_0",
        " 1",
        "\u0661",
        "0.05",
        "1.00000000001",
        [],
        {},
    ],
)
def test_what_is_no_price_of_the_grid_is_refused(text):
    with pytest.raises(Refusal) as refusal:
        listing().ticks(text)
    assert refusal.value.ret_code == 10001


def test_texts_have_the_decimals_of_the_step():
    grid = Listing("ETHUSDT", Decimal("0.01"), Decimal("0.01"))
    assert (grid.price_text(250_000), grid.qty_text(10), grid.qty_text(0)) == (
        "2500.00",
        "0.10",
        "0",
    )
    assert grid.info(status="Trading", mark_ticks=250_000)["priceScale"] == "2"


def test_another_settle_coin_is_refused():
    for symbol in ("BTCUSD", "USDT", "BTCUSDC"):
        with pytest.raises(ConfigError, match="must end with USDT"):
            Listing(symbol, Decimal(1), Decimal(1))
