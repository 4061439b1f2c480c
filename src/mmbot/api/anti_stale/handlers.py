"""``/admin/anti-stale-guard``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol

from mmbot.api.anti_stale.models import (
    AntiStaleAnswer,
    AntiStaleDisabled,
    AntiStaleRequest,
    AntiStaleResult,
    StaleOrderAction,
)
from mmbot.api.bodies import parse_body
from mmbot.api.errors import AdminError

__all__ = [
    "AntiStalePass",
    "AntiStaleSession",
    "AntiStaleSettings",
    "get_anti_stale",
    "post_anti_stale",
]

_ALL: Final = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class AntiStaleSettings:
    """The keys of ``strategy`` in force."""

    enabled: bool
    order_ttl_ms: int
    price_drift_bps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AntiStalePass:
    """What a pass of the guard did; `check_errors` are checks that could not be made."""

    actions: tuple[StaleOrderAction, ...]
    check_errors: int


class AntiStaleSession(Protocol):
    """What the session offers."""

    def anti_stale_settings(self) -> AntiStaleSettings:
        """Settings in force."""
        ...

    def active_orders_count(self) -> int:
        """Live orders of all symbols."""
        ...

    def traded_symbols(self) -> Collection[str]:
        """Symbols of the session, upper case."""
        ...

    def run_anti_stale(self, symbol: str | None) -> AntiStalePass:
        """Make the core check now: one symbol, or all."""
        ...


def get_anti_stale(session: AntiStaleSession) -> AntiStaleAnswer:
    """``GET``."""
    settings = session.anti_stale_settings()
    return AntiStaleAnswer(
        active_orders_count=session.active_orders_count(),
        enabled=settings.enabled,
        order_ttl_ms=settings.order_ttl_ms,
        price_drift_bps=settings.price_drift_bps,
    )


def post_anti_stale(session: AntiStaleSession, body: object) -> AntiStaleResult | AntiStaleDisabled:
    """``POST``: one pass of the guard now.

    Raises:
        AdminError: ``invalid_symbol`` for a symbol that is not traded.
    """
    request = parse_body(AntiStaleRequest, body)
    symbol = request.symbol.upper() if "symbol" in request.model_fields_set else None
    if symbol is not None and symbol not in session.traded_symbols():
        raise AdminError("invalid_symbol")
    if not session.anti_stale_settings().enabled:
        return AntiStaleDisabled()
    done = session.run_anti_stale(symbol)
    taken = [action for action in done.actions if action.success]
    return AntiStaleResult(
        actions=done.actions,
        drift_refreshes=sum(action.reason == "price_drift" for action in taken),
        errors=done.check_errors + len(done.actions) - len(taken),
        symbol=symbol or _ALL,
        ttl_cancels=sum(action.reason == "ttl_expired" for action in taken),
    )
