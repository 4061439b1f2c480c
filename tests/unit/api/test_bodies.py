import pickle

import pytest

from mmbot.api import AdminError
from mmbot.api.bodies import Request, count_query, parse_body
from mmbot.config.admin import Refusal


class Body(Request):
    second: int = 0
    first: str = ""


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([], "invalid_payload"),
        ("x", "invalid_payload"),
        (None, "invalid_payload"),
        ({"third": 1}, "invalid_payload"),
        ({"first": 1}, "invalid_first"),
        ({"second": "1"}, "invalid_second"),
        ({"second": True}, "invalid_second"),
        ({"second": 1.0}, "invalid_second"),
        # The order of the model decides, not that of the body.
        ({"first": 1, "second": "1"}, "invalid_second"),
        ({"first": 1, "third": 1}, "invalid_first"),
    ],
)
def test_a_wrong_body_names_its_first_wrong_field(body, reason):
    with pytest.raises(AdminError) as caught:
        parse_body(Body, body)
    assert (caught.value.status, caught.value.body()) == (400, {"error": reason})


def test_an_endpoint_with_one_reason_gives_it_for_every_field():
    with pytest.raises(AdminError, match="invalid_windows"):
        parse_body(Body, {"third": 1}, whole="invalid_windows")
    assert parse_body(Body, {"first": "a"}) == Body(first="a")


@pytest.mark.parametrize(
    ("text", "value"),
    [(None, 7), ("1", 1), ("12", 12), ("0012", 12)],
)
def test_counts_of_a_query(text, value):
    query = {} if text is None else {"n": text}
    assert count_query(query, "n", default=7, low=1, high=12) == value


@pytest.mark.parametrize(
    "text", ["", "0", "13", "-1", "+1", "1.0", " 1", "1e3", "9" * 40, "\u0661"]
)
def test_what_is_no_count_is_refused(text):
    with pytest.raises(AdminError, match="invalid_n") as caught:
        count_query({"n": text}, "n", default=7, low=1, high=12)
    assert caught.value.status == 400


def test_refusals_are_one_line_survive_pickling_and_take_those_of_the_configuration():
    error = AdminError("not_allowed_in_live", 409, detail=3)
    again = pickle.loads(pickle.dumps(error))
    assert again.body() == error.body() == {"error": "not_allowed_in_live", "detail": 3}
    assert again.status == 409
    assert str(error) == "E_ADMIN_REQUEST:not_allowed_in_live: status=409 is refused"
    refusal = Refusal(status=400, error="invalid_patch", detail="why")
    assert AdminError.of(refusal).body() == refusal.body()
