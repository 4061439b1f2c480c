"""Every `mmbot soak` command: what it writes, prints and exits with."""

import hashlib
import json

import pytest
from tests.integration.soak.runs import FROZEN, tree

from mmbot.cli.app import run_cli
from mmbot.soak.state import VERSION

RUN = ["soak", "run", "--mock", "--auto-tune", "--sleep-seconds", "0"]


@pytest.fixture(autouse=True)
def artifacts(tmp_path, monkeypatch):
    for name, value in FROZEN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "artifacts"


@pytest.fixture
def finished(artifacts, capsys):
    assert run_cli([*RUN, "--iterations", "12"]) == 0
    capsys.readouterr()
    return artifacts


def last_line(capsys):
    return capsys.readouterr().out.strip().splitlines()[-1]


def load(path):
    return json.loads(path.read_bytes())


@pytest.mark.spec("07-1")
def test_every_command_of_the_map_is_there(capsys):
    names = {
        *("run", "smoke", "config", "artifacts", "resources", "audit", "nightly", "daily-report"),
        *("weekly-rollup", "kpi-gate", "anomaly-radar", "autopilot", "long-run", "drift-guard"),
        *("regression-guard", "dashboard", "exporter", "verify-deltas", "export-warmup"),
    }
    for name in sorted(names):
        assert run_cli(["soak", name, "--help"]) == 0, name
    assert run_cli(["soak", "no-such-command"]) != 0
    capsys.readouterr()


@pytest.mark.spec("07-4/4")
def test_every_applied_change_is_listed_with_its_iteration_and_rule(finished):
    applied = load(finished / "soak" / "applied_profile.json")
    listed = {(row["iter"], row["field"]) for row in applied["runtime_adjustments"]}
    expected = set()
    for number in range(1, 13):
        tuning = load(finished / "soak" / "latest" / f"ITER_SUMMARY_{number}.json")["tuning"]
        expected |= {(number, field) for field in tuning["applied_deltas"]}
    assert listed == expected
    assert len(expected) > 3
    assert all(row["reason"] and row["from"] != row["to"] for row in applied["runtime_adjustments"])


@pytest.mark.spec("07-13", "07-5")
def test_six_iterations_give_the_same_bytes_twice(tmp_path, monkeypatch, capsys):
    hashes = []
    outputs = []
    for name in ("a", "b"):
        monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path / name))
        assert run_cli([*RUN, "--iterations", "6", "--profile", "steady_safe"]) == 0
        outputs.append(capsys.readouterr().out.replace(str(tmp_path / name), ""))
        files = tree(tmp_path / name)
        assert "soak/latest/ITER_SUMMARY_6.json" in files
        assert any(f.startswith("soak_reports/") and f.endswith(".html") for f in files)
        hashes.append({f: hashlib.sha256(data).hexdigest() for f, data in files.items()})
    assert hashes[0] == hashes[1]
    assert outputs[0] == outputs[1]
    assert outputs[0].isascii()


@pytest.mark.spec("07-5")
def test_a_run_ends_with_its_block_and_trend_table(capsys):
    assert run_cli([*RUN, "--iterations", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("SOAK TEST: "))
    assert lines[at : at + 5] == [
        "SOAK TEST: PASS",
        "Duration: 0.25h",
        "Latency P95: 142.5ms",
        "Hit Ratio: 78.00%",
        "Edge BPS: 2.60",
    ]
    assert lines[at + 6] == "| iter | net_bps | risk | adv_p95 | sl_p95 | minInt% | conc% |"
    assert lines[-1].startswith("| 3 | 1.58 | 80.5% |")


@pytest.mark.spec("07-20")
def test_marker_lines_of_the_first_iterations(capsys):
    run_cli([*RUN, "--iterations", "3"])
    lines = capsys.readouterr().out.splitlines()
    refused = "field=min_interval_ms reason=velocity"
    for line in (
        "| runtime_overrides | OK | SOURCE=default |",
        "| iter_watch | SUMMARY | iter=1 net=-1.50 risk=16.7% sl_p95=3.50 adv_p95=5.00 kpi=FAIL |",
        "| kpi_gate | status=FAIL | net=-1.50 risk=16.7% adv_p95=5.00 sl_p95=3.50 p95=320ms |",
        "| kpi_gate | FAIL_STREAK | count=1 |",
        "[DETECT] neg_streak=1 (net_bps=-1.50)",
        "| autotune | DRIVER:slippage_bps | field=base_spread_bps_delta from=0.14 to=0.16 |",
        "| autotune | DRIVER:adverse_bps | field=impact_cap_ratio from=0.09 to=0.07 |",
        f"| autotune | CHANGE_REFUSED | rule=TRIGGER:cancel_ratio {refused} |",
        "| iter_watch | VELOCITY | param=min_interval_ms delta=20 total_1h=0 max=30 rejected=1 |",
        "| iter_watch | APPLY | iter=1 params=6 |",
        "  min_interval_ms: 70 -> 90 (delta=+20)",
        "[FALLBACK] Triggering conservative fallback (neg_streak=2)",
        "| autotune | FALLBACK_CONSERVATIVE | triggered=1 |",
        "| panic | REVERT | to=steady_safe reason=3_consecutive_failures |",
        "| mock | SPIKE_REGIME | iter=3 risk=80.5% |",
    ):
        assert line in lines


@pytest.mark.spec("07-5.1")
def test_records_have_the_documented_keys(finished):
    latest = finished / "soak" / "latest"
    summary = load(latest / "ITER_SUMMARY_1.json")
    assert {"iteration", "run_id", "partial", "window", "phase", "overrides"} <= set(summary)
    assert {
        *("runtime_utc", "net_bps", "hit_ratio", "kpi_verdict", "kpi_reasons", "sample"),
        *("neg_edge_drivers", "block_reasons", "sentinel_advice", "min_interval_ratio"),
        *("concurrency_ratio", "risk_ratio", "tick_latency_p95_ms", "maker_taker_ratio"),
    } <= set(summary["summary"])
    assert {
        *("mode", "zone", "fail_count", "changes", "deltas", "applied_deltas", "applied"),
        *("skipped_reason", "removed", "rationale", "signature", "state_hash_before"),
        *("state_hash", "guards"),
    } <= set(summary["tuning"])
    report = load(latest / "TUNING_REPORT.json")
    assert [entry["iteration"] for entry in report] == list(range(1, 13))
    assert {"proposed_deltas", "changed_keys", "signature"} <= set(report[0])
    state = load(latest / "TUNING_STATE.json")
    assert (state["version"], state["last_iter"], state["pending"]) == (VERSION, 12, None)
    overrides = finished / "soak" / "runtime_overrides.json"
    assert state["state_hash"] == hashlib.sha256(overrides.read_bytes()).hexdigest()
    run = load(latest / "RUN.json")
    assert set(run["sources"].values()) == {"default"}
    assert run["run_id"].startswith("20260301T000000Z-")


@pytest.mark.spec("07-13")
def test_the_smoke_checks_what_a_run_leaves(capsys):
    assert run_cli(["soak", "smoke", "--fast"]) == 0
    assert last_line(capsys) == "SMOKE=OK"


@pytest.mark.spec("07-5")
@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["--hours", "0"], "E_SOAK_ARGS"),
        (["--iterations", "0"], "E_SOAK_ARGS"),
        (["--mode", "x"], "E_CFG_RANGE"),
        (["--kpi-mode", "x"], "E_CFG_RANGE"),
        (["--set", "tail_age_ms"], "E_CFG_TYPE"),
        (["--mock-scenario", "none.json"], "E_SOAK_ARGS"),
        (["--synthetic", "--data", "x"], "E_SOAK_ARGS"),
    ],
)
def test_bad_options_are_one_line_and_exit_1(args, code, capsys):
    assert run_cli(["soak", "run", "--mock", *args]) == 1
    err = capsys.readouterr().err
    assert err.startswith(code)
    assert err.count("\n") == 1


@pytest.mark.spec("07-5")
def test_hours_give_the_number_of_iterations(artifacts):
    assert run_cli([*RUN, "--hours", "0.26"]) == 0
    assert load(artifacts / "soak" / "latest" / "RUN.json")["iterations"] == 4


@pytest.mark.spec("07-4", "07-10")
def test_resume_goes_on_with_the_options_of_the_run(artifacts, capsys):
    assert run_cli([*RUN, "--iterations", "3", "--set", "tail_age_ms=5000"]) == 0
    capsys.readouterr()
    assert run_cli([*RUN, "--iterations", "5", "--resume", "--set", "min_interval_ms=100"]) == 0
    out = capsys.readouterr().out
    assert "iter=4" in out
    assert "SUMMARY | iter=3" not in out
    summary = load(artifacts / "soak" / "latest" / "ITER_SUMMARY_4.json")
    assert summary["overrides"]["min_interval_ms"] == 100
    assert run_cli([*RUN, "--resume"]) == 0
    assert "iter_watch | SUMMARY" not in capsys.readouterr().out


@pytest.mark.spec("07-5")
def test_report_copies(tmp_path):
    args = ["--iterations", "2", "--export-json", "r.json", "--export-md", "r.md"]
    assert run_cli([*RUN, *args]) == 0
    assert load(tmp_path / "r.json")["iterations_completed"] == 2
    assert (tmp_path / "r.md").read_text().startswith("# Soak run 20260301T000000Z-")
