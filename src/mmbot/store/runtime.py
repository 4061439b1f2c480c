"""Where artifacts lie and who wrote them: their directory, the version, the `runtime` block."""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from mmbot.clock import artifact_utc
from mmbot.errors import ConfigError

__all__ = ["artifact_path", "artifacts_dir", "git_sha", "runtime_block", "version"]

_GIT_TIMEOUT_SEC = 5


def artifacts_dir(env: Mapping[str, str] | None = None) -> Path:
    """The root of every artifact: `ARTIFACTS_DIR`, or ``artifacts`` in the working directory."""
    env = os.environ if env is None else env
    return Path(env.get("ARTIFACTS_DIR") or "artifacts")


def artifact_path(*parts: str, env: Mapping[str, str] | None = None) -> Path:
    """The path of one artifact, such as ``artifact_path("soak", "latest", "RUN.json")``.

    Raises:
        ConfigError: ``E_CFG_ARTIFACTS_DIR`` when the parts lead out of the artifacts directory.
    """
    relative = Path(*parts)
    if relative.is_absolute() or ".." in relative.parts:
        raise ConfigError(
            "E_CFG_ARTIFACTS_DIR", str(relative), "leads out of the artifacts directory"
        )
    return artifacts_dir(env) / relative


def version(env: Mapping[str, str] | None = None) -> str:
    """`MM_VERSION`, or the version of the installed package."""
    env = os.environ if env is None else env
    if env.get("MM_VERSION"):
        return env["MM_VERSION"]
    try:
        return metadata.version("mmbot")
    except metadata.PackageNotFoundError:
        return "unknown"


def runtime_block(
    *, mode: str | None = None, env: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The `runtime` block of a report: `utc`, `version`, and `mode` where an engine ran."""
    block = {"utc": artifact_utc(env), "version": version(env)}
    if mode is not None:
        block["mode"] = mode
    return block


@functools.cache
def git_sha() -> str:
    """The first 8 digits of the sources' commit, or ``unknown`` outside a checkout."""
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        # An installed package may lie inside somebody else's checkout.
        return "unknown"
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "--short=8", "HEAD"],
            cwd=root,
            capture_output=True,
            check=True,
            text=True,
            timeout=_GIT_TIMEOUT_SEC,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip()[:8] or "unknown"
