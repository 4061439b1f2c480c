"""A project directory with the shipped profiles, and sessions of configuration in it."""

import shutil
from pathlib import Path

import pytest

from mmbot.config import ConfigRequest, RuntimeConfig

ROOT = Path(__file__).parents[3]
SECOND = 1_000_000_000


class Project:
    """The working directory: one configuration file, and what sessions in it have said."""

    path = Path("config/app.yaml")
    overrides = Path("artifacts/soak/runtime_overrides.json")
    values = Path("artifacts/config/runtime_values.json")
    report = Path("artifacts/soak/applied_profile.json")

    def __init__(self):
        self.lines: list[str] = []
        self.now_ns = 0

    def write(self, text, path=None):
        path = Path(path or self.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(self, *sets, profile=None, env=None, **more):
        env = {"MM_FREEZE_UTC": "1"} | (env or {})
        request = ConfigRequest(sets=sets, profile=profile, env=env, **more)
        return RuntimeConfig.start(request, self.lines.append)

    def poll(self, runtime, seconds=1):
        """Let the session poll once a second; give all changes."""
        changes = []
        for _ in range(seconds):
            self.now_ns += SECOND
            changes += runtime.poll(self.now_ns)
        return changes


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    shutil.copytree(ROOT / "config" / "profiles", tmp_path / "config" / "profiles")
    shutil.copy(ROOT / "config" / "profiles.yaml", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    made = Project()
    made.write("trading: {symbols: [BTCUSDT]}\n")
    return made
