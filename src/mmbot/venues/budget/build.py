"""The rate budget that a configuration asks for."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping

from mmbot.config import AppConfig
from mmbot.config.secrets import load_secret
from mmbot.errors import ConfigError, StoreError
from mmbot.venues.budget.rules import BudgetRules, Scope
from mmbot.venues.budget.stores import LocalBudget, RateBudget

__all__ = ["build_budget"]


def build_budget(
    config: AppConfig,
    rules: BudgetRules,
    *,
    venue: str,
    env: Mapping[str, str] | None = None,
    tell: Callable[[StoreError | None], None] = lambda _error: None,
) -> RateBudget:
    """Buckets of this process, or with `rate_budget.shared` those of all through Redis.

    Args:
        config: sections `rate_budget` and `ha_failover`.
        rules: the venue's.
        venue: its name.
        env: environment with ``REDIS_PASSWORD``; that of the process by default.
        tell: told when the shared buckets are lost (the error) and when they are back (None).

    Raises:
        ConfigError: ``E_CFG_MISSING`` without the extra `redis`.
    """
    section = config.rate_budget
    if not section.shared:
        return LocalBudget(rules)
    try:
        from mmbot.venues.budget import shared  # noqa: PLC0415
    except ImportError as exc:
        missing = exc.name or "redis"
        message = "is not installed: pip install 'mmbot[redis]'"
        raise ConfigError("E_CFG_MISSING", missing, message) from exc
    client = shared.connect(
        config.ha_failover.redis_url,
        password=load_secret("REDIS_PASSWORD", os.environ if env is None else env),
        timeout_ms=section.redis_timeout_ms,
    )
    return shared.SharedBudget(
        rules,
        client,
        owners={Scope.UID: section.account, Scope.IP: section.address or platform.node()},
        venue=venue,
        local_share=section.local_share_ratio,
        tell=lambda change: tell(change.error),
    )
