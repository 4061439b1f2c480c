"""The commands that the documents show run as they are written there."""

import re
import shlex
from pathlib import Path

import pytest

from mmbot.cli.app import run_cli

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Gates fail on a small file without tuning; that is what the exit code says.
GATED = re.compile(r"--gate ")


def commands(name):
    text = (ROOT / "docs" / name).read_text(encoding="ascii")
    lines = [line for block in FENCE.findall(text) for line in block.splitlines()]
    found = [line for line in lines if line.startswith("mmbot ")]
    assert len(found) == len(lines) > 0
    # These need the reader's own recordings.
    return [line for line in found if "data/research" not in line]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["backtest.md", "edge.md"])
def test_commands_run(name, tmp_path, monkeypatch, capsys):
    (tmp_path / "tests").symlink_to(ROOT / "tests", target_is_directory=True)
    (tmp_path / "config").symlink_to(ROOT / "config", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    for line in commands(name):
        code = run_cli(shlex.split(line)[1:])
        assert code == (2 if GATED.search(line) else 0), (line, capsys.readouterr().err)
