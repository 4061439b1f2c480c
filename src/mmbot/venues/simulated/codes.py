"""What the exchange answers when it refuses: Bybit v5's codes and texts.

Codes are those of https://bybit-exchange.github.io/docs/v5/error.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "ACCOUNT_LIMIT",
    "BAD_KEY",
    "BAD_PARAMETER",
    "BAD_SIGNATURE",
    "BAD_TIME",
    "DUPLICATE_LINK_ID",
    "DUPLICATE_REQUEST_ID",
    "LEVERAGE_NOT_MODIFIED",
    "MODE_NOT_MODIFIED",
    "NOT_ENOUGH_BALANCE",
    "NO_SUCH_ORDER",
    "NO_TRADING_NOW",
    "OK",
    "OP_NOT_FOUND",
    "PRICE_OUT_OF_RANGE",
    "QTY_NOT_ABOVE_FILLED",
    "REDUCE_ONLY",
    "ROUTE_NOT_FOUND",
    "SERVER_ERROR",
    "TOO_MANY_ORDERS",
    "UNDER_MINIMUM_VALUE",
    "Refusal",
]

OK: Final = 0
BAD_PARAMETER: Final = 10001
BAD_TIME: Final = 10002
BAD_KEY: Final = 10003
BAD_SIGNATURE: Final = 10004
ACCOUNT_LIMIT: Final = 10006
SERVER_ERROR: Final = 10016
ROUTE_NOT_FOUND: Final = 10017
OP_NOT_FOUND: Final = 10404
DUPLICATE_REQUEST_ID: Final = 20006
NO_SUCH_ORDER: Final = 110001
PRICE_OUT_OF_RANGE: Final = 110003
NOT_ENOUGH_BALANCE: Final = 110007
REDUCE_ONLY: Final = 110017
TOO_MANY_ORDERS: Final = 110020
MODE_NOT_MODIFIED: Final = 110025
LEVERAGE_NOT_MODIFIED: Final = 110043
QTY_NOT_ABOVE_FILLED: Final = 110063
NO_TRADING_NOW: Final = 110066
DUPLICATE_LINK_ID: Final = 110072
UNDER_MINIMUM_VALUE: Final = 110094

_TEXTS: Final = {
    ACCOUNT_LIMIT: "Too many visits. Exceeded the API Rate Limit.",
    BAD_KEY: "API key is invalid.",
    DUPLICATE_LINK_ID: "OrderLinkedID is duplicate",
    LEVERAGE_NOT_MODIFIED: "leverage not modified",
    MODE_NOT_MODIFIED: "Position mode is not modified",
    NOT_ENOUGH_BALANCE: "ab not enough for new order",
    NO_SUCH_ORDER: "order not exists or too late to cancel",
    NO_TRADING_NOW: "Trading is currently not allowed.",
    PRICE_OUT_OF_RANGE: "The order price exceeds the allowable range.",
    QTY_NOT_ABOVE_FILLED: (
        "The number of contracts modified cannot be less than or equal to the filled quantity"
    ),
    REDUCE_ONLY: "current position is zero, cannot fix reduce-only order qty",
    ROUTE_NOT_FOUND: "Route not found.",
    SERVER_ERROR: "Internal System Error.",
    TOO_MANY_ORDERS: "Cannot have more than 500 active orders.",
    UNDER_MINIMUM_VALUE: "Order does not meet minimum order value 5USDT",
}


class Refusal(Exception):  # noqa: N818 -- an answer of the protocol, not a failure of ours
    """A request that the exchange refuses: `ret_code` and `ret_msg` of the answer."""

    def __init__(self, ret_code: int, ret_msg: str | None = None) -> None:
        self.ret_code = ret_code
        self.ret_msg = _TEXTS[ret_code] if ret_msg is None else ret_msg
        super().__init__(f"{ret_code} {self.ret_msg}")
