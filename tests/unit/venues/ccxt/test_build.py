"""Which exchange and which addresses of ccxt a configuration means."""

from __future__ import annotations

import pytest

from mmbot.config import AppConfig
from mmbot.config.secrets import key_name
from mmbot.venues.ccxt.build import ccxt_options, moved
from mmbot.venues.ccxt.client import make_exchange

ENV = {"OKX_API_KEY": "k", "OKX_API_SECRET": "s", "BYBIT_API_KEY": "b", "BYBIT_API_SECRET": "t"}


def config(venue: str, **ccxt: str) -> AppConfig:
    trading = {"symbols": ["BTCUSDT"], "venue": venue}
    return AppConfig.model_validate({"trading": trading, "ccxt": ccxt})


@pytest.mark.spec("01-2.2")
@pytest.mark.parametrize(
    ("venue", "exchange", "key"),
    [("okx", "okx", "k"), ("ccxt:okx", "okx", "k"), ("ccxt:bybit", "bybit", "b")],
)
def test_a_venue_is_an_id_of_ccxt_with_its_own_key(venue, exchange, key):
    options = ccxt_options(config(venue), env=ENV)
    assert (options.exchange, options.api_key, options.is_testnet) == (exchange, key, True)
    assert key_name(venue) == f"{exchange.upper()}_API_KEY"


def test_addresses_keep_their_paths_at_another_place():
    given = {
        "rest": "https://api.{hostname}",
        "deep": {"v3": "https://api.somewhere.com/v3", "ws": "wss://stream.{hostname}/v5/private"},
    }
    assert moved(given, "http://127.0.0.1:1/", "ws://127.0.0.1:2") == {
        "rest": "http://127.0.0.1:1",
        "deep": {"v3": "http://127.0.0.1:1/v3", "ws": "ws://127.0.0.1:2/v5/private"},
    }


def test_an_exchange_at_another_place_is_asked_nowhere_else():
    rest, stream = "http://127.0.0.1:1", "ws://127.0.0.1:2"
    made = config("ccxt:bybit", rest_url=rest, stream_url=stream)
    exchange = make_exchange(ccxt_options(made, env=ENV))
    found: list[str] = []

    def walk(urls):
        for one in urls.values() if isinstance(urls, dict) else ():
            walk(one)
        if isinstance(urls, str):
            found.append(urls)

    walk(exchange.urls["api"])
    assert len(found) > 5
    assert all(one.startswith((rest, stream)) for one in found), found
