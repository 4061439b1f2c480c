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


@pytest.mark.spec("07-12")
def test_verify_deltas(finished, capsys):
    latest = finished / "soak" / "latest"
    assert run_cli(["soak", "verify-deltas", "--strict"]) == 0
    assert last_line(capsys) == "DELTA_VERIFY=PASS"
    document = load(latest / "DELTA_VERIFY_REPORT.json")
    assert document["full_apply_ratio"] == 1.0
    spoiled = load(latest / "ITER_SUMMARY_2.json")
    spoiled["base"]["tail_age_ms"] += 1
    (latest / "ITER_SUMMARY_2.json").write_text(json.dumps(spoiled))
    assert run_cli(["soak", "verify-deltas", "--strict"]) == 2
    assert run_cli(["soak", "verify-deltas", "--threshold", "1"]) == 0
    assert run_cli(["soak", "verify-deltas", "--json"]) == 0
    assert json.loads(last_line(capsys))["fail_count"] >= 1
    (latest / "TUNING_REPORT.json").unlink()
    assert run_cli(["soak", "verify-deltas"]) == 1


@pytest.mark.spec("07-6")
def test_kpi_gate_of_an_iteration_and_of_the_last_eight(finished, capsys):
    latest = finished / "soak" / "latest"
    assert run_cli(["soak", "kpi-gate", "--iter", str(latest / "ITER_SUMMARY_1.json")]) == 1
    assert last_line(capsys) == "KPI_GATE FAIL"
    assert run_cli(["soak", "kpi-gate", "--iter", str(latest / "ITER_SUMMARY_5.json")]) == 0
    gate = load(latest / "artifacts" / "KPI_GATE.json")
    assert (gate["mode"], gate["verdict"]) == ("iteration", "PASS")
    assert run_cli(["soak", "kpi-gate", "--last8", str(latest)]) == 1
    assert "READINESS: HOLD" in capsys.readouterr().out
    # Only the weekly evaluation writes the file that release tools read.
    assert not (finished / "KPI_GATE.json").exists()
    assert run_cli(["soak", "kpi-gate"]) == 1


def daily(artifacts, day, **more):
    report = {
        "edge_net_bps": 3.0,
        "order_age_p95_ms": 300.0,
        "taker_share_pct": 10.0,
        **more,
    }
    artifacts.mkdir(exist_ok=True)
    (artifacts / f"REPORT_SOAK_202603{day:02d}.json").write_text(json.dumps(report))


@pytest.mark.spec("07-17.5", "07-6")
def test_a_week_from_daily_reports_to_its_gate(artifacts, capsys):
    assert run_cli(["soak", "weekly-rollup"]) == 1
    assert capsys.readouterr().err.startswith("E_SOAK_ROLLUP_NO_DATA")
    for day in range(1, 8):
        daily(artifacts, day)
    (artifacts / "REPORT_SOAK_20269999.json").write_text("{}")
    assert run_cli(["soak", "weekly-rollup"]) == 0
    assert last_line(capsys) == "WEEKLY_ROLLUP GO"
    assert run_cli(["soak", "kpi-gate"]) == 0
    assert load(artifacts / "KPI_GATE.json")["mode"] == "weekly"
    for day in range(8, 15):
        daily(artifacts, day, edge_net_bps=2.6)
    assert run_cli(["soak", "weekly-rollup"]) == 0
    assert load(artifacts / "WEEKLY_ROLLUP_prev.json")["edge_net_bps"]["median"] == 3.0
    assert run_cli(["soak", "kpi-gate"]) == 0
    assert last_line(capsys) == "KPI_GATE WARN"
    # Rolling the same week up again compares with the same earlier week.
    assert run_cli(["soak", "weekly-rollup"]) == 0
    assert last_line(capsys) == "WEEKLY_ROLLUP WARN"


@pytest.mark.spec("07-17.1")
def test_the_daily_report_takes_all_runs_of_the_day(finished, capsys):
    assert run_cli([*RUN, "--iterations", "2", "--seed", "9"]) == 0
    assert run_cli(["soak", "daily-report", "--date", "2026-03-01"]) == 0
    assert last_line(capsys) == "DAILY_REPORT FAIL"
    report = load(finished / "REPORT_SOAK_20260301.json")
    assert report["iterations"] == 14
    assert run_cli(["soak", "daily-report", "--date", "2026-03-09"]) == 0
    assert load(finished / "REPORT_SOAK_20260309.json")["no_data"] is True
    source = finished / "soak" / "latest"
    out = ["--out", "one.json", "--date", "2026-03-01", "--source", str(source)]
    assert run_cli(["soak", "daily-report", *out]) == 0


@pytest.mark.spec("07-17.2")
@pytest.mark.parametrize(("net", "code"), [(3.0, 0), (1.0, 2)])
def test_drift_guard(tmp_path, artifacts, capsys, net, code):
    totals = {"net_bps": net, "order_age_p95_ms": 300, "taker_share_pct": 5, "fills": 500}
    (tmp_path / "E.json").write_text(json.dumps({"totals": totals}))
    assert run_cli(["soak", "drift-guard", "E.json"]) == code
    assert (artifacts / "DRIFT_STOP.json").exists() is (code == 2)
    assert ("SOAK_STOP reason=DRIFT_EDGE" in capsys.readouterr().out) is (code == 2)


def test_drift_guard_cannot_read(tmp_path, capsys):
    (tmp_path / "E.json").write_text("{")
    assert run_cli(["soak", "drift-guard", "E.json"]) == 1
    assert capsys.readouterr().err.startswith("E_EDGE_IO")


@pytest.mark.spec("07-17.3")
def test_regression_guard(artifacts, capsys):
    assert run_cli(["soak", "regression-guard"]) == 1
    daily(artifacts, 5, order_age_p95_ms=340.0)
    assert run_cli(["soak", "regression-guard", "--date", "2026-03-05"]) == 0
    assert last_line(capsys) == "REG_GUARD reason=NONE note=insufficient_history"
    for day in (2, 3, 4):
        daily(artifacts, day)
    assert run_cli(["soak", "regression-guard", "--date", "2026-03-05"]) == 2
    stop = load(artifacts / "REG_GUARD_STOP.json")
    assert (stop["reason"], stop["baseline"]["p95_med"]) == ("LAT_REG", 300.0)
    args = ["--date", "2026-03-05", "--threshold", "0.2"]
    assert run_cli(["soak", "regression-guard", *args]) == 0


@pytest.mark.spec("07-17.4")
def test_anomaly_radar(tmp_path, artifacts, capsys):
    buckets = [
        {
            "bucket": f"{i // 4:02d}:{15 * (i % 4):02d}",
            "net_bps": 3.0 + 0.1 * (i % 3),
            "order_age_p95_ms": 300.0,
            "taker_share_pct": 5.0,
        }
        for i in range(30)
    ]
    buckets[11]["net_bps"] = -4.0
    (tmp_path / "D.json").write_text(json.dumps({"totals": {"net_bps": 1}, "buckets": buckets}))
    assert run_cli(["soak", "anomaly-radar", "--edge-report", "D.json"]) == 0
    assert last_line(capsys) == "ANOMALY_RADAR anomalies=1"
    found = load(artifacts / "ANOMALY_RADAR.json")
    assert [(a["bucket"], a["kind"]) for a in found["anomalies"]] == [("02:45", "EDGE")]
    args = ["--edge-report", "D.json", "--bucket-min", "30"]
    assert run_cli(["soak", "anomaly-radar", *args]) == 1
    assert capsys.readouterr().err.startswith("E_SOAK_RADAR_BUCKET")


@pytest.mark.spec("07-16")
def test_audit(finished, capsys):
    analysis = finished / "soak" / "latest" / "reports" / "analysis"
    assert run_cli(["soak", "audit", "--plots"]) == 0
    assert last_line(capsys) == "FINAL VERDICT: READINESS: HOLD"
    assert run_cli(["soak", "audit", "--fail-on-hold"]) == 2
    document = load(analysis / "POST_SOAK_AUDIT_SUMMARY.json")
    assert (document["iterations"], document["last8_start"]) == (12, 5)
    assert document["tuning"]["proposed_total"] >= document["tuning"]["applied_total"] > 0
    assert any("ultra_safe" in text for text in document["recommendations"])
    markdown = (analysis / "POST_SOAK_AUDIT_SUMMARY.md").read_text()
    assert markdown.splitlines()[-1] == "FINAL VERDICT: READINESS: HOLD"
    table = (analysis / "POST_SOAK_ITER_TABLE.csv").read_text().splitlines()
    assert table[0] == (
        "iter,net_bps,risk_ratio,slippage_p95,adverse_p95,latency_p95_ms,maker_taker_ratio,"
        "gross_bps,fees_bps,kpi_verdict,applied"
    )
    assert len(table) == 13
    assert len(list((analysis / "plots").iterdir())) == 4
    assert run_cli(["soak", "audit", "--acceptance", "canary-24h"]) == 2
    out = capsys.readouterr().out
    assert "[FAIL] duration 1.00 h of 24 h" in out
    assert "[FAIL] no resource analysis" in out


@pytest.mark.spec("07-16")
def test_an_audit_without_data_is_an_error(capsys):
    assert run_cli(["soak", "audit"]) == 1
    assert capsys.readouterr().err.startswith("E_SOAK_AUDIT_NO_DATA")


@pytest.mark.spec("07-7")
def test_warm_up_export_with_and_without_input(artifacts, tmp_path):
    args = ["soak", "export-warmup", "--output", "w.prom"]
    assert run_cli(args) == 0
    assert "warmup_exporter_error 1\n" in (tmp_path / "w.prom").read_text()
    assert run_cli([*RUN, "--iterations", "2", "--warmup"]) == 0
    assert run_cli(args) == 0
    assert "warmup_active 1\n" in (tmp_path / "w.prom").read_text()


@pytest.mark.spec("07-16/1")
def test_nightly_runs_all_steps_and_exits_with_the_worst(capsys):
    args = ["soak", "nightly", "--mock", "--iterations", "9", "--sleep-seconds", "0"]
    assert run_cli(args) == 2
    lines = capsys.readouterr().out.splitlines()
    steps = [line for line in lines if line.startswith(("[OK]", "[FAIL]"))]
    assert steps == ["[OK] run", "[OK] verify-deltas", "[OK] export-warmup", "[FAIL] audit"]
    assert lines[-1] == "NIGHTLY=FAIL"


@pytest.mark.spec("07-17.6")
def test_plans_are_printed_without_doing_anything(artifacts, capsys):
    assert run_cli(["soak", "autopilot", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7
    assert lines[-1] == "AUTOPILOT=OK"
    args = ["--weeks", "2", "--start", "2026-03-02", "--dry-run"]
    assert run_cli(["soak", "long-run", *args]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "LONG_SOAK_PLAN=READY"
    assert len(lines) == 14 * 4 + 2 * 2 + 1
    assert not artifacts.exists()
    assert run_cli(["soak", "long-run", "--econ", "maybe", "--dry-run"]) == 1


@pytest.mark.spec("07-14")
def test_artifacts_exit_codes(finished, capsys):
    assert run_cli(["soak", "artifacts", "--rotate", "--max-summaries", "5"]) == 0
    assert len(list((finished / "soak" / "latest").glob("ITER_SUMMARY_*"))) == 5
    assert run_cli(["soak", "artifacts", "--rotate", "--max-size-mb", "0"]) == 2
    assert run_cli(["soak", "artifacts", "--rotate", "--path", "nowhere"]) == 1
    assert "Base directory not found: nowhere" in capsys.readouterr().out
    # A resumed run does not call rotated records a loss.
    assert run_cli([*RUN, "--iterations", "13", "--resume"]) == 0
    assert load(finished / "soak" / "latest" / "RUN.json")["recovery"] == []


@pytest.mark.spec("07-4/6", "01-4.7")
def test_config_shows_profiles_and_precedence(capsys):
    assert run_cli(["soak", "config", "--list-profiles"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Available profiles:"
    assert "  - steady_safe: 6 params" in lines
    assert "      base_spread_bps_delta          = 0.16" in lines
    assert run_cli(["soak", "config", "--show", "ultra_safe"]) == 0
    assert "tail_age_ms                    = 700" in capsys.readouterr().out
    args = ["--precedence", "--profile", "steady_safe", "--set", "min_interval_ms=90"]
    assert run_cli(["soak", "config", *args]) == 0
    out = capsys.readouterr().out
    assert "min_interval_ms                = 90       cli" in out
    assert "tail_age_ms                    = 740      profile:steady_safe" in out
    assert run_cli(["soak", "config"]) == 1
    assert run_cli(["soak", "config", "--show", "nope"]) == 1
