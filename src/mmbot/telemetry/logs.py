"""Structured logs: one ASCII line an event, on stderr, without secrets.

A line is ``2026-01-02T03:04:05Z INFO component event key=value ...`` with keys in alphabetical
order, or one JSON object with the same fields. Marker lines, ``| component | STATUS | key=value
|``, are contracts that other programs read; they are built by `marker` and carry no time.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, TextIO, cast

import structlog

from mmbot.clock import wall_ns
from mmbot.errors import ConfigError, ascii_line
from mmbot.redact import redact_mapping
from mmbot.store.canonical import canonical_json
from mmbot.units import format_utc

__all__ = ["LEVELS", "configure_logging", "get_logger", "log_level", "marker"]

LEVELS: Final[Mapping[str, int]] = {
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARNING": logging.WARNING,
    "ERROR": logging.ERROR,
}

EventDict = MutableMapping[str, Any]


def configure_logging(
    level: str = "INFO", *, stream: TextIO | None = None, as_json: bool = False
) -> None:
    """Set up logging for the process; the command line calls it once.

    Args:
        level: one of `LEVELS`.
        stream: where lines go; stderr, as it is at the time of each line, when not given.
        as_json: one JSON object a line instead of text.

    Raises:
        ConfigError: ``E_CFG_TYPE`` for an unknown level.
    """
    if level not in LEVELS:
        raise ConfigError("E_CFG_TYPE", "logging.level", f"must be one of {', '.join(LEVELS)}")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _add_time,
            _mask_secrets,
            _render_json if as_json else _render_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(stream or cast("TextIO", _Stderr())),
        cache_logger_on_first_use=False,
    )


def log_level(configured: str = "INFO", env: Mapping[str, str] | None = None) -> str:
    """The level in force: `LOG_LEVEL` of the environment wins over the configured one."""
    env = os.environ if env is None else env
    return (env.get("LOG_LEVEL") or configured).upper()


def get_logger(component: str) -> structlog.typing.FilteringBoundLogger:
    """The logger of a component: ``log.info("event_name", key=value)``."""
    return cast(
        "structlog.typing.FilteringBoundLogger", structlog.get_logger().bind(component=component)
    )


def marker(component: str, status: str, **fields: object) -> str:
    """Build the marker line ``| component | STATUS | key=value |``, fields in the order given."""
    pairs = " ".join(f"{key}={value}" for key, value in redact_mapping(fields).items())
    return ascii_line(
        f"| {component} | {status} | {pairs} |" if pairs else f"| {component} | {status} |"
    )


def _add_time(_logger: object, _method: str, event: EventDict) -> EventDict:
    event["utc"] = format_utc(wall_ns())
    return event


def _mask_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
    return redact_mapping(event)


def _render_line(_logger: object, _method: str, event: EventDict) -> str:
    head = (
        event.pop("utc"),
        str(event.pop("level")).upper(),
        event.pop("component", "mmbot"),
        event.pop("event"),
    )
    fields = (f"{key}={_value(event[key])}" for key in sorted(event))
    return ascii_line(" ".join((*map(str, head), *fields)))


def _render_json(_logger: object, _method: str, event: EventDict) -> str:
    plain = {key: _json_value(value) for key, value in event.items()}
    return canonical_json(plain, nonfinite="null").decode("ascii").rstrip("\n")


def _value(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f'"{text}"' if " " in text else text


def _json_value(value: object) -> object:
    return value if isinstance(value, bool | int | float | None) else str(value)


class _Stderr:
    """Standard error as it is now: tests and terminal views replace it after the set-up."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()
