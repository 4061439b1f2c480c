"""Configuration: one immutable object of sections, built from layers that remember their origin.

``load_config(ConfigRequest(...))`` gives the configuration in force and where each value comes
from; `RuntimeConfig` holds it for a running session and changes it there; `lane_params` and
`session_params` are what the trading core takes of it.
"""

from mmbot.config.app import AppConfig
from mmbot.config.changes import ConfigChange
from mmbot.config.describe import (
    Explanation,
    cfg_hash,
    describe,
    difference,
    explain,
    format_value,
    unit_findings,
)
from mmbot.config.lanes import lane_params, sim_params
from mmbot.config.loader import (
    DEFAULT_PATH,
    ConfigRequest,
    LoadedConfig,
    check_config,
    load_config,
)
from mmbot.config.runtime import RuntimeConfig
from mmbot.config.session import session_params

__all__ = [
    "DEFAULT_PATH",
    "AppConfig",
    "ConfigChange",
    "ConfigRequest",
    "Explanation",
    "LoadedConfig",
    "RuntimeConfig",
    "cfg_hash",
    "check_config",
    "describe",
    "difference",
    "explain",
    "format_value",
    "lane_params",
    "load_config",
    "session_params",
    "sim_params",
    "unit_findings",
]
