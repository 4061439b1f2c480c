"""Where Bybit listens (https://bybit-exchange.github.io/docs/v5/ws/connect).

Demo trading has its own REST and private addresses, the public streams of the main exchange, and no
trade socket: orders go over REST. A custom place, such as `mmbot exchange serve`, is a REST address
and the base of its sockets.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal
from urllib.parse import urlsplit

from mmbot.errors import ConfigError

__all__ = ["Category", "Endpoints", "Environment", "endpoints"]

Category = Literal["linear", "spot"]


class Environment(StrEnum):
    """Which exchange."""

    MAINNET = "mainnet"
    TESTNET = "testnet"
    DEMO = "demo"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses; `trade` is None where orders go over REST only."""

    rest: str
    public: str
    private: str
    trade: str | None


_MAIN_STREAM: Final = "wss://stream.bybit.com"
_TEST_STREAM: Final = "wss://stream-testnet.bybit.com"
_DEMO_STREAM: Final = "wss://stream-demo.bybit.com"


def endpoints(
    environment: Environment, category: Category, *, rest_url: str = "", stream_url: str = ""
) -> Endpoints:
    """The addresses of an environment.

    Args:
        environment: which exchange.
        category: kind of instruments.
        rest_url: of `CUSTOM`, ``http[s]://host[:port]``.
        stream_url: of `CUSTOM`, ``ws[s]://host[:port]``; ``/v5/private`` and so on follow it.

    Raises:
        ConfigError: ``E_CFG_RANGE`` for an address that is none.
    """
    match environment:
        case Environment.MAINNET:
            return _of("https://api.bybit.com", _MAIN_STREAM, category)
        case Environment.TESTNET:
            return _of("https://api-testnet.bybit.com", _TEST_STREAM, category)
        case Environment.DEMO:
            return Endpoints(
                rest="https://api-demo.bybit.com",
                public=f"{_MAIN_STREAM}/v5/public/{category}",
                private=f"{_DEMO_STREAM}/v5/private",
                trade=None,
            )
        case Environment.CUSTOM:
            rest = _base(rest_url, ("http", "https"), "bybit.rest_url")
            stream = _base(stream_url, ("ws", "wss"), "bybit.stream_url")
            return _of(rest, stream, category)


def _of(rest: str, stream: str, category: Category) -> Endpoints:
    return Endpoints(
        rest=rest,
        public=f"{stream}/v5/public/{category}",
        private=f"{stream}/v5/private",
        trade=f"{stream}/v5/trade",
    )


def _base(url: str, schemes: tuple[str, str], key: str) -> str:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or parts.username or parts.query or parts.fragment:
        raise ConfigError("E_CFG_RANGE", key, f"must be {schemes[0]}:// or {schemes[1]}://host")
    return url.rstrip("/")
