"""Bybit's own protection: all orders go when the connections that ask for it are all dead.

Private sockets subscribe ``dcp.future`` or ``dcp.spot``; once every such socket of the account has
been gone for the window, Bybit cancels **all** active orders of the account in that product, those
of other programs too. An account has it only after Bybit has turned it on.

https://bybit-exchange.github.io/docs/v5/order/dcp, .../account/dcp-info, .../websocket/private/dcp
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from mmbot.venues.bybit.answers import Asked, decode_result
from mmbot.venues.bybit.endpoints import Category
from mmbot.venues.bybit.rest import RestClient
from mmbot.venues.failures import Operation

__all__ = ["has_protection", "protection_topic", "set_protection"]

_INFO: Final = "/v5/account/query-dcp-info"
_SET: Final = "/v5/order/disconnected-cancel-all"
_PRODUCTS: Final = {"linear": "DERIVATIVES", "spot": "SPOT"}
_TOPICS: Final = {"linear": "dcp.future", "spot": "dcp.spot"}


class _Info(msgspec.Struct, frozen=True, rename="camel"):
    product: str = ""
    dcp_status: str = ""


class _Infos(msgspec.Struct, frozen=True, rename="camel"):
    dcp_infos: Sequence[_Info] = ()


def protection_topic(category: Category) -> str:
    """What a private socket subscribes so that its death counts."""
    return _TOPICS[category]


async def has_protection(rest: RestClient, category: Category) -> bool:
    """Whether the account has the protection for this product.

    Raises:
        CallError: the venue did not answer.
    """
    asked = Asked(Operation.QUERY)
    answer = await rest.get(_INFO, {}, asked)
    infos = decode_result(answer.payload, _Infos, asked).dcp_infos
    return any(info.product == _PRODUCTS[category] and info.dcp_status == "ON" for info in infos)


async def set_protection(rest: RestClient, category: Category, *, window_sec: int) -> None:
    """Set after how long without a connection orders go; 3 to 300 s.

    Raises:
        CallError: the venue refused or did not answer.
    """
    body = {"product": _PRODUCTS[category], "timeWindow": window_sec}
    await rest.post(_SET, msgspec.json.encode(body), Asked(Operation.QUERY))
