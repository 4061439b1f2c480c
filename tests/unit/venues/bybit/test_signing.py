"""Signatures that the exchange's own check accepts, and credentials that show nowhere."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mmbot.errors import ConfigError, VenueError
from mmbot.venues.bybit.answers import Asked
from mmbot.venues.bybit.signing import (
    ApiCredentials,
    auth_args,
    load_credentials,
    signed_headers,
)
from mmbot.venues.failures import FailureKind, Operation
from mmbot.venues.simulated.accounts import Account
from mmbot.venues.simulated.auth import Keys
from mmbot.venues.simulated.codes import Refusal

NOW_MS = 1_700_000_000_000
CREDENTIALS = ApiCredentials("signing-key-77", "the-very-secret")
KEYS = Keys.of([Account(1, "signing-key-77", "the-very-secret", Decimal(1))])


@pytest.mark.parametrize("payload", ["", "category=linear&symbol=BTCUSDT", '{"a":"b c"}'])
def test_the_exchange_accepts_what_is_signed_and_nothing_else(payload):
    headers = {
        name.lower(): value
        for name, value in signed_headers(
            CREDENTIALS, payload, timestamp_ms=NOW_MS, recv_window_ms=5000
        ).items()
    }
    assert KEYS.rest(headers, payload, NOW_MS).uid == 1
    with pytest.raises(Refusal):
        KEYS.rest(headers, payload + "x", NOW_MS)


def test_the_exchange_accepts_the_greeting_of_a_socket():
    args = auth_args(CREDENTIALS, expires_ms=NOW_MS + 10_000)
    assert KEYS.socket(args, NOW_MS).uid == 1
    with pytest.raises(Refusal):
        KEYS.socket(args, NOW_MS + 10_000)


def test_a_known_signature():
    # echo -n 'GET/realtime1700000000000' | openssl dgst -sha256 -hmac 'the-very-secret'
    assert auth_args(CREDENTIALS, expires_ms=NOW_MS)[2] == (
        "129c4f22c8265a7d809c1df21d82d18061f3ea54f94c0b0cd2c5759ceb247f23"
    )


def test_the_venues_text_about_a_wrong_signature_does_not_show_the_key():
    text = "error sign! origin_string[1700000000000signing-key-775000]"
    error = Asked(Operation.QUERY).error(FailureKind.CODE, text, code=10004)
    assert "signing-key" not in str(error)
    assert "origin_string[1700000000000****5000]" in str(error)


def test_credentials_show_neither_in_repr_nor_in_errors():
    credentials = load_credentials(
        {"BYBIT_API_KEY": "a-key-of-ours-77", "BYBIT_API_SECRET": "a-secret-of-ours-88"}
    )
    assert "ours" not in repr(credentials)
    error = VenueError("E_VENUE_CALL", "op=query", f"said {credentials.key} {credentials.secret}")
    assert str(error) == "E_VENUE_CALL: op=query said **** ****"


@pytest.mark.parametrize("missing", ["BYBIT_API_KEY", "BYBIT_API_SECRET"])
@pytest.mark.spec("02-12")
def test_a_missing_credential_is_a_configuration_error(missing):
    env = {"BYBIT_API_KEY": "a-key-of-ours", "BYBIT_API_SECRET": "a-secret-of-ours"}
    with pytest.raises(ConfigError, match=f"E_CFG_SECRET: {missing}"):
        load_credentials({name: value for name, value in env.items() if name != missing})
