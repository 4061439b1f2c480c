"""Starting `mmbot run` as a process of its own, in directories of its own."""

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MMBOT = [sys.executable, "-c", "from mmbot.cli.app import main; main()"]
TIMEOUT_S = 120
PATIENCE_LONG_S = 7_200


def environment(tmp_path, **more):
    """The test's own directories, and none of the caller's configuration."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MM_")}
    return {**kept, "ARTIFACTS_DIR": str(tmp_path / "artifacts"), "MM_FREEZE_UTC": "1", **more}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def mmbot(tmp_path, *args, **env):
    """Run a command to its end."""
    return subprocess.run(
        [*MMBOT, *args],
        cwd=tmp_path,
        env=environment(tmp_path, **env),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def run(tmp_path, *args, **env):
    """Run a session without a screen to its end."""
    return mmbot(tmp_path, "run", "--headless", *args, **env)


def start(tmp_path, *args, **env):
    """Start a session without a screen; its output comes through pipes."""
    return start_command(tmp_path, "run", "--headless", *args, **env)


def start_command(tmp_path, *args, **env):
    """Start any command; its output comes through pipes."""
    return subprocess.Popen(
        [*MMBOT, *args],
        cwd=tmp_path,
        env=environment(tmp_path, **env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
