"""Error classes over the whole grid, against the rows of the table as predicates.

Every cell must be claimed by exactly one row, so that neither a gap nor an overlap can hide.
"""

import itertools

import pytest

from mmbot.venues.bybit.codes import BYBIT_CODES
from mmbot.venues.failures import (
    Action,
    ErrorClass,
    Failure,
    FailureKind,
    Operation,
    VenueCodes,
    classify,
)

RATE = {10006, 10018, 10429, 20003}
SERVER = {10000, 10016, 10019}
DONE = {110001, 110008, 110010, 170213}
DUPLICATE = {110072, 110030}
UNMODIFIED = {110079}
REFUSED = {110007, 110003, 170218, 10001}
SESSION = {10002, 10003, 10004, 10005, 10007, 10008, 10009, 10010, 10024, 10027}
UNKNOWN = {999_999, -1, 429}
CODES = sorted(RATE | SERVER | DONE | DUPLICATE | UNMODIFIED | REFUSED | SESSION | UNKNOWN)
HTTP = (None, 200, 400, 401, 403, 404, 429, 500, 502, 503, 504)

MAY_REST = {Operation.CREATE, Operation.AMEND}


def grid() -> list[Failure]:
    cells = []
    for operation, is_sent, http in itertools.product(Operation, (False, True), HTTP):
        for kind in FailureKind:
            codes = CODES if kind is FailureKind.CODE else [None]
            cells += [
                Failure(
                    operation=operation, is_sent=is_sent, kind=kind, http_status=http, code=code
                )
                for code in codes
            ]
    return cells


def is_benign(f: Failure) -> bool:
    if f.operation is Operation.CREATE:
        return f.code in DUPLICATE
    return f.code in DONE or (f.operation is Operation.AMEND and f.code in UNMODIFIED)


def is_definite(f: Failure) -> bool:
    """The answer says by itself what happened."""
    by_code = f.code in RATE | SESSION or is_benign(f)
    by_code = by_code or (f.operation in MAY_REST and f.code in REFUSED)
    return by_code or f.http_status in {401, 403, 429}


def is_session(f: Failure) -> bool:
    if f.code in SESSION:
        return True
    is_named = f.code in RATE or is_benign(f) or (f.operation in MAY_REST and f.code in REFUSED)
    return not is_named and f.http_status in {401, 403}


ROWS = {
    ErrorClass.TRANSIENT: lambda f: (
        not f.is_sent
        or f.code in RATE
        or (not is_session(f) and not is_benign(f) and f.http_status == 429 and not refused(f))
        or (f.operation not in MAY_REST and not is_definite(f))
    ),
    ErrorClass.AMBIGUOUS: lambda f: f.is_sent and f.operation in MAY_REST and not is_definite(f),
    ErrorClass.BENIGN: lambda f: f.is_sent and is_benign(f),
    ErrorClass.FATAL_ORDER: lambda f: f.is_sent and refused(f),
    ErrorClass.FATAL_SESSION: lambda f: f.is_sent and is_session(f),
}


def refused(f: Failure) -> bool:
    return f.operation in MAY_REST and f.code in REFUSED


@pytest.mark.spec("02-12", "02-D23")
def test_every_cell_of_the_grid_has_the_class_of_the_one_row_that_claims_it():
    cells = grid()
    assert len(cells) > 2000
    seen = set()
    for cell in cells:
        claimed = [row for row, claims in ROWS.items() if claims(cell)]
        assert len(claimed) == 1, (cell, claimed)
        verdict = classify(cell, BYBIT_CODES)
        assert verdict.error_class is claimed[0], cell
        seen.add(verdict.error_class)
    assert seen == set(ErrorClass)


def create(kind: FailureKind, *, code: int | None = None, http: int | None = None) -> Failure:
    return Failure(operation=Operation.CREATE, is_sent=True, kind=kind, code=code, http_status=http)


@pytest.mark.spec("02-12/1")
@pytest.mark.parametrize("operation", list(Operation))
def test_what_was_never_sent_is_transient_whatever_else_is_said(operation):
    failure = Failure(operation=operation, is_sent=False, kind=FailureKind.CONNECT)
    assert classify(failure, BYBIT_CODES).action is Action.RETRY


@pytest.mark.spec("02-12/2")
@pytest.mark.parametrize(
    "failure",
    [
        create(FailureKind.TIMEOUT),
        create(FailureKind.DISCONNECT),
        create(FailureKind.MALFORMED, http=200),
        create(FailureKind.HTTP, http=500),
        create(FailureKind.HTTP, http=503),
        create(FailureKind.CODE, code=10000, http=200),
        create(FailureKind.CODE, code=10016, http=200),
        create(FailureKind.CODE, code=10019, http=200),
        create(FailureKind.CODE, code=424_242, http=200),
    ],
    ids=lambda failure: failure.label,
)
def test_a_create_that_was_sent_without_a_clear_answer_is_never_sent_again(failure):
    verdict = classify(failure, BYBIT_CODES)
    assert verdict.error_class is ErrorClass.AMBIGUOUS
    assert verdict.action is Action.QUERY_BY_CID


@pytest.mark.spec("02-12/3")
@pytest.mark.parametrize(
    ("operation", "code", "is_benign"),
    [
        (Operation.CANCEL, 110001, True),
        (Operation.AMEND, 110001, True),
        (Operation.QUERY, 110001, True),
        (Operation.CREATE, 110001, False),
        (Operation.CREATE, 110072, True),
        (Operation.CANCEL, 110072, False),
        (Operation.AMEND, 110079, True),
        (Operation.CREATE, 110079, False),
    ],
)
def test_a_code_is_benign_only_where_it_leaves_nothing_to_do(operation, code, is_benign):
    failure = Failure(operation=operation, is_sent=True, kind=FailureKind.CODE, code=code)
    assert (classify(failure, BYBIT_CODES).action is Action.RESOLVE) is is_benign


@pytest.mark.spec("02-12/4")
@pytest.mark.parametrize("code", sorted(REFUSED))
@pytest.mark.parametrize("operation", Operation)
def test_a_refused_price_or_balance_is_fatal_for_the_order_and_for_nothing_else(operation, code):
    failure = Failure(
        operation=operation, is_sent=True, kind=FailureKind.CODE, http_status=200, code=code
    )
    verdict = classify(failure, BYBIT_CODES)
    is_fatal = verdict.error_class is ErrorClass.FATAL_ORDER
    assert is_fatal is (operation in MAY_REST)
    assert verdict.error_class is not ErrorClass.FATAL_SESSION
    if is_fatal:
        assert verdict.action is Action.REJECT


@pytest.mark.spec("02-12/5")
@pytest.mark.parametrize("code", sorted(SESSION))
@pytest.mark.parametrize("operation", list(Operation))
def test_codes_of_clock_key_and_ban_stop_the_session(code, operation):
    failure = Failure(operation=operation, is_sent=True, kind=FailureKind.CODE, code=code)
    assert classify(failure, BYBIT_CODES).action is Action.STOP_SESSION


def test_no_bybit_code_has_two_meanings():
    sets = [
        getattr(BYBIT_CODES, name)
        for name in VenueCodes.__dataclass_fields__
        if name != "session_http"
    ]
    everything = [code for codes in sets for code in codes]
    assert len(everything) == len(set(everything)) > 50


@pytest.mark.parametrize(
    ("failure", "label"),
    [
        (create(FailureKind.CODE, code=10006, http=200), "10006"),
        (create(FailureKind.HTTP, http=503), "http_503"),
        (create(FailureKind.TIMEOUT), "timeout"),
    ],
)
def test_labels_are_short(failure, label):
    assert failure.label == label
