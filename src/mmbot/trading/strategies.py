"""Loading a user's strategy from ``FILE.py:Class``."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from mmbot.errors import ConfigError
from mmbot.strategy import Strategy

__all__ = ["load_strategy"]

_OPTION = "--strategy"


def load_strategy(text: str, params: Mapping[str, Any]) -> Strategy:
    """Import the file, make the class with `params`.

    Raises:
        ConfigError: ``E_CFG_TYPE`` for another form, a file that fails or a class that is no
        strategy; ``E_CFG_MISSING`` for a file or class that is not there.
    """
    file, colon, name = text.rpartition(":")
    path = Path(file)
    if not colon or not name.isidentifier() or path.suffix != ".py":
        raise ConfigError("E_CFG_TYPE", _OPTION, f"must be FILE.py:Class: {text!r}")
    if not path.is_file():
        raise ConfigError("E_CFG_MISSING", _OPTION, f"file {path} does not exist")
    found = getattr(_import(path), name, None)
    if found is None:
        raise ConfigError("E_CFG_MISSING", _OPTION, f"{path} has no class {name}")
    if not isinstance(found, type) or not issubclass(found, Strategy):
        raise ConfigError("E_CFG_TYPE", _OPTION, f"{name} is not a subclass of mmbot.Strategy")
    try:
        return found(params)
    except Exception as exc:
        raise ConfigError("E_CFG_TYPE", _OPTION, f"{name} failed to start: {exc!r}") from exc


def _import(path: Path) -> ModuleType:
    name = f"mmbot_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name while the file runs.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as exc:
        raise ConfigError("E_CFG_TYPE", _OPTION, f"{path} fails to import: {exc!r}") from exc
    return module
