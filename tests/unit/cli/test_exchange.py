"""`mmbot exchange serve`: what is refused before anything is served."""

import builtins
import socket

import pytest

from mmbot.cli.app import run_cli
from mmbot.cli.exchange_wire import ExchangeOptions, build_conductor
from mmbot.units import NS_PER_SEC


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (["--speed", "2x"], "E_CFG_RANGE: --speed"),
        (["--symbols", "BTCUSD"], "E_CFG_RANGE: --symbols"),
        (["--symbols", ","], "E_CFG_RANGE: --symbols"),
        (["--balance", "-1"], "E_CFG_RANGE: --balance"),
        (["--balance", "much"], "E_CFG_RANGE: --balance"),
        (["--synthetic", "--data", "x"], "E_CFG_RANGE: --synthetic"),
        (["--faults", "nowhere.yaml"], "E_CFG_MISSING: file=nowhere.yaml"),
        (["--calibration", "nowhere.json"], "E_CFG_MISSING"),
        (["--data", "nowhere"], "E_"),
        (["--accounts", "0"], "E_CFG_"),
    ],
)
def test_a_wrong_option_is_one_line(args, error, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_cli(["exchange", "serve", "--port", "0", *args]) == 1
    told = capsys.readouterr().err
    assert error in told
    assert told.count("\n") == 1


def test_its_help_names_the_extra(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert run_cli(["exchange", "serve", "--help"]) == 0
    assert "mmbot[exchange]" in capsys.readouterr().out


def test_without_the_extra_the_error_names_the_remedy(monkeypatch, capsys):
    real_import = builtins.__import__

    def without_aiohttp(name, *args, **kwargs):
        if name.startswith(("aiohttp", "mmbot.venues.simulated.server")):
            raise ModuleNotFoundError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_aiohttp)
    assert run_cli(["exchange", "serve"]) == 1
    told = capsys.readouterr().err
    assert told == "E_CFG_MISSING: mmbot exchange serve needs aiohttp: install mmbot[exchange]\n"


def test_a_port_in_use_is_its_own_error(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        args = ["exchange", "serve", "--port", str(port), "--symbols", "BTCUSDT"]
        assert run_cli(args) == 1
    assert f"E_VENUE_PORT:{port}: host=127.0.0.1 is in use" in capsys.readouterr().err


def test_frictions_without_a_place_on_a_tape_are_named(tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text('{"latency_ms_mean": 3.0, "extra_slippage_bps": 1.0}', encoding="ascii")
    said: list[str] = []
    options = ExchangeOptions(symbols=["BTCUSDT"], calibration=path)
    conductor, _ = build_conductor(options, said.append)
    assert said == [
        "calibration: extra_slippage_bps is not used, executions are on the public tape"
    ]
    book = conductor.exchange.markets["BTCUSDT"].book
    assert book.request_latency_ns("create") == 3_000_000


def test_equal_seeds_make_equal_markets_and_the_first_is_that_of_the_seed():
    def opening(symbols, seed):
        options = ExchangeOptions(symbols=symbols, seed=seed)
        conductor, _ = build_conductor(options, lambda _line: None)
        return {name: m.book.levels(5) for name, m in conductor.exchange.markets.items()}

    both = opening(["BTCUSDT", "ETHUSDT"], 7)
    assert both == opening(["BTCUSDT", "ETHUSDT"], 7)
    assert both["BTCUSDT"] == opening(["BTCUSDT"], 7)["BTCUSDT"]
    assert both != opening(["BTCUSDT", "ETHUSDT"], 8)


def test_a_catalog_is_served_until_it_ends_and_then_its_last_book_stays(tmp_path, capsys):
    catalog = str(tmp_path / "catalog")
    made = ["data", "generate", "--symbol", "SIMUSDT", "--duration", "20s", "--out", catalog]
    assert run_cli(made) == 0
    options = ExchangeOptions(data=catalog)
    conductor, start_ns = build_conductor(options, lambda _line: None)
    (market,) = conductor.exchange.markets.values()
    assert market.listing.symbol == "SIMUSDT"
    conductor.step(conductor.start_ms + 10_000, start_ns + 10 * NS_PER_SEC)
    assert market.trades
    was_over = market.is_over
    conductor.step(conductor.start_ms + 60_000, start_ns + 60 * NS_PER_SEC)
    book = market.book.levels(50)
    assert (was_over, market.is_over) == (False, True)
    conductor.step(conductor.start_ms + 90_000, start_ns + 90 * NS_PER_SEC)
    assert market.book.levels(50) == book
    assert len(book[0]) > 1
