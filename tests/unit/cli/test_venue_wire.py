"""Which adapter a configuration names, where its account is, and whose clock counts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mmbot.cli.live_venue import venue_sets
from mmbot.cli.venue_wire import ClockPoll, open_venue, place_of
from mmbot.clock import wall_ns
from mmbot.config import AppConfig
from mmbot.errors import ConfigError
from mmbot.units import NS_PER_SEC
from mmbot.venues.bybit.codes import BYBIT_CODES
from mmbot.venues.ccxt.codes import CCXT_CODES
from mmbot.venues.clock_offset import ClockState
from mmbot.venues.failures import Failure, FailureKind, Operation
from mmbot.venues.ports import CallError


def config(venue: str, **more: Any) -> AppConfig:
    trading = {"symbols": ["BTCUSDT"], "venue": venue} | more.pop("trading", {})
    return AppConfig.model_validate({"trading": trading, **more})


@pytest.mark.parametrize(
    ("venue", "name", "codes"),
    [
        ("bybit", "bybit", BYBIT_CODES),
        ("okx", "okx", CCXT_CODES),
        ("ccxt:bybit", "bybit", CCXT_CODES),
    ],
)
def test_a_venue_has_an_adapter_of_its_own_or_that_of_ccxt(venue, name, codes):
    async def story():
        made = open_venue(config(venue), is_private=False)
        try:
            assert made.verdict().state is ClockState.UNKNOWN
            return made.port.name, made.codes, made.poll is None
        finally:
            await made.port.aclose()

    found = asyncio.run(story())
    assert found == (name, codes, venue == "bybit")


def test_the_simulated_venue_is_none_to_connect_to():
    with pytest.raises(ConfigError, match="simulated is no venue"):
        open_venue(config("simulated"))


@pytest.mark.parametrize(
    ("made", "place"),
    [
        (config("bybit"), "https://api-testnet.bybit.com"),
        (config("okx"), "okx-testnet"),
        (config("okx", trading={"use_testnet": False}), "okx"),
        (
            config("ccxt:bybit", ccxt={"rest_url": "http://h:1", "stream_url": "ws://h:1"}),
            "http://h:1",
        ),
    ],
)
def test_the_place_of_an_account_tells_test_and_main_and_hosts_apart(made, place):
    assert place_of(made) == place


@pytest.mark.parametrize(
    ("venue", "section"), [(None, "bybit"), ("bybit", "bybit"), ("okx", "ccxt")]
)
def test_an_endpoint_is_an_address_of_the_venue_that_is_named(venue, section):
    sets = venue_sets(venue, "https://h:1")
    assert f"{section}.rest_url=https://h:1" in sets
    assert f"{section}.stream_url=wss://h:1" in sets
    assert (f"trading.venue={venue}" in sets) is (venue is not None)


class Shell:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.asker = self

    def failed(self, exc: CallError) -> None:
        self.lines.append(str(exc))


class Port:
    def __init__(self, *, ahead_ns: int = 0, fails: bool = False) -> None:
        self.ahead_ns = ahead_ns
        self.fails = fails
        self.asked = 0

    async def server_time_ns(self) -> int:
        self.asked += 1
        if self.fails:
            failure = Failure(operation=Operation.QUERY, is_sent=True, kind=FailureKind.TIMEOUT)
            raise CallError(failure)
        return wall_ns() + self.ahead_ns


def looked(port: Port, times: int = 1) -> tuple[ClockPoll, Shell]:
    poll, shell = ClockPoll(port), Shell()  # type: ignore[arg-type]

    async def story() -> None:
        for _ in range(times):
            await poll.look(shell, 0)  # type: ignore[arg-type]

    asyncio.run(story())
    return poll, shell


@pytest.mark.parametrize(
    ("ahead_ns", "state"),
    [(0, ClockState.GOOD), (5 * NS_PER_SEC, ClockState.STOP), (-5 * NS_PER_SEC, ClockState.STOP)],
)
def test_a_clock_that_is_off_is_found_by_asking(ahead_ns, state):
    poll, _ = looked(Port(ahead_ns=ahead_ns))
    assert poll.clock.verdict().state is state


def test_the_time_is_asked_for_now_and_then_and_a_failure_is_said():
    port = Port()
    looked(port, times=5)
    assert port.asked == 1
    poll, shell = looked(Port(fails=True))
    assert poll.clock.verdict().state is ClockState.UNKNOWN
    assert len(shell.lines) == 1
    assert shell.lines[0].startswith("E_VENUE_CALL")
