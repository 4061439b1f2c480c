"""Disconnection protection (docs/v5/order/dcp): orders go when all sockets that ask are dead.

Every account has it, with a window of ten seconds until it sets another. Only sockets that
subscribed a ``dcp`` topic count; an account that never did is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mmbot.venues.simulated.codes import BAD_PARAMETER, Refusal
from mmbot.venues.simulated.engine import LocalExchange

__all__ = ["PROTECTION_TOPIC", "Protection", "protection_info", "set_protection"]

PROTECTION_TOPIC: Final = "dcp.future"
_WINDOW_SEC: Final = (3, 300)
_PRODUCT: Final = "DERIVATIVES"


@dataclass(slots=True)
class Protection:
    """Which accounts are connected, and since when those that were are not."""

    _connected: set[int] = field(default_factory=set)
    _lost_ms: dict[int, int] = field(default_factory=dict)

    def step(self, exchange: LocalExchange, connected: Collection[int], now_ms: int) -> None:
        """Cancel the orders of accounts whose window is over.

        Args:
            exchange: with the accounts' orders.
            connected: accounts with a socket that asks for protection.
            now_ms: the exchange's clock.
        """
        for uid in self._connected - set(connected):
            self._lost_ms[uid] = now_ms
        self._connected = set(connected)
        for uid in self._connected:
            self._lost_ms.pop(uid, None)
        for uid, lost_ms in list(self._lost_ms.items()):
            desk = exchange.desks[uid]
            if now_ms - lost_ms >= desk.account.dcp_window_sec * 1000:
                del self._lost_ms[uid]
                for order in list(desk.open.values()):
                    exchange.cancel(order)


def set_protection(
    exchange: LocalExchange, uid: int, params: Mapping[str, object]
) -> dict[str, Any]:
    """``/v5/order/disconnected-cancel-all``."""
    text = str(params.get("timeWindow", ""))
    low, high = _WINDOW_SEC
    if params.get("product") != _PRODUCT or not text.isdigit() or not low <= int(text) <= high:
        raise Refusal(BAD_PARAMETER, "params error: product or timeWindow invalid")
    exchange.desks[uid].account.dcp_window_sec = int(text)
    return {}


def protection_info(
    exchange: LocalExchange, uid: int, _params: Mapping[str, object]
) -> dict[str, Any]:
    """``/v5/account/query-dcp-info``."""
    window = str(exchange.desks[uid].account.dcp_window_sec)
    return {"dcpInfos": [{"product": _PRODUCT, "dcpStatus": "ON", "timeWindow": window}]}
