"""What can go wrong with a call, and which of five classes it belongs to.

The question that decides is whether the request may have had an effect. What was never sent had
none and may be repeated. A query may be repeated always, a cancel too, because cancelling twice is
cancelling once. A create or an amend that was sent and not answered clearly may rest at the venue:
it is never sent again, the order is `Unknown` until a query by its client id resolves it.

=============  ================================================  ====================
class          examples                                          action
=============  ================================================  ====================
transient      not sent; rate limit; on queries and cancels      retry
               also time-outs, HTTP 5xx, unknown codes
ambiguous      a create or amend that was sent: time-out,        resolve by query
               disconnect, HTTP 5xx, unknown code
benign         order already done, duplicate id, not modified    resolve, no error
fatal order    filters, balance, post-only would cross           reject the order
fatal session  clock, key, permission, ban                       stop the session
=============  ================================================  ====================

Codes differ by venue and are data (`VenueCodes`); the rules do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = [
    "Action",
    "ErrorClass",
    "Failure",
    "FailureKind",
    "Operation",
    "VenueCodes",
    "Verdict",
    "classify",
]


_TOO_MANY_REQUESTS: Final = 429


class Operation(StrEnum):
    """What was asked of the venue."""

    CREATE = "create"
    AMEND = "amend"
    CANCEL = "cancel"
    QUERY = "query"

    @property
    def can_rest(self) -> bool:
        """Whether repeating it could leave a second effect at the venue."""
        return self in {Operation.CREATE, Operation.AMEND}


class FailureKind(StrEnum):
    """How the call ended without success."""

    BUDGET = "budget"
    """Our own rate budget did not let it pass: nothing was sent."""
    CONNECT = "connect"
    """No connection: refused, unresolved, time-out before the request was written."""
    TIMEOUT = "timeout"
    """No answer in time."""
    DISCONNECT = "disconnect"
    """The connection broke after the request was written, before its answer."""
    HTTP = "http"
    """An HTTP status other than 2xx without a code of the venue."""
    CODE = "code"
    """An answer with the venue's own error code."""
    MALFORMED = "malformed"
    """An answer that cannot be read."""


class ErrorClass(StrEnum):
    """See the module."""

    TRANSIENT = "transient"
    AMBIGUOUS = "ambiguous"
    BENIGN = "benign"
    FATAL_ORDER = "fatal_order"
    FATAL_SESSION = "fatal_session"


class Action(StrEnum):
    """What is done about a class."""

    RETRY = "retry"
    QUERY_BY_CID = "query_by_cid"
    """The order becomes `Unknown` and is resolved by reconciliation; nothing is sent again."""
    RESOLVE = "resolve"
    """Reports or a query say what the order is; no error."""
    REJECT = "reject"
    """The order is rejected; its symbol waits one decision."""
    STOP_SESSION = "stop_session"
    """Stop quoting, cancel what can be cancelled, ``E_EXEC_FATAL``, alert; no retry."""


_ACTIONS: Final[Mapping[ErrorClass, Action]] = {
    ErrorClass.TRANSIENT: Action.RETRY,
    ErrorClass.AMBIGUOUS: Action.QUERY_BY_CID,
    ErrorClass.BENIGN: Action.RESOLVE,
    ErrorClass.FATAL_ORDER: Action.REJECT,
    ErrorClass.FATAL_SESSION: Action.STOP_SESSION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The facts of a failed call.

    Attributes:
        operation: what was asked.
        is_sent: whether a byte of the request may have left; when in doubt, True.
        kind: how it ended.
        http_status: status of the answer, None without one.
        code: the venue's own code, None without one.
        retry_after_ms: what the venue asked to wait (``Retry-After`` or its reset header).
    """

    operation: Operation
    is_sent: bool
    kind: FailureKind
    http_status: int | None = None
    code: int | None = None
    retry_after_ms: int | None = None

    @property
    def label(self) -> str:
        """Short name for errors and logs: ``10006``, ``http_503``, ``timeout``."""
        if self.code is not None:
            return str(self.code)
        if self.kind is FailureKind.HTTP and self.http_status is not None:
            return f"http_{self.http_status}"
        return self.kind.value


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueCodes:
    """A venue's codes by meaning; codes in none of the sets are unknown.

    `done_orders` and `duplicate_ids` are benign where they make sense: an order that is already
    done answers a cancel, an amend or a query, a duplicate id answers a create, `unmodified` an
    amend. Elsewhere such a code is unknown.
    """

    rate_limit: frozenset[int]
    done_orders: frozenset[int]
    duplicate_ids: frozenset[int]
    unmodified: frozenset[int]
    order_refused: frozenset[int]
    session_refused: frozenset[int]
    session_http: frozenset[int]

    def is_benign(self, code: int, operation: Operation) -> bool:
        """Whether the code says that there is nothing left to do."""
        match operation:
            case Operation.CREATE:
                return code in self.duplicate_ids
            case Operation.AMEND:
                return code in self.done_orders or code in self.unmodified
            case Operation.CANCEL | Operation.QUERY:
                return code in self.done_orders


@dataclass(frozen=True, slots=True)
class Verdict:
    """The class of a failure and what is done about it."""

    error_class: ErrorClass
    action: Action


def classify(failure: Failure, codes: VenueCodes) -> Verdict:
    """The class of a failed call and the action that it asks for."""
    found = _class_of(failure, codes)
    return Verdict(found, _ACTIONS[found])


def _class_of(failure: Failure, codes: VenueCodes) -> ErrorClass:
    if not failure.is_sent:
        return ErrorClass.TRANSIENT
    if failure.code is not None:
        known = _class_of_code(failure.code, failure.operation, codes)
        if known is not None:
            return known
    if failure.http_status == _TOO_MANY_REQUESTS:
        return ErrorClass.TRANSIENT
    if failure.http_status in codes.session_http:
        return ErrorClass.FATAL_SESSION
    return ErrorClass.AMBIGUOUS if failure.operation.can_rest else ErrorClass.TRANSIENT


def _class_of_code(code: int, operation: Operation, codes: VenueCodes) -> ErrorClass | None:
    if code in codes.session_refused:
        return ErrorClass.FATAL_SESSION
    if code in codes.rate_limit:
        return ErrorClass.TRANSIENT
    if codes.is_benign(code, operation):
        return ErrorClass.BENIGN
    if operation.can_rest and code in codes.order_refused:
        return ErrorClass.FATAL_ORDER
    return None
