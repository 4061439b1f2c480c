"""`mmbot run` as a process: artifacts, exit codes, signals, determinism."""

import json
import re
import signal
import sys

import pytest
from tests.e2e.processes import ROOT, mmbot, run, start

LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ mid=\S+ spread_bps=\S+ pos=[+-]\S+ pnl_usd=[+-]\S+ "
    r"fills=\d+ net_bps=[+-]\S+ blocks=\d+"
)

pytestmark = pytest.mark.xdist_group("run")


def state_hash(output):
    found = re.search(r"state hash\s*\|\s*([0-9a-f]{16})", output)
    assert found is not None
    return found[1]


def check_artifacts(directory):
    report = json.loads((directory / "EDGE_REPORT.json").read_bytes())
    totals = report["totals"]
    parts = [totals[f"{n}_bps"] for n in ("fees_eff", "slippage", "adverse", "inventory")]
    assert totals["net_bps"] == pytest.approx(totals["gross_bps"] - sum(parts), abs=1e-5)
    assert (directory / "EDGE_REPORT.md").read_bytes().isascii()
    page = (directory / "RUN_REPORT.html").read_bytes()
    assert page.isascii()
    assert page.lstrip().lower().startswith(b"<!doctype html")
    return report


def test_a_short_session_trades_and_reports(tmp_path):
    done = run(tmp_path, "--duration", "60s", "--speed", "max", "--seed", "1")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert LINE.fullmatch(lines[0])
    assert done.stdout.isascii()
    report = check_artifacts(tmp_path / "artifacts")
    assert report["totals"]["fills"] > 0
    assert "because its duration was over" in done.stdout
    assert not list((tmp_path / "artifacts").rglob("*.tmp.*"))


@pytest.mark.spec("02-16")
def test_the_same_session_in_two_processes_and_at_two_speeds_is_one(tmp_path):
    outputs = []
    for name, args in (
        ("a", ("--speed", "max")),
        ("b", ("--speed", "max")),
        ("c", ("--speed", "10x")),
    ):
        out = tmp_path / name
        done = run(tmp_path, "--duration", "20s", "--seed", "1", "--out", str(out), *args)
        assert done.returncode == 0, done.stderr
        outputs.append((state_hash(done.stdout), (out / "EDGE_REPORT.json").read_bytes()))
    assert outputs[0] == outputs[1] == outputs[2]
    other = run(tmp_path, "--duration", "20s", "--seed", "2", "--speed", "max")
    assert state_hash(other.stdout) != outputs[0][0]


@pytest.mark.spec("02-1")
@pytest.mark.skipif(sys.platform == "win32", reason="signals of a console")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_with_a_complete_report(tmp_path, number):
    process = start(tmp_path, "--speed", "10x", "--seed", "1")
    assert process.stdout is not None
    for _ in range(3):
        assert LINE.fullmatch(process.stdout.readline().rstrip())
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "because it was interrupted" in out
    check_artifacts(tmp_path / "artifacts")


@pytest.mark.spec("01-6.1", "01-D25")
@pytest.mark.parametrize(
    ("args", "line"),
    [
        (("--speed", "3x"), "E_CFG_RANGE: --speed must be one of 1x, 10x, max"),
        (("--data", "nowhere", "--symbol", "BTCUSDT"), "E_BT_NO_DATA: "),
        (("--symbol", "ETHBTC"), "E_CFG_RANGE: trading.symbols must have quote currency"),
        (("--symbol", "BTCUSDT", "--symbol", "ETHBTC"), "E_CFG_RANGE: trading.symbols must have"),
        (("--symbol", "BTCUSDT", "--symbol", "BTCUSDT"), "E_CFG_"),
        (("--regime", "quiet"), "E_CFG_"),
        (("--strategy", "no.py:X"), "E_CFG_MISSING: --strategy file no.py does not exist"),
        (("--calibration", "no.json"), "E_"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, args, line):
    done = run(tmp_path, "--duration", "1s", *args)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(line)
    assert not (tmp_path / "artifacts").exists()


def test_a_failing_strategy_ends_the_session_with_its_message(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import mmbot\n\nclass Mine(mmbot.Strategy):\n"
        "    def on_tick(self, view):\n        raise ValueError('no idea')\n"
    )
    done = run(tmp_path, "--duration", "5s", "--strategy", "mine.py:Mine")
    assert done.returncode == 1
    assert "no idea" in done.stderr.splitlines()[-1]


def test_the_python_copy_of_the_quoter_gives_the_same_session(tmp_path):
    args = ("--duration", "60s", "--speed", "max", "--seed", "3")
    built_in = run(tmp_path, *args)
    copy = run(tmp_path, *args, "--strategy", f"{ROOT}/examples/spread_quoter.py:SpreadQuoter")
    assert built_in.returncode == copy.returncode == 0, built_in.stderr + copy.stderr
    assert state_hash(built_in.stdout) == state_hash(copy.stdout)


def test_recorded_data_end_the_session_and_their_only_symbol_is_taken(tmp_path):
    made = mmbot(
        tmp_path,
        *("data", "generate", "--out", "catalog", "--symbol", "ETHUSDT"),
        *("--duration", "60s", "--seed", "1"),
    )
    assert made.returncode == 0, made.stderr
    done = run(tmp_path, "--data", "catalog", "--speed", "max")
    assert done.returncode == 0, done.stderr
    assert "because the data ended" in done.stdout
    report = check_artifacts(tmp_path / "artifacts")
    assert list(report["symbols"]) == ["ETHUSDT"]
    wrong = run(tmp_path, "--data", "catalog", "--symbol", "BTCUSDT", "--speed", "max")
    assert wrong.stderr.splitlines()[-1].startswith("E_BT_NO_DATA: symbol=BTCUSDT")


@pytest.mark.spec("02-1")
def test_mode_sim_and_a_picture(tmp_path):
    done = run(tmp_path, "--mode", "sim", "--duration", "10s", "--picture", "frame.svg")
    assert done.returncode == 0, done.stderr
    picture = (tmp_path / "frame.svg").read_bytes()
    assert picture.startswith(b"<svg")
    assert picture.isascii()
