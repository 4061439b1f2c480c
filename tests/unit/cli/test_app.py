"""The root: help, version, errors in one line, exit codes."""

import os
import subprocess
import sys

import pytest

from mmbot import __version__
from mmbot.cli.app import run_cli


@pytest.fixture(autouse=True)
def _nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_version_and_help(capsys):
    assert run_cli(["--version"]) == 0
    assert capsys.readouterr().out == f"mmbot {__version__}\n"
    assert run_cli(["--help"]) == 0
    text = capsys.readouterr().out
    for name in ("run", "backtest", "data", "sim", "edge", "config", "Examples"):
        assert name in text


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["confg"], "E_CFG_TYPE: command line: No such command 'confg'"),
        (["config", "hash", "--st", "a"], "E_CFG_UNKNOWN_KEY: --st is not an option; did you mean"),
        (["config", "explain"], "E_CFG_MISSING: KEY must be given"),
        (["config", "explain", "a.b"], "E_CFG_UNKNOWN_KEY: a.b is not a key"),
        (["config", "hash", "--set", "x"], "E_CFG_PARSE: --set x must be KEY=VALUE"),
        (["config", "hash", "--config", "no.yaml"], "E_CFG_MISSING: no.yaml does not exist"),
        (["config", "hash", "--profile", "no"], "E_PROFILE_NOT_FOUND: no is not a profile"),
        (["run", "--mode", "live", "--endpoint", "x"], "E_CFG_RANGE: --endpoint must be http://"),
        (["run", "--mode", "x"], "E_CFG_RANGE: --mode must be one of paper, sim"),
        (["run", "--duration", "5"], "E_CFG_TYPE: --duration must be a duration such as"),
        (["run", "--seed", "x"], "E_CFG_TYPE: --seed "),
    ],
)
def test_an_error_is_one_line_on_stderr_with_exit_code_1(args, line, capsys):
    assert run_cli(args) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(line)
    assert captured.err.count("\n") == 1


def test_help_does_not_load_the_engine():
    code = (
        "import sys\nfrom mmbot.cli.app import run_cli\n"
        "assert run_cli(['--help']) == 0\nassert run_cli(['run', '--help']) == 0\n"
        "loaded = {'numpy', 'pyarrow', 'mmbot.core', 'mmbot._core'} & set(sys.modules)\n"
        "sys.exit(str(sorted(loaded)) if loaded else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_session_at_a_venue_trades_without_what_goes_along():
    code = (
        "import sys\nimport mmbot.cli.live_wire, mmbot.venues.bybit.build\n"
        "heavy = {'alembic', 'fsspec', 'pyarrow', 'rich.live', 'sqlalchemy', 'mmbot.market'}\n"
        "loaded = heavy & set(sys.modules)\n"
        "sys.exit(str(sorted(loaded)) if loaded else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("module", "extra", "args"),
    [
        ("picows", "live", ["run", "--mode", "live", "--i-understand-live"]),
        ("aiohttp", "live", ["run", "--mode", "shadow"]),
        ("picows", "live", ["run", "--mode", "paper", "--venue", "bybit"]),
        ("ccxt", "ccxt", ["run", "--mode", "shadow", "--venue", "okx"]),
    ],
)
def test_a_command_that_needs_an_extra_says_which(module, extra, args, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "app.yaml").write_text("trading: {symbols: [BTCUSDT]}", encoding="ascii")
    # of a key that no venue is shown
    keys = {"BYBIT_API_KEY": "k-unused", "BYBIT_API_SECRET": "s-unused"}
    code = (
        f"import sys\nsys.modules['{module}'] = None\n"
        f"from mmbot.cli.app import run_cli\nsys.exit(run_cli({args}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | keys,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"E_CFG_MISSING: {module} is not installed: pip install 'mmbot[{extra}]'"
    )
