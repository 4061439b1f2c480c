"""How often a client may ask: rolling windows per account and endpoint, and per address.

Figures are those published for new accounts (docs/v5/rate-limit). An account above its limit gets
10006, an address above its own HTTP 403 for as long as the ban lasts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mmbot.venues.simulated.codes import ACCOUNT_LIMIT, Refusal

__all__ = [
    "ADDRESS_BAN_MS",
    "AccountLimits",
    "AddressLimits",
    "Exceeded",
    "Quota",
    "RollingWindow",
]

ADDRESS_BAN_MS: Final = 600_000
_SECOND_MS: Final = 1_000
# Requests a second by path; an endpoint that is not named has no limit of its own.
_PER_SECOND: Final[Mapping[str, int]] = {
    "/v5/order/create": 10,
    "/v5/order/amend": 10,
    "/v5/order/cancel": 10,
    "/v5/order/cancel-all": 10,
    "/v5/order/create-batch": 10,
    "/v5/order/amend-batch": 10,
    "/v5/order/cancel-batch": 10,
    "/v5/order/realtime": 50,
    "/v5/order/history": 50,
    "/v5/execution/list": 50,
    "/v5/position/list": 50,
    "/v5/position/set-leverage": 10,
    "/v5/account/wallet-balance": 50,
    "/v5/account/fee-rate": 10,
    "/v5/account/info": 50,
    "/v5/user/query-api": 10,
    "/v5/asset/coin/query-info": 5,
}


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left: the values of the ``X-Bapi-Limit`` headers."""

    limit: int
    left: int
    reset_ms: int

    def headers(self) -> dict[str, str]:
        """The three headers of an answer."""
        return {
            "X-Bapi-Limit": str(self.limit),
            "X-Bapi-Limit-Status": str(self.left),
            "X-Bapi-Limit-Reset-Timestamp": str(self.reset_ms),
        }


@dataclass(slots=True)
class RollingWindow:
    """At most `limit` marks within any `span_ms`."""

    limit: int
    span_ms: int
    _marks: deque[int] = field(default_factory=deque)

    def take(self, now_ms: int, count: int = 1) -> bool:
        """True if `count` more fit, which are then taken."""
        while self._marks and self._marks[0] <= now_ms - self.span_ms:
            self._marks.popleft()
        if len(self._marks) + count > self.limit:
            return False
        self._marks.extend([now_ms] * count)
        return True

    @property
    def left(self) -> int:
        """How many fit now."""
        return self.limit - len(self._marks)

    @property
    def reset_ms(self) -> int:
        """When the oldest mark leaves the window; 0 if there is none."""
        return self._marks[0] + self.span_ms if self._marks else 0


@dataclass(slots=True)
class AccountLimits:
    """Windows of one second per account and endpoint; `percent` of the limits is in force."""

    is_enforced: bool = True
    percent: int = 100
    _windows: dict[tuple[int, str], RollingWindow] = field(default_factory=dict)

    def take(self, uid: int, path: str, now_ms: int, count: int = 1) -> Quota | None:
        """Take `count` requests; None for an endpoint without a limit.

        Raises:
            Exceeded: 10006, with the quota for the headers.
        """
        limit = _PER_SECOND.get(path)
        if limit is None or not self.is_enforced:
            return None
        limit = max(1, limit * self.percent // 100)
        window = self._windows.setdefault((uid, path), RollingWindow(limit, _SECOND_MS))
        window.limit = limit
        if window.take(now_ms, count):
            return Quota(limit, window.left, now_ms)
        raise Exceeded(Quota(limit, 0, window.reset_ms or now_ms))


class Exceeded(Refusal):
    """10006: the account asks too often."""

    def __init__(self, quota: Quota) -> None:
        super().__init__(ACCOUNT_LIMIT)
        self.quota = quota


@dataclass(slots=True)
class AddressLimits:
    """600 requests in five seconds and 500 connections in five minutes per address."""

    is_enforced: bool = True
    ban_ms: int = ADDRESS_BAN_MS
    _requests: dict[str, RollingWindow] = field(default_factory=dict)
    _connections: dict[str, RollingWindow] = field(default_factory=dict)
    _banned_until_ms: dict[str, int] = field(default_factory=dict)

    def may_request(self, address: str, now_ms: int) -> bool:
        """False while the address is banned; a request beyond the limit bans it."""
        if not self.is_enforced:
            return True
        if now_ms < self._banned_until_ms.get(address, 0):
            return False
        window = self._requests.setdefault(address, RollingWindow(600, 5 * _SECOND_MS))
        if window.take(now_ms):
            return True
        self._banned_until_ms[address] = now_ms + self.ban_ms
        return False

    def may_connect(self, address: str, now_ms: int) -> bool:
        """False when the address opened too many sockets."""
        if not self.is_enforced:
            return True
        window = self._connections.setdefault(address, RollingWindow(500, 300 * _SECOND_MS))
        return window.take(now_ms)
