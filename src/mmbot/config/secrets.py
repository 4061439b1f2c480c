"""Secrets from where they belong: a file named by ``X_FILE``, ``/run/secrets/x``, or ``X``.

Never from a configuration file. What is loaded is masked wherever a text of ours would show it
(`mmbot.redact.hide`). A file that ``X_FILE`` names must be readable by its owner alone; below
``/run/secrets`` the container's runtime sets the modes and keeps others out.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mmbot.errors import ConfigError
from mmbot.redact import hide

__all__ = ["key_name", "load_secret", "require_secret"]

_MOUNTED: Final = Path("/run/secrets")
_MISSING: Final = frozenset({"", "dummy", "test", "none", "n/a"})
_SIZE_MAX: Final = 64 * 1024


def key_name(venue: str) -> str:
    """Name of the API key of a venue (`trading.venue`): ``OKX_API_KEY``."""
    return f"{venue.removeprefix('ccxt:').upper()}_API_KEY"


def load_secret(
    name: str, env: Mapping[str, str] | None = None, *, mounted: Path = _MOUNTED
) -> str | None:
    """The secret `name`, such as ``BYBIT_API_KEY``; None if there is none.

    Args:
        name: of the secret, in upper case.
        env: environment; that of the process by default.
        mounted: where a container finds its secrets.

    Raises:
        ConfigError: ``E_CFG_SECRET`` for a named file that cannot be read or that others can read.
    """
    env = os.environ if env is None else env
    named = env.get(f"{name}_FILE", "")
    if named:
        path = Path(named)
        value = _read(path, name, is_guarded=mounted in path.resolve().parents)
    elif (mounted / name.lower()).is_file():
        value = _read(mounted / name.lower(), name, is_guarded=True)
    else:
        value = env.get(name, "")
    value = value.rstrip("\r\n")
    if value.strip().lower() in _MISSING:
        return None
    hide(value)
    return value


def require_secret(
    name: str, env: Mapping[str, str] | None = None, *, mounted: Path = _MOUNTED
) -> str:
    """As `load_secret`, for what cannot be done without.

    Raises:
        ConfigError: ``E_CFG_SECRET``, also if there is none.
    """
    value = load_secret(name, env, mounted=mounted)
    if value is None:
        raise ConfigError("E_CFG_SECRET", name, f"is not set: use {name}_FILE or {name}")
    return value


def _read(path: Path, name: str, *, is_guarded: bool) -> str:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            data = file.read(_SIZE_MAX + 1)
    except OSError as exc:
        raise ConfigError(
            "E_CFG_SECRET", f"{name}_FILE", f"cannot be read: {path}: {exc.strerror}"
        ) from exc
    if os.name == "posix" and not is_guarded and mode & 0o077:
        raise ConfigError(
            "E_CFG_SECRET", f"{name}_FILE", f"others can read {path} (mode {mode:o}): chmod 600"
        )
    if len(data) > _SIZE_MAX:
        raise ConfigError("E_CFG_SECRET", f"{name}_FILE", f"is too large: {path}")
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as exc:
        raise ConfigError("E_CFG_SECRET", f"{name}_FILE", f"is not ASCII: {path}") from exc
