"""ccxt's exceptions as facts of a failure, by class and not by text.

Venues' own codes differ, ccxt maps each to a class; the classes have numbers here so that
`mmbot.venues.failures` can judge them. What was answered is known from the HTTP status that the
client saw, what was never sent from the cause of the exception.
"""

from __future__ import annotations

import asyncio
import socket
from enum import IntEnum
from typing import Final

import aiohttp
import ccxt

from mmbot.venues.failures import Failure, FailureKind, Operation, VenueCodes

__all__ = ["CCXT_CODES", "CcxtCode", "failure_of"]


class CcxtCode(IntEnum):
    """Meaning of an exception; the numbers are ours."""

    RATE_LIMIT = 1
    ORDER_DONE = 2
    DUPLICATE_ID = 3
    UNMODIFIED = 4
    ORDER_REFUSED = 5
    SESSION_REFUSED = 6
    UNKNOWN = 7


CCXT_CODES: Final = VenueCodes(
    rate_limit=frozenset({CcxtCode.RATE_LIMIT}),
    done_orders=frozenset({CcxtCode.ORDER_DONE}),
    duplicate_ids=frozenset({CcxtCode.DUPLICATE_ID}),
    unmodified=frozenset({CcxtCode.UNMODIFIED}),
    order_refused=frozenset({CcxtCode.ORDER_REFUSED}),
    session_refused=frozenset({CcxtCode.SESSION_REFUSED}),
    session_http=frozenset({401, 403}),
)

_NOT_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, socket.gaierror)
# More special classes come first.
_CLASSES: Final[tuple[tuple[type[Exception], CcxtCode], ...]] = (
    (ccxt.RateLimitExceeded, CcxtCode.RATE_LIMIT),
    (ccxt.DDoSProtection, CcxtCode.RATE_LIMIT),
    (ccxt.OrderNotFound, CcxtCode.ORDER_DONE),
    (ccxt.DuplicateOrderId, CcxtCode.DUPLICATE_ID),
    (ccxt.NoChange, CcxtCode.UNMODIFIED),
    (ccxt.AuthenticationError, CcxtCode.SESSION_REFUSED),
    (ccxt.InvalidNonce, CcxtCode.SESSION_REFUSED),
    (ccxt.RestrictedLocation, CcxtCode.SESSION_REFUSED),
    (ccxt.InvalidOrder, CcxtCode.ORDER_REFUSED),
    (ccxt.InsufficientFunds, CcxtCode.ORDER_REFUSED),
    (ccxt.BadRequest, CcxtCode.ORDER_REFUSED),
    (ccxt.OperationRejected, CcxtCode.ORDER_REFUSED),
    (ccxt.ExchangeError, CcxtCode.UNKNOWN),
)


def failure_of(
    exc: Exception, operation: Operation, *, status: int | None, retry_after_ms: int | None = None
) -> Failure:
    """The facts behind an exception of ccxt.

    Args:
        exc: what the call raised.
        operation: what was asked.
        status: HTTP status of the answer, None if none came.
        retry_after_ms: the answer's ``Retry-After``.
    """
    if status is None:
        return _unanswered(exc, operation)
    code = _code(exc, operation, status)
    kind = FailureKind.CODE
    if code is None:
        kind = FailureKind.HTTP if status >= 400 else FailureKind.MALFORMED
    return Failure(
        operation=operation,
        is_sent=True,
        kind=kind,
        http_status=status,
        code=code,
        retry_after_ms=retry_after_ms,
    )


def _unanswered(exc: Exception, operation: Operation) -> Failure:
    cause = exc.__cause__
    if isinstance(cause, _NOT_SENT) or isinstance(exc, ccxt.ArgumentsRequired | ccxt.NotSupported):
        return Failure(operation=operation, is_sent=False, kind=FailureKind.CONNECT)
    is_late = isinstance(exc, ccxt.RequestTimeout | asyncio.TimeoutError)
    kind = FailureKind.TIMEOUT if is_late else FailureKind.DISCONNECT
    return Failure(operation=operation, is_sent=True, kind=kind)


def _code(exc: Exception, operation: Operation, status: int) -> CcxtCode | None:
    found = next((code for kind, code in _CLASSES if isinstance(exc, kind)), None)
    if status in CCXT_CODES.session_http and found in (CcxtCode.RATE_LIMIT, CcxtCode.UNKNOWN):
        # The address is banned: asking again prolongs it.
        return None
    if found is not CcxtCode.ORDER_REFUSED:
        return found
    if operation is Operation.CANCEL:
        # Venues answer a cancel of what is filled or cancelled as an invalid order.
        return CcxtCode.ORDER_DONE if isinstance(exc, ccxt.InvalidOrder) else CcxtCode.UNKNOWN
    if operation is Operation.CREATE and "duplicat" in str(exc).lower():
        # ccxt has a class for it that few exchanges use; a refusal would forget a resting order.
        return CcxtCode.DUPLICATE_ID
    return found
