"""``runtime_overrides.json``: the quoting parameters that the next session starts from.

A session rewrites it with every change. What somebody else has edited in it since is told apart
from what the session wrote, so that a reload takes the edit and not the session's own values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from mmbot.clock import artifact_stamp
from mmbot.config.parameter_sources import parse_overrides
from mmbot.config.sources import read_file
from mmbot.errors import ConfigError, StoreError
from mmbot.store.artifacts import write_json

__all__ = ["OverridesFile", "set_aside_if_corrupt"]

_DECIMALS: Final = 10


class OverridesFile:
    """The file of one session.

    Args:
        path: where it lies.
        source: what it held at the start.
    """

    def __init__(self, path: Path, source: Mapping[str, float]) -> None:
        self._path = path
        self._source = dict(source)
        self.written = dict(source)

    def write(self, parameters: Mapping[str, float]) -> None:
        """Put `parameters` into the file; nothing named and no file: none is made.

        Raises:
            StoreError: ``E_STORE_DISK``; the file is as it was.
        """
        if parameters or self._path.exists():
            write_json(self._path, dict(parameters), dp=_DECIMALS)
            self.written = {name: round(value, _DECIMALS) for name, value in parameters.items()}

    def source(self) -> dict[str, float]:
        """The file as a layer: what it held at the start, and what others have edited since.

        Raises:
            ConfigError: ``E_CFG_RUNTIME_OVERRIDES``, ``E_PROFILE_KEY``, ``E_CFG_TYPE``.
        """
        data = read_file(self._path)
        now = {} if data is None else parse_overrides(data, str(self._path))
        source = dict(self._source)
        for name in now.keys() | self.written.keys():
            if name not in now:
                source.pop(name, None)
            elif now[name] != self.written.get(name):
                source[name] = now[name]
        return source

    def adopt(self, source: Mapping[str, float]) -> None:
        """A reload has taken `source` over as the layer."""
        self._source = dict(source)


def set_aside_if_corrupt(
    path: Path, env: Mapping[str, str], log: Callable[[str], None]
) -> ConfigError | None:
    """Rename a damaged file to ``<name>.corrupt.<stamp>``; return what was wrong with it."""
    data = read_file(path)
    try:
        if data is not None:
            parse_overrides(data, str(path))
    except ConfigError as exc:
        if exc.code != "E_CFG_RUNTIME_OVERRIDES":
            return None
        aside = path.with_name(f"{path.name}.corrupt.{artifact_stamp(env)}")
        try:
            path.replace(aside)
        except OSError as refused:
            reason = refused.strerror or type(refused).__name__
            raise StoreError(
                "E_STORE_DISK", f"file={path}", f"cannot be renamed: {reason}"
            ) from exc
        log(f"| config | ERROR | {exc} |")
        log(f"| config | SAVED | path={aside} |")
        return exc
    return None
