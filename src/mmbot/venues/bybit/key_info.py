"""What Bybit says about the API key that asks (docs/v5/user/apikey-info)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from mmbot.errors import ConfigError
from mmbot.units import parse_utc_ns
from mmbot.venues.bybit.answers import Asked, decode_result
from mmbot.venues.bybit.endpoints import Category
from mmbot.venues.bybit.rest import RestClient
from mmbot.venues.failures import Operation

__all__ = ["ApiKeyInfo", "fetch_key_info"]

_PATH: Final = "/v5/user/query-api"


@dataclass(frozen=True, slots=True)
class ApiKeyInfo:
    """Rights of a key; `expires_ns` is None for one that is bound to addresses and does not end."""

    can_trade: bool
    can_withdraw: bool
    is_read_only: bool
    has_address_list: bool
    expires_ns: int | None


class _KeyRow(msgspec.Struct, frozen=True, rename="camel"):
    read_only: int = 0
    permissions: Mapping[str, Sequence[str]] = {}
    ips: Sequence[str] = ()
    expired_at: str = ""

    def info(self, category: Category) -> ApiKeyInfo:
        """As a record; linear needs orders and positions, spot its own right."""
        if category == "spot":
            can_trade = "SpotTrade" in self.permissions.get("Spot", ())
        else:
            can_trade = "Order" in self.permissions.get("ContractTrade", ())
        return ApiKeyInfo(
            can_trade=can_trade,
            can_withdraw="Withdraw" in self.permissions.get("Wallet", ()),
            is_read_only=self.read_only == 1,
            has_address_list=bool(self.ips) and "*" not in self.ips,
            expires_ns=_instant(self.expired_at),
        )


async def fetch_key_info(rest: RestClient, category: Category) -> ApiKeyInfo:
    """Ask for the rights of the key.

    Raises:
        CallError: the venue did not answer, or refuses the key.
    """
    asked = Asked(Operation.QUERY)
    answer = await rest.get(_PATH, {}, asked)
    return decode_result(answer.payload, _KeyRow, asked).info(category)


def _instant(text: str) -> int | None:
    try:
        return parse_utc_ns(text, key="expiredAt") if text else None
    except ConfigError:
        return None
