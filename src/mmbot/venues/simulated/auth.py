"""Who is asking: HMAC signatures and the rules of the clock (docs/v5/guide, "Authentication").

REST signs ``timestamp + key + recv_window + (query string | body)``, sockets sign
``GET/realtime + expires``. A request is in time when
``server_time - recv_window <= timestamp < server_time + 1000``.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mmbot.venues.simulated.accounts import Account
from mmbot.venues.simulated.codes import (
    BAD_KEY,
    BAD_PARAMETER,
    BAD_SIGNATURE,
    BAD_TIME,
    Refusal,
)

__all__ = ["Keys", "check_time", "sign"]

_RECV_WINDOW_MS: Final = 5_000
_AHEAD_MS: Final = 1_000
_WHOLE: Final = re.compile(r"-?\d{1,18}", re.ASCII)


def sign(secret: str, payload: str) -> str:
    """HMAC-SHA256 as lower-case hex."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def check_time(timestamp: object, recv_window: object, now_ms: int) -> None:
    """Refuse what was sent too long ago or comes from the future.

    Raises:
        Refusal: 10001 for something that is no time, 10002 outside the window.
    """
    sent_ms = _whole(timestamp, "X-BAPI-TIMESTAMP")
    window_ms = _whole(recv_window or _RECV_WINDOW_MS, "X-BAPI-RECV-WINDOW")
    if not now_ms - window_ms <= sent_ms < now_ms + _AHEAD_MS:
        raise Refusal(
            BAD_TIME,
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{sent_ms}],server_timestamp[{now_ms}],recv_window[{window_ms}]",
        )


@dataclass(slots=True)
class Keys:
    """The accounts by API key, and the secret of each key; while `is_revoked` none is valid."""

    accounts: Mapping[str, Account]
    secrets: Mapping[str, str]
    is_revoked: bool = False

    @staticmethod
    def of(accounts: Sequence[Account]) -> Keys:
        """The keys of `accounts`."""
        owners = {key: one for one in accounts for key in (one.api_key, *one.more_keys)}
        secrets = {one.api_key: one.api_secret for one in accounts}
        for one in accounts:
            secrets |= one.more_keys
        return Keys(owners, secrets)

    def rest(self, headers: Mapping[str, str], payload: str, now_ms: int) -> Account:
        """The account that signed a REST request; `headers` by lower-case name.

        Raises:
            Refusal: 10001, 10002, 10003 or 10004.
        """
        api_key = headers.get("x-bapi-api-key", "")
        account = self._account(api_key)
        timestamp = headers.get("x-bapi-timestamp", "")
        window = headers.get("x-bapi-recv-window", "")
        check_time(timestamp, window, now_ms)
        origin = f"{timestamp}{api_key}{window}{payload}"
        if not _is_same(sign(self.secrets[api_key], origin), headers.get("x-bapi-sign", "")):
            raise Refusal(
                BAD_SIGNATURE,
                "error sign! please check your signature generation algorithm. "
                f"origin_string[{origin}]",
            )
        return account

    def socket(self, args: object, now_ms: int) -> Account:
        """The account that signed the ``auth`` request of a socket.

        Raises:
            Refusal: 10001 for other arguments, 10003 or 10004; 10002 when it has expired.
        """
        if not isinstance(args, list) or len(args) != 3:
            raise Refusal(BAD_PARAMETER, "Params Error")
        api_key = str(args[0])
        account = self._account(api_key)
        expires = _whole(args[1], "expires")
        if expires <= now_ms:
            raise Refusal(BAD_TIME, "Your request has expired.")
        expected = sign(self.secrets[api_key], f"GET/realtime{args[1]}")
        if not _is_same(expected, str(args[2])):
            raise Refusal(BAD_SIGNATURE, "Invalid sign")
        return account

    def _account(self, api_key: str) -> Account:
        account = self.accounts.get(api_key)
        if account is None or self.is_revoked:
            raise Refusal(BAD_KEY)
        return account


def _whole(value: object, name: str) -> int:
    if _WHOLE.fullmatch(str(value)) is None:
        raise Refusal(BAD_PARAMETER, f"params error: {name} invalid")
    return int(str(value))


def _is_same(expected: str, given: str) -> bool:
    return given.isascii() and hmac.compare_digest(expected, given.lower())
