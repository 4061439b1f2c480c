"""Which store a command means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from mmbot.config import ConfigRequest, load_config
from mmbot.config.operations import StorageConfig
from mmbot.store.sql.engine import open_engine

__all__ = ["at_url", "opened", "storage_config"]


@contextmanager
def opened(url: str | None, config: Path | None, *, read_only: bool = False) -> Iterator[Engine]:
    """The store at `url`, else that of the configuration.

    Raises:
        ConfigError: as `mmbot.store.sql.engine.open_engine`.
    """
    if url is not None:
        with at_url(url, key="--url", read_only=read_only) as engine:
            yield engine
        return
    with at_url(storage_config(config).url, key="storage.url", read_only=read_only) as engine:
        yield engine


@contextmanager
def at_url(url: str, *, key: str, read_only: bool = False) -> Iterator[Engine]:
    """The store at `url`, disposed of at the end."""
    engine = open_engine(url, read_only=read_only, key=key)
    try:
        yield engine
    finally:
        engine.dispose()


def storage_config(config: Path | None) -> StorageConfig:
    """Section `storage` of the configuration."""
    return load_config(ConfigRequest(path=config)).config.storage
