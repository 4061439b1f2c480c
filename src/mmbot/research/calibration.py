"""Calibration parameters of the simulated exchange: what they mean and how a file gives them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from mmbot.config import AppConfig, sim_params
from mmbot.errors import ConfigError

__all__ = [
    "CALIBRATION_KEYS",
    "QUEUE_POWER_KEY",
    "live_sim_params",
    "load_calibration",
    "parse_calibration",
]

# Parameter -> its range; missing ones are 0.
_RANGES: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "latency_ms_mean": (0.0, 10_000.0),
        "latency_ms_std": (0.0, 10_000.0),
        "amend_latency_ms": (0.0, 10_000.0),
        "cancel_latency_ms": (0.0, 10_000.0),
        "toxic_sweep_prob": (0.0, 1.0),
        "extra_slippage_bps": (0.0, 1_000.0),
    }
)
CALIBRATION_KEYS: Final = tuple(_RANGES)
QUEUE_POWER_KEY: Final = "queue_power_n"
_POWER_RANGE: Final = (0.1, 10.0)


def load_calibration(path: Path | None) -> dict[str, float]:
    """The six parameters, and ``queue_power_n`` when the file has it; all zero without a file.

    Raises:
        ConfigError: ``E_CALIB_KEY``, ``E_CALIB_RANGE``, ``E_CFG_MISSING`` for an unreadable file,
        ``E_CFG_PARSE`` when it is no JSON object.
    """
    return parse_calibration({} if path is None else read_json_object(path), str(path))


def live_sim_params(config: AppConfig, calibration: Path | None) -> dict[str, Any]:
    """The simulated exchange of sessions and soak runs: configuration, a calibration over it.

    Raises:
        ConfigError: as `load_calibration`.
    """
    params: dict[str, Any] = dict(sim_params(config))
    if calibration is not None:
        params |= load_calibration(calibration)
        params["queue_model"] = "calibrated"
    return params


def parse_calibration(values: Mapping[str, Any], place: str) -> dict[str, float]:
    """Check a mapping of calibration parameters; `place` names it in errors."""
    parsed = dict.fromkeys(CALIBRATION_KEYS, 0.0)
    for key, value in values.items():
        bounds = _POWER_RANGE if key == QUEUE_POWER_KEY else _RANGES.get(key)
        if bounds is None:
            known = ", ".join((*CALIBRATION_KEYS, QUEUE_POWER_KEY))
            raise ConfigError("E_CALIB_KEY", str(key), f"is none of {known} ({place})")
        low, high = bounds
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        if number is None or not math.isfinite(number) or not low <= number <= high:
            message = f"must be a number in [{low:g},{high:g}], not {value!r} ({place})"
            raise ConfigError("E_CALIB_RANGE", key, message)
        parsed[key] = float(number)
    return parsed


def read_json_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds one object.

    Raises:
        ConfigError: ``E_CFG_MISSING`` when it cannot be read, ``E_CFG_PARSE`` when it holds
        something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise ConfigError("E_CFG_MISSING", str(path), f"cannot be read: {reason}") from exc
    except (ValueError, RecursionError) as exc:
        raise ConfigError("E_CFG_PARSE", str(path), f"is not JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise ConfigError("E_CFG_PARSE", str(path), "is not a JSON object")
    return value
