"""Bybit v5 error codes by meaning (https://bybit-exchange.github.io/docs/v5/error).

Codes that are in no set are unknown: 10000 server time-out, 10016 server error and 10019 restart
of the trading service among them, because they do not say whether a request had an effect.
"""

from __future__ import annotations

from typing import Final

from mmbot.venues.failures import VenueCodes

__all__ = ["BYBIT_CODES"]

_RATE_LIMIT: Final = (
    10006,  # too many visits of this key
    10018,  # rate limit of the address
    10429,  # system level frequency protection
    20003,  # too frequent requests in one socket session
)
_DONE_ORDERS: Final = (
    110001,  # order does not exist or is too late to cancel
    110008,  # order is finished or cancelled
    110010,  # order is already cancelled
    170139,  # spot: order is filled
    170142,  # spot: order is cancelled
    170143,  # spot: not in the order book
    170190,  # spot: cancelling is finished
    170213,  # spot: order does not exist
)
_DUPLICATE_IDS: Final = (
    110030,  # duplicate order id
    110072,  # duplicate orderLinkId
    170141,  # spot: duplicate client order id
)
# 10001 with the text "not modified" is no code of its own: see `_ORDER_REFUSED`.
_UNMODIFIED: Final = (
    110079,  # the order is being processed: what it becomes arrives as a report
)
_ORDER_REFUSED: Final = (
    10001,  # a parameter is wrong, or an amend changes nothing
    10029,  # symbol not permitted to this key
    110003,  # price out of the permitted range
    110004,  # wallet balance
    110006,  # estimated position margin
    110007,  # available balance
    110009,  # too many stop orders
    110012,  # available balance
    110014,  # balance for additional margin
    110016,  # risk limit
    110017,  # reduce-only rule
    110020,  # too many active orders
    110021,  # open interest limit
    110022,  # quantity may not be increased
    110023,  # reduce-only contract
    110032,  # illegal order
    110040,  # would force a liquidation
    110042,  # before delivery: reduce only
    110044,  # available margin
    110045,  # wallet balance
    110051,  # balance below the lowest price
    110052,  # balance for the price
    110053,  # balance for price and upper limit
    110062,  # settlement in progress
    110063,  # new quantity not above the filled one
    110065,  # no trading at this time
    110066,  # no trading at this time (newer list)
    110094,  # notional below the minimum
    170131,  # spot: balance
    170132,  # spot: price too high
    170133,  # spot: price too low
    170134,  # spot: decimals of the price
    170135,  # spot: quantity above the maximum
    170136,  # spot: quantity below the minimum
    170137,  # spot: decimals of the quantity
    170140,  # spot: value below the minimum
    170148,  # spot: decimals of the amount
    170193,  # spot: price beyond the limit
    170194,  # spot: price beyond the limit
    170218,  # spot: post-only would cross
)
_SESSION_REFUSED: Final = (
    10002,  # request time outside the window: our clock
    10003,  # key invalid
    10004,  # signature
    10005,  # permission
    10007,  # not logged in
    10008,  # user banned
    10009,  # address banned
    10010,  # address not bound to the key
    10024,  # compliance rules
    10027,  # trading banned
    33004,  # key expired
    -2015,  # spot: key expired
)

BYBIT_CODES: Final = VenueCodes(
    rate_limit=frozenset(_RATE_LIMIT),
    done_orders=frozenset(_DONE_ORDERS),
    duplicate_ids=frozenset(_DUPLICATE_IDS),
    unmodified=frozenset(_UNMODIFIED),
    order_refused=frozenset(_ORDER_REFUSED),
    session_refused=frozenset(_SESSION_REFUSED),
    # 401: the key was not accepted. 403: the address is banned for a while or out of the region.
    session_http=frozenset({401, 403}),
)
