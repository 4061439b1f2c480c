"""Strategy parameters from a file: a plain map, or the report of a search that holds one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mmbot.config.quoting import is_parameter
from mmbot.errors import ConfigError
from mmbot.research.calibration import (
    CALIBRATION_KEYS,
    QUEUE_POWER_KEY,
    parse_calibration,
    read_json_object,
)

__all__ = ["ParameterFile", "load_parameters", "parse_parameters"]

# Where the reports of searches keep their parameters.
_HOLDERS: Final = ("champion_params", "best_params", "params")
_SIMULATOR: Final = frozenset({*CALIBRATION_KEYS, QUEUE_POWER_KEY})


@dataclass(frozen=True, slots=True)
class ParameterFile:
    """What a file sets: configuration assignments ``KEY=VALUE``, and simulator parameters."""

    sets: tuple[str, ...] = ()
    simulator: Mapping[str, float] = field(default_factory=dict)


def load_parameters(path: Path | None) -> ParameterFile:
    """Read a parameter file; no file sets nothing.

    Raises:
        ConfigError: ``E_CFG_MISSING``, ``E_CFG_PARSE``, ``E_CFG_TYPE`` for a value that is no
        scalar or list; ``E_CALIB_RANGE`` for a simulator parameter.
    """
    return ParameterFile() if path is None else parse_parameters(read_json_object(path), str(path))


def parse_parameters(values: Mapping[str, Any], place: str) -> ParameterFile:
    """The parameters of a plain map, of a ``champion.json`` or of a ``calibration.json``.

    A bare name is a quoting parameter or means ``strategy.<name>``; simulator parameters may stand
    beside them.
    """
    for holder in _HOLDERS:
        held = values.get(holder)
        if isinstance(held, Mapping):
            values = held
            break
    simulator = {key: value for key, value in values.items() if key in _SIMULATOR}
    if simulator:
        checked = parse_calibration(simulator, place)
        simulator = {key: checked[key] for key in simulator}
    sets = tuple(
        f"{_full_name(key)}={_text(key, value, place)}"
        for key, value in values.items()
        if key not in _SIMULATOR
    )
    return ParameterFile(sets, simulator)


def _full_name(name: str) -> str:
    return name if "." in name or is_parameter(name) else f"strategy.{name}"


def _text(key: str, value: object, place: str) -> str:
    if isinstance(value, bool | int | float | str | list):
        return value if isinstance(value, str) else json.dumps(value)
    raise ConfigError("E_CFG_TYPE", key, f"must be a number, text or list ({place})")
