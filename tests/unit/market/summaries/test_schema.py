import json

import pytest
from tests.unit.market.summaries.made_summaries import VALID, valid, without

from mmbot.errors import MarketDataError
from mmbot.market.summaries import (
    HourlySummary,
    read_summary,
    upgrade_summary,
    validate_summary_payload,
)

# (name, payload, path at which an error must be found)
BAD = [
    ("not an object", [], "$"),
    ("no version", without("schema_version"), "schema_version"),
    ("version 2", valid(schema_version="e2.0"), "schema_version"),
    ("version text", valid(schema_version="e1.x"), "schema_version"),
    ("no symbol", without("symbol"), "symbol"),
    ("lower case", valid(symbol="btcusdt"), "symbol"),
    ("empty symbol", valid(symbol=""), "symbol"),
    ("no hour", without("hour_utc"), "hour_utc"),
    ("hour with minutes", valid(hour_utc="2024-08-09T12:30:00Z"), "hour_utc"),
    ("hour without Z", valid(hour_utc="2024-08-09T12:00:00"), "hour_utc"),
    ("no such day", valid(hour_utc="2024-02-30T12:00:00Z"), "hour_utc"),
    ("no counts", without("counts"), "counts"),
    ("counts a list", valid(counts=[]), "counts"),
    ("negative count", valid(counts__orders=-1), "counts.orders"),
    ("bool is no int", valid(counts__quotes=True), "counts.quotes"),
    ("float is no int", valid(counts__fills=3.0), "counts.fills"),
    ("more maker fills", valid(counts__maker_fills=4), "counts.maker_fills"),
    ("maker fills null", valid(counts__maker_fills=None), "counts.maker_fills"),
    ("bin above last", valid(hit_rate_by_bin__51={"count": 1, "fills": 0}), "hit_rate_by_bin.51"),
    ("bin no int", valid(hit_rate_by_bin__x={"count": 1, "fills": 0}), "hit_rate_by_bin.x"),
    ("bin negative", valid(hit_rate_by_bin={"-1": {"count": 1, "fills": 0}}), "hit_rate_by_bin.-1"),
    ("bin 01", valid(hit_rate_by_bin={"01": {"count": 1, "fills": 0}}), "hit_rate_by_bin.01"),
    ("bin fills", valid(hit_rate_by_bin__0__fills=6), "hit_rate_by_bin.0.fills"),
    ("bin no count", valid(hit_rate_by_bin={"1": {"fills": 0}}), "hit_rate_by_bin.1.count"),
    ("p not rising", valid(queue_wait_cdf_ms=[{"p": 0.5, "v": 1.0}] * 2), "queue_wait_cdf_ms.1.p"),
    (
        "v falling",
        valid(queue_wait_cdf_ms=[{"p": 0.5, "v": 2.0}, {"p": 0.9, "v": 1.0}]),
        "queue_wait_cdf_ms.1.v",
    ),
    ("p above 1", valid(queue_wait_cdf_ms=[{"p": 1.1, "v": 1.0}]), "queue_wait_cdf_ms.0.p"),
    ("v NaN", valid(queue_wait_cdf_ms=[{"p": 0.1, "v": float("nan")}]), "queue_wait_cdf_ms.0.v"),
    ("v negative", valid(queue_wait_cdf_ms=[{"p": 0.1, "v": -1}]), "queue_wait_cdf_ms.0.v"),
    ("p bool", valid(queue_wait_cdf_ms=[{"p": True, "v": 1}]), "queue_wait_cdf_ms.0.p"),
    ("waits without fills", valid(counts__fills=0, counts__maker_fills=0), "queue_wait_cdf_ms"),
    ("no git sha", valid(metadata={"cfg_hash": "x"}), "metadata.git_sha"),
    ("empty hash", valid(metadata__cfg_hash=""), "metadata.cfg_hash"),
    ("segment a number", valid(metadata__segments=[1]), "metadata.segments.0"),
    ("generated no time", valid(generated_at_utc="now"), "generated_at_utc"),
    ("generated local", valid(generated_at_utc="2024-08-09T13:00:00+02:00"), "generated_at_utc"),
    ("no window", without("window_utc"), "window_utc"),
    ("window reversed", valid(window_utc__hour_end="2024-08-09T11:00:00Z"), "window_utc"),
    ("window two hours", valid(window_utc__hour_end="2024-08-09T14:00:00Z"), "window_utc"),
    (
        "other hour",
        valid(
            window_utc={"hour_start": "2024-08-09T11:00:00Z", "hour_end": "2024-08-09T12:00:00Z"}
        ),
        "window_utc.hour_start",
    ),
    ("bins max 0", valid(bins_max_bps=0), "bins_max_bps"),
    ("bins max text", valid(bins_max_bps="50"), "bins_max_bps"),
    ("percentile above 1", valid(percentiles_used=[0.5, 50]), "percentiles_used.1"),
    ("percentiles missing", without("percentiles_used"), "percentiles_used"),
]


def test_the_table_is_long_enough():
    assert len(BAD) >= 30


@pytest.mark.spec("01-10.1")
def test_valid_payload():
    assert validate_summary_payload(VALID) == (True, [])
    assert HourlySummary.model_validate(VALID).counts.maker_fills == 2
    assert validate_summary_payload(valid(some_later_field=1, schema_version="e1.7"))[0]


@pytest.mark.spec("01-10.2")
@pytest.mark.parametrize(("payload", "path"), [row[1:] for row in BAD], ids=[r[0] for r in BAD])
def test_malformed_payload_is_named(payload, path):
    ok, errors = validate_summary_payload(payload)
    assert not ok
    assert path in [error.split(": ")[0] for error in errors]


@pytest.mark.spec("01-10.2")
def test_all_errors_are_reported_at_once():
    payload = valid(symbol="x", counts__orders=-1, hit_rate_by_bin__0__fills=9, bins_max_bps=0)
    _, errors = validate_summary_payload(payload)
    paths = {error.split(": ")[0] for error in errors}
    assert {"symbol", "counts.orders", "hit_rate_by_bin.0.fills", "bins_max_bps"} <= paths


OLD = without("generated_at_utc", "window_utc", "bins_max_bps", "percentiles_used")


@pytest.mark.spec("01-10.2", "01-D14")
@pytest.mark.parametrize("version", ["e1.0", None])
def test_upgrade_fills_what_is_missing_from_the_hour(version):
    old = {**OLD, "schema_version": version}
    if version is None:
        del old["schema_version"]
    before = json.dumps(old)
    new = upgrade_summary(old)
    assert json.dumps(old) == before
    assert new["schema_version"] == "e1.1"
    assert new["bins_max_bps"] == 50
    assert new["percentiles_used"] == [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]
    assert new["window_utc"] == VALID["window_utc"]
    assert new["generated_at_utc"] == "2024-08-09T13:00:00Z"
    assert validate_summary_payload(new) == (True, [])


def test_upgrade_keeps_fields_that_an_old_file_carries():
    new = upgrade_summary({**VALID, "schema_version": "e1.0", "bins_max_bps": 60})
    assert new == {**VALID, "bins_max_bps": 60}


@pytest.mark.spec("01-10.2")
@pytest.mark.parametrize("version", ["e1.1", "e1.9"])
def test_later_versions_stay_and_are_copies(version):
    payload = valid(schema_version=version)
    new = upgrade_summary(payload)
    assert new == payload
    new["counts"]["fills"] = 0
    assert payload["counts"]["fills"] == 3


@pytest.mark.spec("01-10.2")
@pytest.mark.parametrize("version", ["e2.0", "1.0", "e1.", "", 1, None, "e1.0 "])
def test_unknown_version(version):
    with pytest.raises(MarketDataError) as caught:
        upgrade_summary({**OLD, "schema_version": version})
    assert caught.value.code == "E_SUM_VERSION"


@pytest.mark.spec("01-10.2")
@pytest.mark.parametrize("hour", [None, "yesterday", "2024-13-01T00:00:00Z"])
def test_hour_is_never_taken_from_a_clock(hour):
    with pytest.raises(MarketDataError) as caught:
        upgrade_summary({"schema_version": "e1.0", "hour_utc": hour})
    assert caught.value.code == "E_SUM_WINDOW"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b"\xef\xbb\xbf{}",
        b"\x00\x01",
        b'{"a":NaN}',
        b'{"a":1,"a":2}',
        b"[" * 100_000,
        json.dumps(valid(counts__fills=-1)).encode(),
    ],
)
def test_bytes_that_are_no_summary(data):
    with pytest.raises(MarketDataError) as caught:
        read_summary(data)
    assert caught.value.code in {"E_SUM_INVALID", "E_SUM_WINDOW"}
