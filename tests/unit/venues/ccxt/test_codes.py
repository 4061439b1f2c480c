import socket

import aiohttp
import ccxt
import pytest

from mmbot.venues.ccxt.codes import CCXT_CODES, failure_of
from mmbot.venues.failures import ErrorClass, FailureKind, Operation, classify

CREATE, AMEND, CANCEL, QUERY = Operation.CREATE, Operation.AMEND, Operation.CANCEL, Operation.QUERY
TRANSIENT, AMBIGUOUS = ErrorClass.TRANSIENT, ErrorClass.AMBIGUOUS
BENIGN, REFUSED = ErrorClass.BENIGN, ErrorClass.FATAL_ORDER
SESSION = ErrorClass.FATAL_SESSION


def by(cause, exc):
    exc.__cause__ = cause
    return exc


def classes(exc, status):
    """Class of the failure for create, amend, cancel and query."""
    failures = [failure_of(exc, operation, status=status) for operation in Operation]
    assert [failure.operation for failure in failures] == [CREATE, AMEND, CANCEL, QUERY]
    return tuple(classify(failure, CCXT_CODES).error_class for failure in failures)


ANSWERED = [
    (ccxt.RateLimitExceeded("x"), 200, (TRANSIENT,) * 4),
    (ccxt.DDoSProtection("x"), 429, (TRANSIENT,) * 4),
    (ccxt.RateLimitExceeded("x"), 403, (SESSION,) * 4),
    (ccxt.ExchangeError("x"), 401, (SESSION,) * 4),
    (ccxt.AuthenticationError("x"), 200, (SESSION,) * 4),
    (ccxt.PermissionDenied("x"), 200, (SESSION,) * 4),
    (ccxt.InvalidNonce("x"), 200, (SESSION,) * 4),
    (ccxt.OrderNotFound("x"), 200, (AMBIGUOUS, BENIGN, BENIGN, BENIGN)),
    (ccxt.InvalidOrder("x"), 200, (REFUSED, REFUSED, BENIGN, TRANSIENT)),
    (ccxt.InvalidOrder("Duplicate id"), 200, (BENIGN, REFUSED, BENIGN, TRANSIENT)),
    (ccxt.DuplicateOrderId("x"), 200, (BENIGN, AMBIGUOUS, TRANSIENT, TRANSIENT)),
    (ccxt.InsufficientFunds("x"), 200, (REFUSED, REFUSED, TRANSIENT, TRANSIENT)),
    (ccxt.OrderImmediatelyFillable("x"), 200, (REFUSED, REFUSED, BENIGN, TRANSIENT)),
    (ccxt.BadRequest("x"), 400, (REFUSED, REFUSED, TRANSIENT, TRANSIENT)),
    (ccxt.NoChange("x"), 200, (AMBIGUOUS, BENIGN, TRANSIENT, TRANSIENT)),
    (ccxt.ExchangeError("x"), 200, (AMBIGUOUS, AMBIGUOUS, TRANSIENT, TRANSIENT)),
    (ccxt.ExchangeNotAvailable("x"), 503, (AMBIGUOUS, AMBIGUOUS, TRANSIENT, TRANSIENT)),
    (ccxt.BadResponse("x"), 200, (AMBIGUOUS, AMBIGUOUS, TRANSIENT, TRANSIENT)),
]


@pytest.mark.spec("02-12")
@pytest.mark.parametrize(("exc", "status", "expected"), ANSWERED, ids=repr)
def test_what_was_answered_has_the_class_of_its_meaning(exc, status, expected):
    assert classes(exc, status) == expected


KEY = aiohttp.client_reqrep.ConnectionKey("h", 1, False, True, None, None, None)
NOT_SENT = [
    by(aiohttp.ClientConnectorError(KEY, OSError()), ccxt.ExchangeNotAvailable("x")),
    by(aiohttp.ConnectionTimeoutError("x"), ccxt.RequestTimeout("x")),
    by(socket.gaierror(), ccxt.ExchangeNotAvailable("x")),
    ccxt.ArgumentsRequired("x"),
    ccxt.NotSupported("x"),
]


@pytest.mark.spec("02-12")
@pytest.mark.parametrize("exc", NOT_SENT, ids=repr)
def test_what_never_left_may_go_again(exc):
    assert classes(exc, None) == (TRANSIENT,) * 4
    assert not failure_of(exc, CREATE, status=None).is_sent


@pytest.mark.spec("02-12")
@pytest.mark.parametrize(
    ("exc", "kind"),
    [
        (by(TimeoutError(), ccxt.RequestTimeout("x")), FailureKind.TIMEOUT),
        (
            by(aiohttp.ServerDisconnectedError(), ccxt.ExchangeNotAvailable("x")),
            FailureKind.DISCONNECT,
        ),
        (OSError("x"), FailureKind.DISCONNECT),
        (TimeoutError("x"), FailureKind.TIMEOUT),
    ],
    ids=repr,
)
def test_what_was_sent_and_not_answered_is_never_sent_again(exc, kind):
    assert failure_of(exc, CREATE, status=None).kind is kind
    assert classes(exc, None) == (AMBIGUOUS, AMBIGUOUS, TRANSIENT, TRANSIENT)
