"""The view at many sizes, with and without a book, in Unicode and in ASCII."""

import io

import pytest
from rich.console import Console
from tests.unit.trading.readouts import a_readout, an_empty_readout

from mmbot.trading.headless import headless_line
from mmbot.trading.readout import OwnOrder
from mmbot.trading.screen.labels import Labels
from mmbot.trading.screen.layout import Frame
from mmbot.trading.screen.spark import sparkline
from mmbot.trading.screen.style import ASCII, UNICODE, money, price_decimals, signed

LABELS = Labels(symbol="BTCUSDT", mode="paper", market="synthetic market", speed="10x", decimals=1)


def draw(readout, *, width=100, height=30, glyphs=UNICODE):
    stream = io.StringIO()
    console = Console(width=width, height=height, file=stream, color_system=None)
    console.print(Frame(readout, LABELS, glyphs), height=height)
    return stream.getvalue()


@pytest.mark.parametrize("width", [30, 48, 60, 80, 90, 100, 140])
@pytest.mark.parametrize("height", [8, 14, 20, 24, 30, 50])
@pytest.mark.parametrize("readout", [a_readout(), an_empty_readout()])
def test_a_frame_fits_its_terminal(width, height, readout):
    lines = draw(readout, width=width, height=height).splitlines()
    assert len(lines) <= height
    assert max(len(line) for line in lines) <= width


def test_the_full_view_shows_everything():
    text = draw(a_readout())
    for word in (
        *("BTCUSDT", "paper, synthetic market, 10x", "calm", "NORMAL", "12m31s"),
        *("50012.35", "0.42", "+12.35", "321,000", "97 100% mk", "gross", "adverse", "net"),
        *("min_interval", "812", "throttle", "ack p95", "11.0 ms", "PnL", "mid", "maker", "taker"),
        *("vola 2.60", "imbalance +0.31", "0.318"),
    ):
        assert word in text, word
    assert text.count(UNICODE.own) == 2


def test_a_terminal_without_unicode_gets_plain_characters_inside_the_panels():
    text = draw(a_readout(), glyphs=ASCII)
    assert UNICODE.own not in text
    assert not set(UNICODE.spark) & set(text)


def test_own_orders_beyond_the_published_levels_have_rows():
    far = OwnOrder("buy", 49_990.0, 0.1, "live", 5.0, 2.5)
    text = draw(a_readout(orders=(far,)))
    row = next(line for line in text.splitlines() if "49990.0" in line)
    assert UNICODE.own in row
    assert "2.500" in row


def test_a_lost_book_is_said():
    assert "no book" in draw(an_empty_readout())
    assert "mid=- spread_bps=-" in headless_line(an_empty_readout(), decimals=1)


def test_the_headless_line_is_ascii_and_one_line():
    line = headless_line(a_readout(), decimals=1)
    assert line == (
        "2026-01-01T00:12:31Z mid=50012.35 spread_bps=0.42 pos=+0.0120 pnl_usd=+12.35 "
        "fills=97 net_bps=+0.250 blocks=829"
    )


@pytest.mark.parametrize(
    ("values", "width", "drawn"),
    [
        ([], 4, "    "),
        ([1.0], 3, "  _"),
        ([1.0, 1.0], 2, "__"),
        ([0.0, 1.0], 2, "_#"),
        (range(100), 6, "_.-=*#"),
        ([1.0, 2.0], 0, ""),
    ],
)
def test_spark_lines(values, width, drawn):
    assert sparkline(list(values), width, ASCII.spark) == drawn


def test_numbers_have_no_negative_zero():
    assert money(-0.001) == "+0.00"
    assert money(-1234.5) == "-1,234.50"
    assert signed(-0.0001) == "0.000"
    assert [price_decimals(tick) for tick in ("0.10", "1", "0.5", "0.0001")] == [1, 0, 1, 4]
