"""`mmbot backtest run`, `wf` and `mmbot edge audit` as a user types them."""

import itertools
import json
import pstats
from pathlib import Path

import pytest

from mmbot.cli.app import run_cli

FIXTURE = Path(__file__).parents[1] / "fixtures" / "ticks_small.jsonl"
# Quotes near the touch, so that four minutes have fills.
LIVELY = ["--set", "strategy.k_vola_spread=0", "--set", "base_spread_bps=0.3"]
LIVELY += ["--set", "strategy.enable_adverse_guard=false"]
PASSING = ["--gate-net-bps", "-50", "--gate-order-age-p95-ms", "1e6"]


@pytest.fixture(autouse=True)
def _frozen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MM_FREEZE_UTC", "1")


def run(*args):
    return run_cli(["backtest", "run", "--ticks", str(FIXTURE), *LIVELY, *args])


def report(path=Path("artifacts/BACKTEST_REPORT.json")):
    return json.loads(path.read_bytes())


def test_a_run_writes_its_reports(tmp_path, capsys):
    assert run("--html", "page.html", "--cprofile", "run.prof") == 0
    document = report(tmp_path / "artifacts" / "BACKTEST_REPORT.json")
    assert document["fills_total"] > 10
    assert document["symbols"] == ["SYNTHUSDT"]
    assert document["runtime"]["utc"] == "1970-01-01T00:00:00Z"
    assert document["data"]["bad_lines"] == 0
    assert (
        (tmp_path / "artifacts" / "BACKTEST_REPORT.md").read_text().startswith("# Backtest SYNTH")
    )
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    assert len(vars(pstats.Stats(str(tmp_path / "run.prof")))["stats"]) > 100
    assert "wrote page.html" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ([], 0),
        (["--gate", "--gate-net-bps", "1e9"], 2),
        (["--gate-net-bps", "1e9"], 0),
        (["--gate", *PASSING], 0),
        (["--gate", "--gate-order-age-p95-ms", "0", "--gate-net-bps", "-1e9"], 2),
    ],
)
def test_gates_decide_the_exit_code_only_when_asked(args, code):
    assert run("--out", "r.json", *args) == code
    assert report(Path("r.json"))["gates"]["passed"] is (args[1:] == PASSING)


def outcome(capsys, *args):
    code = run_cli(["backtest", "run", *args])
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ([], "E_BT_SOURCE: source "),
        (["--synthetic"], "E_BT_SOURCE: --synthetic needs --symbol"),
        (["--data", "x", "--ticks", "y", "--symbol", "A"], "E_BT_SOURCE: source give one of"),
        (["--ticks", "none.jsonl"], "E_BT_LOADER:io_error: "),
        (["--data", "none", "--symbol", "A"], "E_BT_NO_DATA: symbol=A "),
        (
            ["--ticks", str(FIXTURE), "--start", "2024-01-02", "--end", "2024-01-01"],
            "E_BT_BAD_RANGE",
        ),
        (["--ticks", str(FIXTURE), "--start", "2030-01-01"], "E_BT_NO_DATA"),
        (["--ticks", str(FIXTURE), "--symbol", "OTHER"], "E_BT_NO_DATA"),
        (["--ticks", str(FIXTURE), "--start", "yesterday"], "E_CFG_TYPE: --start"),
        (["--ticks", str(FIXTURE), "--calibration", "key.json"], "E_CALIB_KEY: latency "),
        (
            ["--ticks", str(FIXTURE), "--calibration", "range.json"],
            "E_CALIB_RANGE: toxic_sweep_prob",
        ),
        (["--ticks", str(FIXTURE), "--params", "none.json"], "E_CFG_MISSING: none.json"),
        (["--ticks", str(FIXTURE), "--set", "strategy.nonsense=1"], "E_CFG_UNKNOWN_KEY"),
        (["--ticks", str(FIXTURE), "--mode", "wild"], "E_CFG_TYPE: --mode"),
    ],
)
def test_an_error_is_one_line_and_earlier_outputs_stay(args, error, capsys):
    Path("key.json").write_text('{"latency":1}')
    Path("range.json").write_text('{"toxic_sweep_prob":2}')
    names = ("BACKTEST_REPORT.json", "BACKTEST_REPORT.md", "page.html", "t.jsonl", "q.jsonl")
    for name in names:
        Path(name).write_text("earlier")
    outputs = ["--out", names[0], "--html", names[2], "--trades-out", names[3]]
    code, err = outcome(capsys, *args, *outputs, "--quotes-out", names[4])
    assert code == 1
    assert err.startswith(error)
    assert err.count("\n") == 1
    assert [Path(name).read_text() for name in names] == ["earlier"] * 5
    assert sorted(p.name for p in Path().iterdir() if p.is_file()) == sorted(
        (*names, "key.json", "range.json")
    )


BAD_LINES = {
    "missing_field": b'{"ts_ms":1704067300000,"bid":1.0}',
    "bad_ts": b'{"ts_ms":"x","bid":1.0,"ask":2.0}',
    "bad_json": b'{"ts_ms":',
    "bad_value": b'{"ts_ms":1704067300000,"bid":NaN,"ask":2.0}',
    "time_reversed": b'{"ts_ms":1,"bid":50000.0,"ask":50000.1,"symbol":"SYNTHUSDT"}',
    "crossed": b'{"ts_ms":1704067300000,"bid":50000.1,"ask":50000.0}',
}


def damaged(tmp_path, line):
    lines = FIXTURE.read_bytes().splitlines()
    path = tmp_path / "ticks.jsonl"
    path.write_bytes(b"\n".join([*lines[:500], line, *lines[500:]]) + b"\n")
    return path


@pytest.mark.parametrize("detail", BAD_LINES)
def test_a_bad_line_stops_the_run_or_is_counted(detail, tmp_path, capsys):
    path = damaged(tmp_path, BAD_LINES[detail])
    code, err = outcome(capsys, "--ticks", str(path), "--out", "r.json")
    assert code == 1
    assert err.startswith(f"E_BT_LOADER:{detail}: line=501 ")
    assert not Path("r.json").exists()
    code, err = outcome(capsys, "--ticks", str(path), "--out", "r.json", "--on-bad-line", "skip")
    assert (code, err) == (0, "")
    skipped = report(Path("r.json"))
    assert skipped["data"]["bad_lines"] == 1
    assert run("--out", "whole.json") == 0
    assert skipped["metadata"]["data_hash"] == report(Path("whole.json"))["metadata"]["data_hash"]


def test_a_truncated_file_stops_at_its_last_line(tmp_path, capsys):
    path = tmp_path / "ticks.jsonl"
    path.write_bytes(FIXTURE.read_bytes()[:20_010])
    code, err = outcome(capsys, "--ticks", str(path))
    assert code == 1
    assert err.startswith("E_BT_LOADER:bad_json: line=")


def test_half_a_parquet_file_stops_the_run_and_leaves_the_earlier_report(capsys):
    market = ["--symbol", "SYNTHUSDT", "--duration", "30s", "--out", "catalog"]
    assert run_cli(["data", "generate", *market]) == 0
    part = next(Path("catalog").rglob("*book*/**/*.parquet"))
    content = part.read_bytes()
    part.write_bytes(content[: len(content) // 2])
    Path("r.json").write_text("earlier")
    capsys.readouterr()
    args = ["--data", "catalog", "--symbol", "SYNTHUSDT", "--out", "r.json"]
    code, err = outcome(capsys, *args)
    assert code == 1
    assert err.startswith("E_MD_FRAME: file=")
    assert err.count("\n") == 1
    assert Path("r.json").read_text() == "earlier"


def test_options_reach_the_engine():
    calibration = Path("calibration.json")
    calibration.write_text('{"latency_ms_mean":50,"toxic_sweep_prob":0.5,"extra_slippage_bps":1}')
    params = Path("champion.json")
    params.write_text('{"champion_params":{"order_ttl_ms":300}}')
    assert run("--out", "a.json") == 0
    plain = report(Path("a.json"))
    changes = {
        "calibration": ["--calibration", str(calibration)],
        "params": ["--params", str(params)],
        "set": ["--set", "strategy.levels_per_side=1"],
        "mode": ["--mode", "conservative"],
        "range": ["--end", "2024-01-01T00:02:00Z"],
    }
    for name, args in changes.items():
        assert run("--out", "b.json", *args) == 0
        changed = report(Path("b.json"))
        assert changed["turnover_usd"] != plain["turnover_usd"], name
    assert run("--out", "b.json", *changes["calibration"], *changes["params"]) == 0
    changed = report(Path("b.json"))
    assert changed["calibration_used"]["toxic_sweep_prob"] == 0.5
    assert changed["fill_statistics"]["toxic_sweeps"] > 0
    assert changed["taker_share_pct"] > 0
    assert changed["metadata"]["params_hash"] != plain["metadata"]["params_hash"]
    assert changed["metadata"]["data_hash"] == plain["metadata"]["data_hash"]


def test_queue_models_and_modes_fill_differently():
    args = ["backtest", "run", "--synthetic", "--symbol", "BTCUSDT", "--out", "r.json"]
    args += ["--synthetic-duration-min", "5", "--set", "trading.base_spread_bps=0.01"]
    args += ["--set", "strategy.k_vola_spread=0", "--set", "strategy.order_ttl_ms=30000"]
    Path("n.json").write_text('{"queue_power_n":0.5}')
    choices = [["--queue-model", name] for name in ("power", "log", "conservative")]
    choices.append(["--queue-model", "calibrated", "--calibration", "n.json"])
    choices.append(["--mode", "conservative"])
    turnovers = []
    for choice in choices:
        assert run_cli([*args, *choice]) == 0
        turnovers.append(report(Path("r.json"))["turnover_usd"])
    assert len(set(turnovers)) == len(choices)
    assert run_cli([*args, "--queue-model", "calibrated"]) == 0
    assert report(Path("r.json"))["turnover_usd"] == turnovers[0]


def test_several_symbols_of_a_generated_market(tmp_path):
    args = ["backtest", "run", "--synthetic", "--synthetic-duration-min", "2", "--out", "r.json"]
    args += LIVELY
    assert run_cli([*args, "--symbol", "AAAUSDT", "--symbol", "BBBUSDT"]) == 0
    both = report(Path("r.json"))
    alone = {}
    for symbol in ("AAAUSDT", "BBBUSDT"):
        assert run_cli([*args, "--symbol", symbol]) == 0
        alone[symbol] = report(Path("r.json"))
    assert both["symbols"] == ["AAAUSDT", "BBBUSDT"]
    assert both["data"]["rows"] == sum(one["data"]["rows"] for one in alone.values())
    parts = both["by_symbol"].values()
    assert both["fills_total"] == sum(part["fills_total"] for part in parts) > 0
    assert both["turnover_usd"] == pytest.approx(sum(part["turnover_usd"] for part in parts))


def test_windows_advance_by_the_test_length():
    args = ["backtest", "wf", "--ticks", str(FIXTURE), "--out", "wf.json", *LIVELY]
    assert run_cli([*args, "--train", "300", "--test", "150"]) == 0
    found = report(Path("wf.json"))
    total = len(FIXTURE.read_bytes().splitlines())
    expected = list(range(0, total - 450 + 1, 150))
    assert [window["i"] for window in found["windows"]] == expected
    assert found["windows"][1]["test"] == {"from_row": 450, "rows": 150}
    fills = [window["fills_total"] for window in found["windows"]]
    assert sum(fills) > 0
    assert found["mean"]["fills_total"] == pytest.approx(sum(fills) / len(fills))
    assert found["median"]["fills_total"] in fills or len(fills) % 2 == 0


def test_a_window_as_long_as_the_file_fits_once_and_train_fills_are_not_counted():
    total = len(FIXTURE.read_bytes().splitlines())
    args = ["backtest", "wf", "--ticks", str(FIXTURE), "--out", "wf.json", *LIVELY]
    assert run_cli([*args, "--train", "1", "--test", str(total - 1)]) == 0
    (whole,) = report(Path("wf.json"))["windows"]
    assert run_cli([*args, "--train", str(total - 1), "--test", "1"]) == 0
    (nothing,) = report(Path("wf.json"))["windows"]
    assert whole["fills_total"] > 20
    assert nothing["fills_total"] == 0


def test_a_grid_chooses_the_best_set_of_the_training_part():
    grid = "trading.base_spread_bps: [0.3, 90.0]\nstrategy.levels_per_side: [1]\n"
    Path("grid.yaml").write_text(grid)
    args = ["backtest", "wf", "--ticks", str(FIXTURE), "--out", "wf.json", "--grid", "grid.yaml"]
    args += LIVELY[:2]
    assert run_cli([*args, "--train", "400", "--test", "400"]) == 0
    for window in report(Path("wf.json"))["windows"]:
        assert window["params"]["strategy.levels_per_side"] == 1
        assert window["params"]["trading.base_spread_bps"] in {0.3, 90.0}


def test_windows_of_a_catalog_are_periods():
    market = ["--symbol", "SYNTHUSDT", "--duration", "6m", "--seed", "3", "--out", "catalog"]
    assert run_cli(["data", "generate", *market]) == 0
    args = ["backtest", "wf", "--data", "catalog", "--symbol", "SYNTHUSDT", "--out", "wf.json"]
    lengths = ["--train-days", str(2 / 1440), "--test-hours", str(1 / 60)]
    assert run_cli([*args, *lengths, *LIVELY]) == 0
    windows = report(Path("wf.json"))["windows"]
    assert len(windows) == 3
    for before, after in itertools.pairwise(windows):
        assert before["test"]["to"] == after["test"]["from"]
        assert before["train"]["to"] == before["test"]["from"]
    assert sum(window["fills_total"] for window in windows) > 0


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (["--train", "0"], "E_BT_WF_ARGS: --train"),
        (["--test", "-1"], "E_BT_WF_ARGS: --test"),
        (["--train", "100000"], "E_BT_WF_NO_WINDOWS"),
    ],
)
def test_impossible_windows_write_nothing(args, error, capsys):
    assert run_cli(["backtest", "wf", "--ticks", str(FIXTURE), "--out", "wf.json", *args]) == 1
    assert capsys.readouterr().err.startswith(error)
    assert not Path("wf.json").exists()
