"""The formats that can be imported, in the order in which they are tried on a file."""

from __future__ import annotations

from mmbot.errors import ConfigError, MarketDataError
from mmbot.market.importers import frames, make_feed, native, tick_jsonl
from mmbot.market.importers.base import Format

__all__ = ["FORMATS", "detect", "format_named"]

FORMATS: tuple[Format, ...] = (
    frames.FORMAT,
    tick_jsonl.FORMAT,
    make_feed.FORMAT,
    *native.FORMATS,
)


def detect(path: str, first: bytes) -> Format:
    """The format that the first bytes show.

    Raises:
        MarketDataError: ``E_REC_IMPORT`` if none does.
    """
    for candidate in FORMATS:
        if candidate.matches(first):
            return candidate
    raise MarketDataError(
        "E_REC_IMPORT",
        f"file={path} line=1",
        f"is of no known format ({', '.join(f.name for f in FORMATS)}); give one with --format",
    )


def format_named(name: str) -> Format:
    """The format of a name.

    Raises:
        ConfigError: ``E_CFG_RANGE`` for an unknown name.
    """
    for candidate in FORMATS:
        if candidate.name == name:
            return candidate
    raise ConfigError("E_CFG_RANGE", "format", f"must be one of {[f.name for f in FORMATS]}")
