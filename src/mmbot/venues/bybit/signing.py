"""Who we are, said to Bybit: HMAC signatures (docs/v5/guide, "Authentication"); pure.

REST signs ``timestamp + key + recv_window + (query string | body)``, sockets sign
``GET/realtime + expires``. Credentials show neither in `repr` nor in errors.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from mmbot.config.secrets import require_secret
from mmbot.redact import hide

__all__ = ["ApiCredentials", "auth_args", "load_credentials", "signed_headers"]


@dataclass(frozen=True, slots=True)
class ApiCredentials:
    """An API key and its secret."""

    key: str = field(repr=False)
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        """Mask both from now on: the venue repeats the key in the text of a wrong signature."""
        hide(self.key)
        hide(self.secret)


def load_credentials(env: Mapping[str, str] | None = None) -> ApiCredentials:
    """``BYBIT_API_KEY`` and ``BYBIT_API_SECRET`` (`mmbot.config.secrets`).

    Raises:
        ConfigError: ``E_CFG_SECRET``.
    """
    return ApiCredentials(
        require_secret("BYBIT_API_KEY", env), require_secret("BYBIT_API_SECRET", env)
    )


def signed_headers(
    credentials: ApiCredentials, payload: str, *, timestamp_ms: int, recv_window_ms: int
) -> dict[str, str]:
    """The headers of a REST request; `payload` is the query string or the body as it is sent."""
    text = f"{timestamp_ms}{credentials.key}{recv_window_ms}{payload}"
    return {
        "X-BAPI-API-KEY": credentials.key,
        "X-BAPI-TIMESTAMP": str(timestamp_ms),
        "X-BAPI-RECV-WINDOW": str(recv_window_ms),
        "X-BAPI-SIGN": _sign(credentials.secret, text),
    }


def auth_args(credentials: ApiCredentials, *, expires_ms: int) -> list[str | int]:
    """The arguments of ``auth`` on a socket, valid until `expires_ms` of the venue's clock."""
    signature = _sign(credentials.secret, f"GET/realtime{expires_ms}")
    return [credentials.key, expires_ms, signature]


def _sign(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
