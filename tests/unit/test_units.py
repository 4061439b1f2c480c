import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.errors import ConfigError
from mmbot.units import (
    INT64_MAX,
    bps_to_ratio,
    format_duration,
    format_stamp,
    format_utc,
    format_utc_ns,
    ms_to_ns,
    ns_to_ms,
    parse_duration_ns,
    parse_utc_ns,
    ratio_to_bps,
    sec_to_ns,
)


@pytest.mark.parametrize(
    ("text", "expected_ns"),
    [
        ("30s", 30_000_000_000),
        ("5m", 300_000_000_000),
        ("1h", 3_600_000_000_000),
        ("1h30m", 5_400_000_000_000),
        ("2d", 172_800_000_000_000),
        ("250ms", 250_000_000),
        ("7us", 7_000),
        ("1ns", 1),
        ("1.5h", 5_400_000_000_000),
        # A float would give 299.99999999999997 ms here.
        ("0.3s", 300_000_000),
        ("0s", 0),
    ],
)
def test_duration_is_parsed_exactly(text, expected_ns):
    assert parse_duration_ns(text) == expected_ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "30",
        "s",
        "-5s",
        "5 s",
        "5S",
        "1h-30m",
        "1e3s",
        "nans",
        "0.5ns",
        "30s ",
        "\u0665s",
        "1..5s",
    ],
)
def test_malformed_duration_names_its_key(text):
    with pytest.raises(ConfigError) as caught:
        parse_duration_ns(text, key="--duration")
    assert caught.value.code == "E_CFG_TYPE"
    assert caught.value.key == "--duration"


def test_duration_beyond_64_bits_is_out_of_range():
    with pytest.raises(ConfigError) as caught:
        parse_duration_ns("200000d")
    assert caught.value.code == "E_CFG_RANGE"


@given(st.integers(0, INT64_MAX))
def test_printed_duration_reads_back(duration_ns):
    assert parse_duration_ns(format_duration(duration_ns)) == duration_ns


def test_negative_duration_is_printed_with_its_sign():
    assert format_duration(-90_000_000_000) == "-1m30s"


@pytest.mark.parametrize(
    ("text", "expected_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2024-08-09", 1_723_161_600_000_000_000),
        ("2024-08-09T00:00Z", 1_723_161_600_000_000_000),
        ("2024-08-09T00:00:00.000000001Z", 1_723_161_600_000_000_001),
        ("2024-08-09T00:00:00.5Z", 1_723_161_600_500_000_000),
        ("2024-02-29T23:59:59Z", 1_709_251_199_000_000_000),
        ("2262-04-11T23:47:16.854775807Z", INT64_MAX),
    ],
)
def test_utc_is_parsed_exactly(text, expected_ns):
    assert parse_utc_ns(text) == expected_ns


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2023-02-29", "E_CFG_TYPE"),
        ("2024-08-09T00:00:00", "E_CFG_TYPE"),
        ("2024-08-09T00:00:00+00:00", "E_CFG_TYPE"),
        ("2024-08-09 00:00:00Z", "E_CFG_TYPE"),
        ("2024-08-09T24:00:00Z", "E_CFG_TYPE"),
        ("2024-08-09T00:00:60Z", "E_CFG_TYPE"),
        ("2024-08-09T00:00:00.1234567890Z", "E_CFG_TYPE"),
        ("0000-01-01", "E_CFG_TYPE"),
        ("1969-12-31T23:59:59Z", "E_CFG_RANGE"),
        ("2262-04-11T23:47:16.854775808Z", "E_CFG_RANGE"),
        ("", "E_CFG_TYPE"),
    ],
)
def test_malformed_utc_is_refused(text, code):
    with pytest.raises(ConfigError) as caught:
        parse_utc_ns(text)
    assert caught.value.code == code


@given(st.integers(0, INT64_MAX))
def test_printed_instant_reads_back(ts_ns):
    assert parse_utc_ns(format_utc_ns(ts_ns)) == ts_ns
    assert parse_utc_ns(format_utc(ts_ns)) == ts_ns - ts_ns % 1_000_000_000


def test_stamp_has_no_character_that_a_file_system_refuses():
    assert format_stamp(1_723_161_600_999_999_999) == "20240809T000000Z"


def test_conversions():
    assert bps_to_ratio(25.0) == 0.0025
    assert ratio_to_bps(0.0025) == 25.0
    assert ms_to_ns(3) == 3_000_000
    assert sec_to_ns(3) == 3_000_000_000
    assert ns_to_ms(1_500_000) == 1.5
