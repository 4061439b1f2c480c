"""What is recorded of a session, and whether it can be, before anything is built for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmbot.errors import ConfigError

if TYPE_CHECKING:
    from mmbot.config import AppConfig
    from mmbot.config.changes import InForce

__all__ = ["RecordChoices", "check_directory", "is_recorded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordChoices:
    """What is recorded of a session.

    Attributes:
        mode: of the session.
        wanted: False with ``--no-record``.
        market: whether the market data are recorded, which makes no sense for a recording.
        waits: whether market time may wait for the recorder: at full speed nothing else paces it.
    """

    mode: str
    wanted: bool
    market: bool
    waits: bool


def is_recorded(choices: RecordChoices, state: InForce) -> bool:
    """Off by itself in mode sim, where nothing happens that could not be had again."""
    if not choices.wanted or not state.config.recorder.enabled:
        return False
    said = state.loaded.origin(("recorder", "enabled"))
    return choices.mode != "sim" or said != "default"


def check_directory(config: AppConfig) -> None:
    """Frames are written where a crash loses nothing of them.

    Raises:
        ConfigError: ``E_CFG_RANGE`` for a ``recorder.data_dir`` that is no local directory.
    """
    if "://" in config.recorder.data_dir:
        raise ConfigError("E_CFG_RANGE", "recorder.data_dir", "must be a local directory here")
