"""From a configuration to addresses and a session."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import ValidationError

from mmbot.config import AppConfig
from mmbot.config.trading import TradingConfig
from mmbot.config.venues import BybitConfig
from mmbot.errors import ConfigError
from mmbot.venues.bybit.build import build_bybit, bybit_endpoints
from mmbot.venues.bybit.endpoints import Endpoints, Environment, endpoints

ENV = {"BYBIT_API_KEY": "key-for-building", "BYBIT_API_SECRET": "secret-for-building"}


def config(*, use_testnet=True, category="linear", venue="bybit", **bybit) -> AppConfig:
    return AppConfig(
        trading=TradingConfig(use_testnet=use_testnet, category=category, venue=venue),
        bybit=BybitConfig(**bybit),
    )


MAINNET = Endpoints(
    "https://api.bybit.com",
    "wss://stream.bybit.com/v5/public/linear",
    "wss://stream.bybit.com/v5/private",
    "wss://stream.bybit.com/v5/trade",
)
TESTNET = Endpoints(
    "https://api-testnet.bybit.com",
    "wss://stream-testnet.bybit.com/v5/public/linear",
    "wss://stream-testnet.bybit.com/v5/private",
    "wss://stream-testnet.bybit.com/v5/trade",
)
DEMO = Endpoints(
    "https://api-demo.bybit.com",
    "wss://stream.bybit.com/v5/public/linear",
    "wss://stream-demo.bybit.com/v5/private",
    None,
)
LOCAL = Endpoints(
    "http://127.0.0.1:8091",
    "ws://127.0.0.1:8091/v5/public/linear",
    "ws://127.0.0.1:8091/v5/private",
    "ws://127.0.0.1:8091/v5/trade",
)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, TESTNET),
        ({"use_testnet": False}, MAINNET),
        ({"environment": "mainnet"}, MAINNET),
        ({"environment": "testnet", "use_testnet": False}, TESTNET),
        ({"environment": "demo", "use_testnet": False}, DEMO),
        (
            {
                "environment": "custom",
                "rest_url": "http://127.0.0.1:8091/",
                "stream_url": "ws://127.0.0.1:8091",
            },
            LOCAL,
        ),
    ],
)
@pytest.mark.spec("02-12")
def test_the_environment_decides_the_addresses(settings, expected):
    assert bybit_endpoints(config(**settings)) == expected


def test_spot_has_its_own_public_stream():
    found = bybit_endpoints(config(category="spot", use_testnet=False))
    assert found.public == "wss://stream.bybit.com/v5/public/spot"


@pytest.mark.parametrize(
    "urls",
    [
        ("ftp://x", "ws://x"),
        ("http://", "ws://x"),
        ("http://x", "http://x"),
        ("http://x:99999", "ws://x"),
        ("http://user:pw@x", "ws://x"),
        ("http://x?a=b", "ws://x"),
    ],
)
def test_an_address_that_is_none_is_refused(urls):
    with pytest.raises(ConfigError, match=r"E_CFG_RANGE: bybit\.(rest|stream)_url"):
        endpoints(Environment.CUSTOM, "linear", rest_url=urls[0], stream_url=urls[1])


@pytest.mark.parametrize(
    "section",
    [
        {"environment": "custom"},
        {"environment": "custom", "rest_url": "http://x"},
        {"rest_url": "http://x", "stream_url": "ws://x"},
        {"environment": "demo", "stream_url": "ws://x"},
    ],
)
def test_addresses_and_environment_fit_together(section):
    with pytest.raises(ValidationError):
        BybitConfig(**section)


@pytest.mark.spec("02-12")
def test_a_session_without_a_key_is_refused_and_market_data_need_none():
    async def story():
        with pytest.raises(ConfigError, match="E_CFG_SECRET"):
            build_bybit(config(), env={})
        port = build_bybit(config(), env={}, is_private=False)
        await port.aclose()

    asyncio.run(story())


def test_a_session_has_what_the_configuration_says():
    async def story():
        port = build_bybit(config(call_timeout_ms=700, budget_wait_ms=5), env=ENV)
        try:
            assert port.name == "bybit"
            assert port.capabilities.create_batch_max == 20
            assert port.rest.policy.timeout_ms == 700
            assert port.rest.policy.patience_ms == 5
            assert set(port.streams.states) == {"trade"}
        finally:
            await port.aclose()
        without = build_bybit(config(environment="demo"), env=ENV)
        assert set(without.streams.states) == set()
        await without.aclose()
        with pytest.raises(ConfigError, match="E_CFG_CONFLICT"):
            build_bybit(config(venue="simulated"), env=ENV)

    asyncio.run(story())
