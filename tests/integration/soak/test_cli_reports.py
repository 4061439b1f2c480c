"""Commands that judge, report and tidy up after soak runs."""

import json

import pytest
from tests.integration.soak.runs import FROZEN

from mmbot.cli.app import run_cli

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


@pytest.mark.spec("07-6/1")
def test_the_gate_of_an_iteration_has_the_limits_of_its_run(artifacts, capsys):
    gate = ["--set", "soak.soft_gate.fail_net_bps=-9", "--set", "soak.soft_gate.fail_risk_ratio=1"]
    run = ["soak", "run", "--mock", "--sleep-seconds", "0", "--iterations", "2"]
    first = artifacts / "soak" / "latest" / "ITER_SUMMARY_1.json"
    for more, code, limit in ((gate, 0, -9.0), ([], 1, 2.0)):
        assert run_cli([*run, *more]) == 0
        assert run_cli(["soak", "kpi-gate", "--iter", str(first)]) == code
        document = load(first.parent / "artifacts" / "KPI_GATE.json")
        assert document["thresholds"]["net_bps_fail"] == limit
        assert document["verdict"] == load(first)["summary"]["kpi_verdict"]
    capsys.readouterr()


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
