import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.redact import MASK, is_secret_key, redact, redact_mapping


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("api_key=abc123", "api_key=****"),
        ('{"api_secret":"a\\"b","x":1}', '{"api_secret":"****","x":1}'),
        ("X-Admin-Token: t0k", "X-Admin-Token: ****"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ****"),
        ("pg_password='a b c' host=x", "pg_password='****' host=x"),
        ("postgres://bob:pw@db:5432/x", "postgres://****:****@db:5432/x"),
        ("key AKIAABCDEFGHIJKLMNOP end", "key **** end"),
        ("ghp_0123456789abcdef", "****"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "****"),
        ("-----BEGIN PRIVATE KEY-----\ncut off", "****"),
    ],
)
def test_secret_is_masked(text, expected):
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "cid=mm0a1b12345678-42 px=100.5",
        "file=/var/data/bybit/BTCUSDT/2024-08-09.parquet",
        "https://api.bybit.com/v5/order",
        "tokens=3",
    ],
)
def test_what_only_looks_random_stays(text):
    assert redact(text) == text


@given(st.text(alphabet="abAK_=:'\"\\ {}@/.\n-tokensecretpassword", max_size=80))
def test_redacting_twice_changes_nothing(text):
    once = redact(text)
    assert redact(once) == once


def test_mapping_is_masked_by_key_and_inside_values():
    fields = {
        "bybit_api_key": "k",
        "url": "x://a:b@c",
        "nested": {"password": 1, "n": [1, "token=z"]},
    }
    assert redact_mapping(fields) == {
        "bybit_api_key": MASK,
        "url": "x://****:****@c",
        "nested": {"password": MASK, "n": [1, "token=****"]},
    }


def test_a_key_is_secret_by_its_last_part():
    assert is_secret_key("ADMIN_TOKEN")
    assert not is_secret_key("token_count")


def test_the_code_of_an_error_is_no_name_of_a_secret():
    line = "E_CFG_SECRET: storage.url must not hold a password"
    assert redact(line) == line
    assert redact("e_cfg_secret: hunter2") == "e_cfg_secret: ****"
    assert redact("E_CFG_SECRET: api_secret=hunter2") == "E_CFG_SECRET: api_secret=****"
