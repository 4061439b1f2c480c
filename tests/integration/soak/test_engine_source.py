"""Soak runs that trade: the engine over generated and recorded markets, restart, resume."""

import hashlib
import itertools
import json
import math

import pytest
from tests.integration.soak.runs import FROZEN, Lines, options, tree

from mmbot.cli.app import run_cli
from mmbot.cli.soak_source import make_source
from mmbot.errors import ConfigError
from mmbot.soak.engine_source import EngineSource, TradedWindow
from mmbot.soak.launch import SourceRequest, launch
from mmbot.soak.parameters import DEFAULTS, effective
from mmbot.soak.source import EngineParameters, WindowRequest, parameters_digest

WINDOW_SEC = 20.0
TIGHT = {**DEFAULTS, "base_spread_bps_delta": 0.0, "min_interval_ms": 40}
WIDE = {**DEFAULTS, "base_spread_bps_delta": 0.6, "min_interval_ms": 300, "tail_age_ms": 1000}


@pytest.fixture(autouse=True)
def artifacts(tmp_path, monkeypatch):
    for name, value in FROZEN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "artifacts"


def engine_options(root, **more):
    return options(root, mock=False, **{"window_sec": WINDOW_SEC, **more})


def engine_source(request):
    return make_source(request, None)


def source(tmp_path, **more):
    asked = engine_options(tmp_path / "artifacts", **more)
    return engine_source(SourceRequest(options=asked, start_ns=0, run_id="r", say=print))


def traded(source, number, values, seconds=WINDOW_SEC, stop=lambda: False):
    parameters = EngineParameters(effective(values))
    assert source.apply(parameters) == parameters_digest(parameters)
    return source.trade(
        WindowRequest(iteration=number, seconds=seconds, parameters=parameters, stop=stop)
    )


def load(path):
    return json.loads(path.read_bytes())


@pytest.mark.spec("07-5", "07-11")
def test_six_iterations_of_the_engine_give_the_same_bytes_twice(tmp_path, monkeypatch, capsys):
    hashes, outputs = [], []
    for name in ("a", "b"):
        monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path / name))
        argv = ["soak", "run", "--iterations", "6", "--mode", "sim", "--auto-tune"]
        assert run_cli([*argv, "--sleep-seconds", "60", "--seed", "7"]) in (0, 2)
        outputs.append(capsys.readouterr().out.replace(str(tmp_path / name), ""))
        files = tree(tmp_path / name)
        assert "soak/latest/ITER_SUMMARY_6.json" in files
        assert "reports/EDGE_REPORT.json" in files
        assert any(f.startswith("soak_reports/") and f.endswith(".html") for f in files)
        hashes.append({f: hashlib.sha256(data).hexdigest() for f, data in files.items()})
    assert hashes[0] == hashes[1]
    assert outputs[0] == outputs[1]
    summary = load(tmp_path / "a/soak/latest/ITER_SUMMARY_6.json")
    assert summary["window"]["from"] == "2026-01-01T00:05:00Z"
    assert summary["window"]["seconds"] == 60
    report = load(next((tmp_path / "a/soak_reports").glob("*.json")))
    assert report["iterations_completed"] == 6
    assert report["mode"] == "sim"
    assert report["metrics"]["maker_share_pct"] == 100.0
    assert report["metrics"]["ws_lag_p95_ms"] > 0


@pytest.mark.spec("07-5")
def test_windows_follow_each_other_and_add_up_to_the_run(tmp_path):
    asked = source(tmp_path)
    windows = [traded(asked, n, TIGHT if n % 2 else WIDE) for n in range(1, 6)]
    for before, after in itertools.pairwise(windows):
        assert before.to_ns == after.from_ns
    asked.halt()
    totals = [w.report["totals"] for w in windows]
    (result,) = asked._windows.results
    assert sum(t["fills"] for t in totals) == result["fills_total"] > 0
    assert sum(w.ticks for w in windows) == result["total_iterations"]
    assert sum(t["attempts"] for t in totals) == result["attempts"]
    assert sum(t["turnover_usd"] for t in totals) == pytest.approx(result["turnover_usd"])
    blocked = [sum(b["count"] for b in t["block_reasons"].values()) for t in totals]
    assert sum(blocked) == sum(result["block_counts"].values())
    # The ledger at the end of the last window is what its windows earned.
    net = math.fsum(t["pnl_usd"] for t in totals)
    assert net == pytest.approx(result["net_pnl_usd"], abs=1e-6)


def test_parameters_change_what_is_traded(tmp_path):
    reports = []
    for name, values in (("a", TIGHT), ("b", WIDE)):
        asked = source(tmp_path / name)
        reports.append(traded(asked, 1, values, seconds=120).report["totals"])
        asked.halt()
    assert reports[0] != reports[1]


@pytest.mark.spec("07-5")
def test_a_restart_goes_on_as_if_nothing_had_happened(tmp_path):
    straight, crashed = source(tmp_path / "a"), source(tmp_path / "b")
    for number, values in ((1, TIGHT), (2, WIDE)):
        assert traded(straight, number, values) == traded(crashed, number, values)
    crashed.restart()
    assert traded(straight, 3, TIGHT) == traded(crashed, 3, TIGHT)
    assert straight.run_totals() == crashed.run_totals()
    straight.halt()
    crashed.halt()


@pytest.mark.spec("07-10")
def test_a_resumed_run_ends_like_one_that_was_never_killed(tmp_path):
    def run(name, iterations, **more):
        asked = engine_options(
            tmp_path / name,
            iterations=iterations,
            auto_tune=False,
            warmup=True,
            window_sec=60.0,
            **more,
        )
        launch(asked, engine_source, Lines())
        written = [load(asked.paths.summary(n)) for n in range(1, iterations + 1)]
        return [(s["window"], s["overrides"], s["summary"]) for s in written]

    whole = run("a", 4)
    assert run("b", 2) == whole[:2]
    assert run("b", 4, resume=True) == whole
    assert sum(summary["fills"] for _, _, summary in whole) > 0


@pytest.mark.spec("07-5")
def test_a_window_that_was_cut_is_traded_anew_after_a_restart(tmp_path):
    straight, late = source(tmp_path / "a"), source(tmp_path / "b")
    assert traded(straight, 1, TIGHT) == traded(late, 1, TIGHT)
    assert traded(late, 2, WIDE, stop=lambda: True).partial
    late.restart()
    assert traded(straight, 2, WIDE) == traded(late, 2, WIDE)
    straight.halt()
    late.halt()


def test_a_stop_cuts_the_window_and_the_run_is_aborted(tmp_path):
    asked = source(tmp_path)
    left = iter(range(6))
    window = traded(asked, 1, TIGHT, stop=lambda: next(left, None) is None)
    assert window.partial
    assert not window.data_ended
    assert 0 < window.to_ns - window.from_ns < WINDOW_SEC * 1e9
    asked.halt()
    asked.halt()


@pytest.mark.spec("07-7")
def test_the_factor_on_limits_scales_the_largest_position(tmp_path):
    asked = source(tmp_path)
    config = asked._config
    values = effective(DEFAULTS)
    full = config.under(EngineParameters(values))
    calm = config.under(EngineParameters(values, 0.8))
    assert calm.risk.max_position_usd == pytest.approx(0.8 * full.risk.max_position_usd)
    assert calm.limits.max_gross_exposure_usd == 0.8 * full.limits.max_gross_exposure_usd
    assert config.in_force(calm) == values


def test_a_mode_that_needs_orders_of_a_venue_says_so(tmp_path):
    with pytest.raises(ConfigError, match="order gateway") as caught:
        source(tmp_path, mode="canary")
    assert caught.value.code == "E_SOAK_ARGS"


@pytest.mark.spec("07-5")
def test_a_market_that_does_not_come_again_is_begun_anew_under_the_same_parameters(tmp_path):
    opened = source(tmp_path)
    closed: list[bool] = []
    asked = EngineSource(
        opened._open_desk,
        opened._config,
        mode="shadow",
        history=[TradedWindow(EngineParameters(effective(DEFAULTS)), 10**9)],
        is_repeatable=False,
        close=lambda: closed.append(True),
    )
    first = traded(asked, 1, TIGHT)
    assert asked.run_totals()
    asked.restart()
    parameters = EngineParameters(effective(TIGHT))
    assert asked._digest == parameters_digest(parameters), "in force without being put there again"
    again = traded(asked, 2, TIGHT)
    assert (again.from_ns, again.report) == (first.from_ns, first.report), "no window is replayed"
    assert closed == []
    asked.halt()
    assert closed == [True]


def test_a_recording_is_walked_through_to_its_end(tmp_path, capsys):
    catalog = str(tmp_path / "catalog")
    argv = ["data", "generate", "--out", catalog, "--duration", "100s", "--seed", "3"]
    assert run_cli(argv) == 0
    run = ["soak", "run", "--data", catalog, "--iterations", "6", "--sleep-seconds", "30"]
    assert run_cli(run) in (0, 2)
    latest = tmp_path / "artifacts/soak/latest"
    summaries = [load(latest / f"ITER_SUMMARY_{n}.json") for n in (1, 2, 3, 4)]
    assert [s["partial"] for s in summaries] == [False, False, False, True]
    assert not (latest / "ITER_SUMMARY_5.json").exists()
    report = load(next((tmp_path / "artifacts/soak_reports").glob("*.json")))
    assert report["stop_reason"] == "data_end"
    assert report["iterations_completed"] == 3


def test_tuners_are_compared_on_the_engine(artifacts, capsys):
    pytest.importorskip("optuna")
    argv = ["soak", "compare-tuners", "--seeds", "1", "--iterations", "2"]
    assert run_cli([*argv, "--window-seconds", "60"]) == 0
    assert "| bayes | 42 |" in capsys.readouterr().out
    rows = load(artifacts / "soak/TUNER_COMPARE.json")["runs"]
    assert [(row["tuner"], row["seed"]) for row in rows] == [("rules", 42), ("bayes", 42)]
    assert all(row["risk_ratio_mean"] > 0 for row in rows)


@pytest.mark.spec("07-2", "07-5")
def test_every_window_leaves_its_sentinel_whose_advice_the_record_names(artifacts, capsys):
    line = ["soak", "run", "--iterations", "2", "--sleep-seconds", "300", "--seed", "3"]
    assert run_cli(line) in (0, 2)
    capsys.readouterr()
    newest = load(artifacts / "reports" / "EDGE_SENTINEL.json")
    latest = artifacts / "soak" / "latest"
    assert newest == load(latest / "artifacts" / "EDGE_SENTINEL.json")
    assert list(newest["summary"]["symbols"]) == ["BTCUSDT"]
    assert newest["summary"]["buckets"][0]["bucket"] == "2026-01-01T00:00Z"
    assert newest["advice"]
    record = load(latest / "ITER_SUMMARY_2.json")["summary"]
    assert record["sentinel_advice"] == [item["code"] for item in newest["advice"]]
    assert newest["summary"]["symbols"]["BTCUSDT"]["net_bps"] == record["net_bps"]
