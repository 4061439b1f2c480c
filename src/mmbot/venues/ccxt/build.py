"""The ccxt venue that a configuration asks for."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mmbot.config import AppConfig
from mmbot.config.secrets import load_secret, require_secret
from mmbot.ids import sub_seed
from mmbot.venues.budget.build import build_budget
from mmbot.venues.budget.stores import RateBudget
from mmbot.venues.budget.turnstile import Turnstile
from mmbot.venues.ccxt.adapter import CcxtVenue
from mmbot.venues.ccxt.client import CcxtOptions, budget_rules, make_exchange
from mmbot.venues.namespace import CidNamespace

__all__ = ["build_ccxt", "ccxt_budget", "ccxt_options", "moved"]


def ccxt_options(
    config: AppConfig,
    *,
    env: Mapping[str, str] | None = None,
    key_prefix: str | None = None,
    is_private: bool = True,
) -> CcxtOptions:
    """Exchange and account: secrets ``{PREFIX}_API_KEY``, ``_API_SECRET`` and ``_API_PASSWORD``.

    Args:
        config: sections `trading` and `ccxt`; the venue is an id of ccxt, perhaps after ``ccxt:``.
        env: environment with the secrets; that of the process by default.
        key_prefix: of the secrets' names; by default the venue's name in upper case.
        is_private: False needs no key.

    Raises:
        ConfigError: ``E_CFG_SECRET`` without a key.
    """
    env = os.environ if env is None else env
    exchange = config.trading.venue.removeprefix("ccxt:")
    prefix = (key_prefix or exchange).upper()
    options = CcxtOptions(
        exchange=exchange,
        market_type="spot" if config.trading.category == "spot" else "swap",
        api_key=require_secret(f"{prefix}_API_KEY", env) if is_private else "",
        api_secret=require_secret(f"{prefix}_API_SECRET", env) if is_private else "",
        password=(load_secret(f"{prefix}_API_PASSWORD", env) or "") if is_private else "",
        is_testnet=config.trading.use_testnet and not config.ccxt.rest_url,
    )
    if not config.ccxt.rest_url:
        return options
    urls = moved(make_exchange(options).urls["api"], config.ccxt.rest_url, config.ccxt.stream_url)
    return replace(options, urls={"api": urls})


def moved(urls: object, rest_url: str, stream_url: str) -> Any:  # noqa: ANN401 (ccxt has no types)
    """Addresses of ccxt at another place: their paths stay, scheme and host are the given ones."""
    if isinstance(urls, Mapping):
        return {name: moved(one, rest_url, stream_url) for name, one in urls.items()}
    scheme, _, rest = str(urls).partition("://")
    _, slash, path = rest.partition("/")
    base = stream_url if scheme in {"ws", "wss"} else rest_url
    return f"{base.rstrip('/')}{slash}{path}"


def ccxt_budget(
    config: AppConfig, options: CcxtOptions, *, env: Mapping[str, str] | None = None
) -> RateBudget:
    """The budget of an exchange, by the pause that ccxt states; section `rate_budget`."""
    rules = budget_rules(float(make_exchange(options).rateLimit))
    return build_budget(config, rules, venue=options.exchange, env=env)


def build_ccxt(
    config: AppConfig,
    options: CcxtOptions,
    *,
    env: Mapping[str, str] | None = None,
    budget: RateBudget | None = None,
    seed: int = 0,
) -> CcxtVenue:
    """Build the venue; call it inside a running event loop.

    Raises:
        ConfigError: ``E_CFG_RANGE`` for an exchange that ccxt does not know.
    """
    env = os.environ if env is None else env
    paced = Turnstile(ccxt_budget(config, options, env=env) if budget is None else budget)
    draws = random.Random(sub_seed(seed, "ccxt"))
    bot_env, lock_key = env.get("MM_ENV") or "dev", config.ha_failover.lock_key
    return CcxtVenue(
        options,
        config.trading.symbols,
        namespace=CidNamespace.of(env=bot_env, lock_key=lock_key),
        draws=draws,
        turnstile=paced,
    )
