from pathlib import Path

import pytest

from mmbot.errors import ConfigError
from mmbot.store.runtime import artifact_path, artifacts_dir, git_sha, runtime_block, version


def test_artifacts_lie_in_the_working_directory_unless_told_otherwise(monkeypatch, tmp_path):
    assert artifacts_dir({}) == Path("artifacts")
    assert artifacts_dir({"ARTIFACTS_DIR": "/x"}) == Path("/x")
    monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path))
    assert artifact_path("soak", "RUN.json") == tmp_path / "soak" / "RUN.json"


@pytest.mark.parametrize("part", ["..", "/etc/passwd", "a/../../b"])
def test_artifact_cannot_leave_the_directory(part):
    with pytest.raises(ConfigError) as caught:
        artifact_path(part)
    assert caught.value.code == "E_CFG_ARTIFACTS_DIR"


def test_runtime_block_is_frozen_with_the_clock():
    env = {"MM_FREEZE_UTC": "1", "MM_VERSION": "9.9"}
    assert runtime_block(env=env) == {"utc": "1970-01-01T00:00:00Z", "version": "9.9"}
    assert runtime_block(mode="paper", env=env)["mode"] == "paper"


def test_version_is_never_empty():
    assert version({})


def test_git_sha_has_eight_digits_or_says_unknown():
    sha = git_sha()
    assert sha == "unknown" or (len(sha) == 8 and int(sha, 16) >= 0)
