"""The sentinel of recorded fills: components that lines bring, components that are computed."""

import json

import pytest

from mmbot.cli.app import run_cli
from mmbot.errors import InputError
from mmbot.research.edge_audit import AuditInput
from mmbot.research.edge_lines import QuoteLine, read_trades
from mmbot.research.sentinel_audit import read_sentinel, sentinel_markdown, sentinel_of

MINUTE_MS = 60_000
START_MS = 1_767_225_600_000  # 2026-01-01T00:00Z
READY = {
    "gross_bps": 2.0,
    "fee_bps": -0.5,
    "slippage_bps": 1.5,
    "adverse_bps": 0.25,
    "inventory_bps": 0.0,
}
PLAIN = {"symbol": "BTCUSDT", "side": "buy", "price": 100.0, "qty": 1.0}


def written(tmp_path, *rows):
    path = tmp_path / "trades.jsonl"
    lines = [json.dumps({"ts_ms": START_MS, **row}) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def sentinel(tmp_path, *rows, quotes=(), bucket_min=15):
    trades, rejected = read_trades(written(tmp_path, *rows))
    assert rejected == 0
    return sentinel_of(AuditInput(trades=trades, quotes=quotes), bucket_min=bucket_min)


@pytest.mark.spec("06-7")
def test_components_that_a_line_brings_along_count_as_they_are(tmp_path):
    found = sentinel(tmp_path, {**PLAIN, **READY}, {**PLAIN, **READY, "qty": 3.0, "gross_bps": 6.0})
    btc = found["summary"]["symbols"]["BTCUSDT"]
    assert btc == {
        "gross_bps": pytest.approx(5.0),
        "fees_eff_bps": pytest.approx(-0.5),
        "slippage_bps": pytest.approx(1.5),
        "adverse_bps": pytest.approx(0.25),
        "inventory_bps": 0.0,
        "net_bps": pytest.approx(3.75),
        "fills": 2,
        "turnover_usd": 400.0,
    }
    codes = [one["code"] for one in found["advice"]]
    assert codes == ["RAISE_MIN_INTERVAL"], "how often quotes were replaced is not known"


@pytest.mark.spec("06-7")
@pytest.mark.parametrize("missing", sorted(READY))
def test_without_one_of_them_all_are_computed(tmp_path, missing):
    row = {**PLAIN, **READY, "mid_before": 101.0, "mid_after_1s": 100.5}
    del row[missing]
    btc = sentinel(tmp_path, row)["summary"]["symbols"]["BTCUSDT"]
    assert btc["gross_bps"] == pytest.approx(100.0)
    assert btc["adverse_bps"] == pytest.approx(50.0)
    assert btc["fees_eff_bps"] == pytest.approx(0.0 if missing == "fee_bps" else -0.5)


@pytest.mark.spec("06-7")
def test_buckets_are_labelled_by_where_the_time_of_the_fill_lies(tmp_path):
    times = (0, 14.99, 15, 31, 24 * 60)
    rows = [{**PLAIN, **READY, "ts_ms": START_MS + minutes * MINUTE_MS} for minutes in times]
    found = sentinel(tmp_path, *rows, {**PLAIN, **READY, "symbol": "AUSDT"})
    labels = [(row["symbol"], row["bucket"], row["fills"]) for row in found["summary"]["buckets"]]
    assert labels == [
        ("AUSDT", "2026-01-01T00:00Z", 1),
        ("BTCUSDT", "2026-01-01T00:00Z", 2),
        ("BTCUSDT", "2026-01-01T00:15Z", 1),
        ("BTCUSDT", "2026-01-01T00:30Z", 1),
        ("BTCUSDT", "2026-01-02T00:00Z", 1),
    ]
    assert found["bucket_min"] == 15
    hourly = sentinel(tmp_path, *rows, bucket_min=60)
    assert [row["fills"] for row in hourly["summary"]["buckets"]] == [4, 1]


@pytest.mark.spec("06-7")
def test_both_kinds_of_lines_add_up_in_money(tmp_path):
    quotes = [QuoteLine("BTCUSDT", START_MS - 1, 101.0), QuoteLine("BTCUSDT", START_MS + 1, 100.0)]
    both = sentinel(tmp_path, PLAIN, {**PLAIN, **READY, "qty": 3.0}, quotes=quotes)
    btc = both["summary"]["symbols"]["BTCUSDT"]
    # 1 USD earned on 100 computed, 2 bps of 300 brought along
    assert btc["gross_bps"] == pytest.approx(1e4 * (1.0 + 300 * 2e-4) / 400)
    assert (btc["fills"], btc["turnover_usd"]) == (2, 400.0)


@pytest.mark.spec("06-7")
def test_the_page_shows_symbols_buckets_and_advice(tmp_path):
    page = sentinel_markdown(sentinel(tmp_path, {**PLAIN, **READY}))
    assert page.isascii()
    assert "| BTCUSDT | 2.000000 | -0.500000 |" in page
    assert "2026-01-01T00:00Z" in page
    assert "- RAISE_MIN_INTERVAL (TOTAL): `min_interval_ms` up;" in page


@pytest.mark.spec("06-7")
def test_the_commands_write_document_and_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quotes.jsonl").write_text("")
    trades = str(written(tmp_path, {**PLAIN, **READY}))
    given = ("--trades", trades, "--quotes", "quotes.jsonl")
    assert run_cli(["edge", "sentinel", "analyze", *given]) == 0
    assert "RAISE_MIN_INTERVAL  TOTAL  min_interval_ms up" in capsys.readouterr().out
    document = read_sentinel(tmp_path / "artifacts" / "EDGE_SENTINEL.json")
    assert document["runtime"].keys() >= {"utc", "version"}
    assert run_cli(["edge", "sentinel", "report"]) == 0
    page = (tmp_path / "artifacts" / "EDGE_SENTINEL.md").read_text()
    assert page == sentinel_markdown(document)


@pytest.mark.spec("06-7")
def test_a_missing_input_is_an_error_of_its_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_cli(["edge", "sentinel", "report"]) == 1
    assert capsys.readouterr().err.startswith("E_EDGE_IO: ")
    args = ("--trades", "none.jsonl", "--quotes", "none.jsonl")
    assert run_cli(["edge", "sentinel", "analyze", *args]) == 1
    assert capsys.readouterr().err.startswith("E_EDGE_IO: ")
    assert not (tmp_path / "artifacts").exists()


@pytest.mark.parametrize("text", ["[]", "{}", "not json", '{"summary":{},"top":{},"advice":[]}'])
def test_what_is_no_such_document_is_refused(tmp_path, text):
    path = tmp_path / "EDGE_SENTINEL.json"
    path.write_text(text)
    with pytest.raises(InputError, match="E_EDGE_IO"):
        sentinel_markdown(read_sentinel(path))
