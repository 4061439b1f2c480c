"""How venues are reached. Keys and secrets never stand here (`mmbot.config.secrets`)."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from mmbot.config.base import Section, key, refuse

__all__ = ["BybitConfig", "CcxtConfig"]


class BybitConfig(Section):
    """Section `bybit`: addresses and deadlines of the Bybit connector."""

    environment: Literal["auto", "mainnet", "testnet", "demo", "custom"] = key(
        "auto", "which exchange; auto is testnet or mainnet as trading.use_testnet says"
    )
    rest_url: str = key("", "REST address of a custom exchange, http[s]://host:port")
    stream_url: str = key("", "base of its sockets, ws[s]://host:port")
    trade_socket: bool = key(default=True, doc="send orders over the trade socket while it is up")
    call_timeout_ms: int = key(3000, "longest wait for an answer", ge=100, le=60_000)
    budget_wait_ms: int = key(1000, "longest wait for the rate budget", ge=0, le=60_000)
    refresh_sec: int = key(300, "instruments and fees are asked for this often", ge=10, le=86_400)

    @model_validator(mode="after")
    def _addresses_fit(self) -> BybitConfig:
        has_both = bool(self.rest_url) and bool(self.stream_url)
        has_any = bool(self.rest_url) or bool(self.stream_url)
        if self.environment == "custom" and not has_both:
            raise refuse("E_CFG_RANGE", "custom needs rest_url and stream_url")
        if self.environment != "custom" and has_any:
            raise refuse("E_CFG_CONFLICT", "rest_url and stream_url need environment custom")
        return self


class CcxtConfig(Section):
    """Section `ccxt`: where an exchange of ccxt is, if not where ccxt knows it."""

    rest_url: str = key("", "REST address in place of ccxt's, http[s]://host:port")
    stream_url: str = key("", "base of the sockets in place of ccxt's, ws[s]://host:port")

    @model_validator(mode="after")
    def _addresses_fit(self) -> CcxtConfig:
        if bool(self.rest_url) != bool(self.stream_url):
            raise refuse("E_CFG_RANGE", "needs rest_url and stream_url, or neither")
        return self
