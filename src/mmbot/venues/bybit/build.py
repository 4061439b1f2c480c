"""The Bybit session that a configuration asks for."""

from __future__ import annotations

import os
from collections.abc import Mapping

from mmbot.config import AppConfig
from mmbot.errors import ConfigError
from mmbot.venues.budget.build import build_budget
from mmbot.venues.budget.stores import RateBudget
from mmbot.venues.bybit.adapter import BybitSettings, BybitVenue
from mmbot.venues.bybit.endpoints import Endpoints, Environment, endpoints
from mmbot.venues.bybit.limits import BYBIT_BUDGET
from mmbot.venues.bybit.rest import RestPolicy
from mmbot.venues.bybit.signing import ApiCredentials, load_credentials
from mmbot.venues.namespace import CidNamespace
from mmbot.venues.stream.picows_link import PicowsDialer

__all__ = ["build_bybit", "bybit_endpoints"]


def bybit_endpoints(config: AppConfig) -> Endpoints:
    """The addresses that a configuration means.

    Raises:
        ConfigError: ``E_CFG_RANGE`` for a custom address that is none.
    """
    section = config.bybit
    if section.environment == "auto":
        is_test = config.trading.use_testnet
        environment = Environment.TESTNET if is_test else Environment.MAINNET
    else:
        environment = Environment(section.environment)
    return endpoints(
        environment,
        config.trading.category,
        rest_url=section.rest_url,
        stream_url=section.stream_url,
    )


def build_bybit(
    config: AppConfig,
    *,
    env: Mapping[str, str] | None = None,
    is_private: bool = True,
    budget: RateBudget | None = None,
    seed: int = 0,
) -> BybitVenue:
    """Build the session; call it inside a running event loop.

    Args:
        config: sections `trading`, `bybit`, `ha_failover`.
        env: environment with ``MM_ENV`` and the secrets; that of the process by default.
        is_private: False for market data alone, which need no key.
        budget: rate budget; the one that section `rate_budget` means by default.
        seed: of the back-off's jitter.

    Raises:
        ConfigError: ``E_CFG_SECRET`` without a key; an address that is none.
    """
    env = os.environ if env is None else env
    if config.trading.venue != "bybit":
        raise ConfigError("E_CFG_CONFLICT", "trading.venue", "is not bybit")
    credentials: ApiCredentials | None = load_credentials(env) if is_private else None
    settings = BybitSettings(
        endpoints=bybit_endpoints(config),
        category=config.trading.category,
        namespace=CidNamespace.of(
            env=env.get("MM_ENV") or "dev", lock_key=config.ha_failover.lock_key
        ),
        policy=RestPolicy(
            timeout_ms=config.bybit.call_timeout_ms,
            patience_ms=config.bybit.budget_wait_ms,
            recv_window_ms=config.trading.recv_window_ms,
        ),
        has_trade_socket=config.bybit.trade_socket,
        seed=seed,
    )
    return BybitVenue(
        settings,
        credentials,
        budget=build_budget(config, BYBIT_BUDGET, venue="bybit", env=env)
        if budget is None
        else budget,
        dialer=PicowsDialer(),
    )
