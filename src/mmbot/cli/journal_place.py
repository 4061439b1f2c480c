"""Where a journal lies: a path, a session id, or the newest session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mmbot.errors import ConfigError, StoreError
from mmbot.store.journal import JournalReader, list_sessions
from mmbot.store.journal.segments import SUFFIX

__all__ = ["journal_dir", "located", "session_of"]


def journal_dir(config: Path | None) -> Path:
    """`storage.journal_dir`."""
    # half a second; a journal that is named by its path needs no configuration
    from mmbot.config import ConfigRequest, load_config  # noqa: PLC0415

    loaded = load_config(ConfigRequest(path=config))
    return Path(loaded.config.storage.journal_dir)


def located(place: str, config: Path | None) -> Path:
    """A path, or the directory of a session id.

    Raises:
        ConfigError: ``E_CFG_MISSING`` for what is neither.
    """
    for path in _candidates(place, config):
        if path.is_dir() or (path.suffix == SUFFIX and path.is_file()):
            return path
    raise ConfigError("E_CFG_MISSING", place, "is neither a journal nor a session id")


def session_of(directory: Path, order_id: str | None) -> Path:
    """The newest session of a directory of journals, or the one that an order is of.

    Raises:
        ConfigError: ``E_CFG_MISSING`` when there is none.
    """
    newest: tuple[int, str, Path] | None = None
    for session in list_sessions(directory):
        try:
            header = JournalReader(session).header()
        except StoreError:
            continue  # `mmbot journal ls` shows what is wrong with it
        if order_id is not None and order_id.startswith(header["cid_prefix"]):
            return session
        begun_ns = (session / f"0{SUFFIX}").stat().st_mtime_ns
        newest = max(newest or (0, "", session), (begun_ns, session.name, session))
    if newest is None:
        raise ConfigError("E_CFG_MISSING", str(directory), "holds no journal of a session")
    return newest[2]


def _candidates(place: str, config: Path | None) -> Iterator[Path]:
    yield Path(place)
    if "/" not in place and "\\" not in place:
        yield journal_dir(config) / place
