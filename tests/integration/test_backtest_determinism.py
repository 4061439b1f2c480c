"""The same backtest in fresh processes, and the checker that proves it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmbot.cli.app import run_cli
from mmbot.errors import InputError, InvariantError
from mmbot.research import determinism
from mmbot.research.determinism import Command, compare_runs

FIXTURE = Path(__file__).parents[1] / "fixtures" / "ticks_small.jsonl"
LIVELY = ["--set", "strategy.k_vola_spread=0", "--set", "base_spread_bps=0.3"]
MAIN = "from mmbot.cli.app import main; main()"


def fresh(place, hash_seed, *args):
    env = {**os.environ, "MM_FREEZE_UTC": "1", "PYTHONHASHSEED": str(hash_seed)}
    done = subprocess.run(
        [sys.executable, "-c", MAIN, "backtest", *args],
        capture_output=True,
        check=False,
        cwd=place,
        env=env,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in place.iterdir()}


@pytest.mark.spec("02-16")
@pytest.mark.slow
def test_two_fresh_processes_write_the_same_bytes(tmp_path):
    source = ["--synthetic", "--symbol", "BTCUSDT", "--synthetic-duration-min", "3"]
    files = [
        "--out",
        "r.json",
        "--html",
        "r.html",
        "--trades-out",
        "t.jsonl",
        "--quotes-out",
        "q.jsonl",
    ]
    places = [tmp_path / name for name in ("one", "two")]
    for place in places:
        place.mkdir()
    one, two = (
        fresh(place, seed, "run", *source, *files, *LIVELY) for seed, place in enumerate(places)
    )
    assert set(one) == {"r.json", "r.md", "r.html", "t.jsonl", "q.jsonl"}
    assert one["t.jsonl"].count(b"\n") > 10
    for name, content in one.items():
        assert content == two[name], name


@pytest.mark.slow
def test_the_check_command_passes_and_reports_gates(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    args = ["backtest", "check", "--ticks", str(FIXTURE), *LIVELY]
    assert run_cli([*args, "--gate-net-bps", "-100", "--gate-order-age-p95-ms", "1e9"]) == 0
    assert capsys.readouterr().out == "| backtest_check | DETERMINISTIC | files=3 runs=2 |\n"
    assert run_cli([*args, "--gate-net-bps", "1e9"]) == 2
    assert "| backtest_check | GATE | net_bps " in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def runs_that_write(monkeypatch, *contents):
    queue = list(contents)
    monkeypatch.setattr(
        determinism, "_run", lambda command, place, number: {"a.json": queue.pop(0)}
    )
    return [Command(arguments=[], outputs=["a.json"])]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b'{"a":1}\n', b'{"a":2}\n'),
        (b'{"b":1,"a":1}\n', b'{"b":1,"a":1}\n'),
        (b'{"a": 1}\n', b'{"a": 1}\n'),
        (b'{"a":1}', b'{"a":1}'),
        (b'{"a":1}\n\n', b'{"a":1}\n\n'),
        ('{"a":"\u00e9"}\n'.encode(), '{"a":"\u00e9"}\n'.encode()),
    ],
)
def test_a_difference_or_another_form_is_found(monkeypatch, first, second):
    commands = runs_that_write(monkeypatch, first, second)
    with pytest.raises(InvariantError) as caught:
        compare_runs(commands)
    assert (caught.value.code, caught.value.detail) == ("E_BT_NONDETERMINISTIC", "a.json")


def test_equal_bytes_in_canonical_form_pass(monkeypatch):
    commands = runs_that_write(monkeypatch, b'{"a":1}\n', b'{"a":1}\n')
    assert compare_runs(commands) == {"a.json": b'{"a":1}\n'}


def test_the_error_of_a_run_is_passed_on():
    command = Command(arguments=["backtest", "run", "--ticks", "none"], outputs=["r.json"])
    with pytest.raises(InputError) as caught:
        compare_runs([command])
    assert (caught.value.code, caught.value.detail) == ("E_BT_LOADER", "io_error")
