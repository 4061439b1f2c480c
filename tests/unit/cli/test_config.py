"""`mmbot config`, as a user types it."""

import json
from pathlib import Path

import pytest

from mmbot.cli.app import run_cli


@pytest.fixture
def mmbot(tmp_path, monkeypatch, capsys):
    """Run a command in a directory with a small configuration; give (exit code, out, err)."""
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    Path("config/app.yaml").write_text(
        "trading:\n  symbols: [BTCUSDT]\nstrategy:\n  order_ttl_ms: 900\n"
    )

    def run(*args):
        code = run_cli(["config", *args])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_describe(mmbot):
    code, out, err = mmbot("describe", "--set", "tail_age_ms=650")
    assert (code, err) == (0, "")
    assert "strategy.order_ttl_ms=900\n" in out
    assert "latency_boost.tail_batch.tail_age_ms=650\n" in out


@pytest.mark.spec("01-2.7")
def test_describe_with_sources(mmbot):
    _, out, _ = mmbot("describe", "--sources", "--profile", "aggressive")
    lines = dict(line.split("  # ") for line in out.splitlines())
    assert lines["strategy.order_ttl_ms=900"] == "file config/app.yaml:4 [live]"
    assert lines["strategy.skew_coeff=0.300000"] == "default [live]"
    assert lines["trading.base_spread_bps=0.600000"] == "profile:aggressive built-in [live]"
    assert lines["fees.bybit.tiers.0.level=0"] == "default [live]"
    assert lines["recorder.queue_max=100000"] == "default [restart]"
    assert all(line.endswith((" [live]", " [restart]")) for line in lines.values())


@pytest.mark.spec("01-3.3")
def test_describe_as_json_carries_the_hash(mmbot):
    _, out, _ = mmbot("describe", "--json")
    body = json.loads(out)
    assert body["values"]["strategy.order_ttl_ms"] == "900"
    assert mmbot("hash") == (0, body["cfg_hash"] + "\n", "")


@pytest.mark.spec("09-1/6")
def test_explain(mmbot):
    code, out, _ = mmbot("explain", "strategy.order_ttl_ms", "--set", "strategy.order_ttl_ms=1000")
    assert code == 0
    assert out.startswith("strategy.order_ttl_ms = 1000\n")
    for part in ("an integer in [50,3600000]", "origin    cli", "config/app.yaml:4", "800"):
        assert part in out
    body = json.loads(mmbot("explain", "strategy.order_ttl_ms", "--json")[1])
    assert (body["origin"], body["hot"]) == ("file", True)
    assert "hot       no, needs a restart" in mmbot("explain", "recorder.queue_max")[1]


@pytest.mark.spec("01-1")
def test_validate_reports_all_problems(mmbot):
    code, out, err = mmbot("validate")
    assert code == 0
    assert out.startswith("OK config/app.yaml cfg_hash=")
    Path("config/app.yaml").write_text(
        "trading: {symbols: [BTCUSDT]}\nrisk: {x: 1}\nstrategy: {skew_coeff: 7}\n"
    )
    code, out, err = mmbot("validate")
    assert (code, out) == (1, "")
    assert [line.split(":")[0] for line in err.splitlines()] == ["E_CFG_UNKNOWN_KEY", "E_CFG_RANGE"]
    assert "(config/app.yaml:3)" in err


@pytest.mark.spec("09-1/6")
def test_diff(mmbot):
    Path("other.yaml").write_text("trading: {symbols: [BTCUSDT]}\n")
    code, out, _ = mmbot("diff", "config/app.yaml", "other.yaml")
    assert (code, out) == (0, "strategy.order_ttl_ms: 900 -> 800\n")
    assert mmbot("diff", "other.yaml", "defaults") == (0, "", "")
    body = json.loads(mmbot("diff", "other.yaml", "profile:ultra_safe", "--json")[1])
    assert body["signals.impact_cap_ratio"] == {"left": "0.100000", "right": "0.080000"}
    assert mmbot("diff", "nothing", "defaults")[2].startswith("E_CFG_MISSING: nothing is neither")


@pytest.mark.spec("01-3.1")
def test_lint(mmbot):
    assert mmbot("lint") == (0, "OK units\n", "")
    assert mmbot("lint", "--config", "config/app.yaml", "--set", "tail_age_ms=1")[0] == 0
    assert mmbot("lint", "--set", "strategy.x=1")[2].startswith("E_CFG_UNKNOWN_KEY: strategy.x")


@pytest.mark.spec("01-3.2")
def test_a_legacy_key_is_warned_about(mmbot):
    _, _, err = mmbot("hash", "--set", "autopolicy.max_level=2")
    assert err == "W_CFG_LEGACY: autopolicy.max_level -> autopolicy.level_max\n"
