"""Which data a request names, and what is refused before anything runs."""

import json
from pathlib import Path

import pytest

from mmbot.errors import ConfigError, MarketDataError
from mmbot.research.models import BacktestRequest, Synthetic
from mmbot.research.sources import check_range, check_source, open_sources, synthetic_grid
from mmbot.units import NS_PER_MIN

FIXTURE = Path(__file__).parents[2] / "fixtures" / "ticks_small.jsonl"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"data": "x", "ticks": Path("y"), "symbols": ("A",)},
        {"synthetic": Synthetic(), "ticks": Path("y"), "symbols": ("A",)},
        {"data": "x"},
        {"synthetic": Synthetic()},
        {"symbols": ("A",)},
    ],
)
def test_exactly_one_source_with_its_symbol(given):
    with pytest.raises(MarketDataError) as caught:
        check_source(BacktestRequest(**given))
    assert caught.value.code == "E_BT_SOURCE"


@pytest.mark.parametrize(("start", "end"), [(5, 5), (6, 5)])
def test_an_empty_range_is_refused(start, end):
    with pytest.raises(MarketDataError) as caught:
        check_range(start, end)
    assert caught.value.code == "E_BT_BAD_RANGE"


@pytest.mark.parametrize(
    ("price", "tick", "lot"),
    [
        (50_000.0, "0.1", "0.001"),
        (2_500.0, "0.001", "0.01"),
        (100.0, "0.0001", "0.1"),
        (1.0, "0.000001", "10"),
        (0.02, "0.00000001", "1000"),
    ],
)
def test_the_grid_of_a_generated_market_follows_its_price(price, tick, lot):
    assert synthetic_grid(price) == (tick, lot)


def rows(request):
    (source,) = open_sources(request)
    chunks = [chunk.to_arrays() for chunk in source.chunks()]
    return source, chunks


def test_a_generated_market_is_the_same_beside_others():
    short = Synthetic(duration_ns=NS_PER_MIN // 6)
    alone, chunks = rows(BacktestRequest(synthetic=short, symbols=("B",)))
    beside = open_sources(BacktestRequest(synthetic=short, symbols=("A", "B")))[1]
    again = [chunk.to_arrays() for chunk in beside.chunks()]
    assert alone.symbol == beside.symbol == "B"
    assert sum(len(chunk["px"]) for chunk in chunks) > 100
    for first, second in zip(chunks, again, strict=True):
        for name, column in first.items():
            assert (column == second[name]).all()


def test_a_range_gives_the_generated_market_its_period():
    start, end = 10 * NS_PER_MIN, 11 * NS_PER_MIN
    request = BacktestRequest(synthetic=Synthetic(), symbols=("A",), start_ns=start, end_ns=end)
    source, chunks = rows(request)
    assert source.period == (start, end)
    assert chunks[0]["ts_exch"][0] >= start
    assert chunks[-1]["ts_exch"][-1] <= end


@pytest.mark.parametrize(
    "bad", [{"start_price": 0.0}, {"start_price": float("nan")}, {"duration_ns": 0}]
)
def test_an_impossible_market_is_refused(bad):
    with pytest.raises(ConfigError, match="E_CFG_RANGE"):
        open_sources(BacktestRequest(synthetic=Synthetic(**bad), symbols=("A",)))


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ("{", "bad_json"),
        ({"ts_ms": 1, "bid": 1}, "missing_field"),
        ({"ts_ms": "1", "bid": 1, "ask": 2}, "bad_ts"),
        ({"ts_ms": 1, "bid": 2, "ask": 1}, "crossed"),
        ({"ts_ms": 1, "bid": -2, "ask": 1}, "bad_value"),
    ],
)
def test_a_file_with_nothing_but_a_bad_line_is_refused_for_it(tmp_path, line, detail):
    path = tmp_path / "ticks.jsonl"
    path.write_text(line if isinstance(line, str) else json.dumps(line))
    with pytest.raises(MarketDataError) as caught:
        open_sources(BacktestRequest(ticks=path))
    assert (caught.value.code, caught.value.detail) == ("E_BT_LOADER", detail)
    assert "line=1" in caught.value.key


def test_an_empty_file_has_no_data(tmp_path):
    path = tmp_path / "ticks.jsonl"
    path.write_text("")
    with pytest.raises(MarketDataError) as caught:
        open_sources(BacktestRequest(ticks=path))
    assert caught.value.code == "E_BT_NO_DATA"


def test_a_missing_file_cannot_be_read(tmp_path):
    with pytest.raises(MarketDataError) as caught:
        open_sources(BacktestRequest(ticks=tmp_path / "none.jsonl"))
    assert (caught.value.code, caught.value.detail) == ("E_BT_LOADER", "io_error")


def test_the_symbol_of_a_tick_file_may_be_left_out():
    source, chunks = rows(BacktestRequest(ticks=FIXTURE))
    assert source.symbol == "SYNTHUSDT"
    assert chunks
