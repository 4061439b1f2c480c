"""What is traded, where, and at which fees."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from mmbot.config.base import Items, Section, Symbol, key, refuse

__all__ = ["TradingConfig"]


class TradingConfig(Section):
    """Section `trading`."""

    symbols: Items[Symbol] = key(
        ("BTCUSDT",), "symbols to trade; a configuration file must name them", min_length=1
    )
    venue: str = key(
        "bybit",
        "bybit, simulated, or the id of a ccxt exchange; ccxt:bybit is ccxt's",
        pattern=r"^(ccxt:)?[a-z][a-z0-9_]*$",
    )
    category: Literal["linear", "spot"] = key("linear", "kind of instrument")
    use_testnet: bool = key(default=True, doc="use the venue's test endpoints")
    maker_fee_bps: float = key(
        1.0, "fee of resting orders; negative is a rebate", ge=-1000, le=1000, hot=True
    )
    taker_fee_bps: float = key(5.0, "fee of orders that cross", ge=-1000, le=1000, hot=True)
    base_spread_bps: float = key(
        0.5, "full spread before volatility and penalties", ge=0, le=100, hot=True
    )
    post_only: bool = key(default=True, doc="orders never cross the book")
    quote_refresh_ms: int = key(
        100, "a symbol decides at most this often on book updates", ge=1, le=60_000, hot=True
    )
    base_ccy: str = key("USD", "currency of the ledger, ISO code", pattern=r"^[A-Z]{3}$")
    fx_usd_to_base: float = key(1.0, "units of the ledger's currency per USD", gt=0)
    recv_window_ms: int = key(5000, "a venue refuses requests older than this", ge=100, le=60_000)

    @field_validator("symbols")
    @classmethod
    def _no_duplicates(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(symbols)) != len(symbols):
            raise refuse("E_CFG_CONFLICT", "names a symbol twice")
        return symbols
