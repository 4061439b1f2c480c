"""Who a session is: its id, and the client order ids that its orders carry."""

from __future__ import annotations

import functools
import os
import platform
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mmbot import clock
from mmbot.config import AppConfig, cfg_hash
from mmbot.ids import bot_prefix, cid_prefix, cid_text
from mmbot.store.journal.segments import session_path
from mmbot.store.runtime import git_sha, version

__all__ = ["SessionIdentity", "new_session_id", "session_facts"]

_NAMESPACE: Final = uuid.UUID("5f0c1a52-6f36-5d1c-9a51-0d0b5f5b8a11")
_FROZEN: Final = ("MM_FREEZE_UTC_ISO", "MM_FREEZE_UTC")


def new_session_id(directory: Path | str, config_hash: str) -> str:
    """A UUID that no journal below `directory` has.

    It is derived from the instant, the process and the configuration; with a frozen clock from the
    artifact clock and the configuration alone, so that equal runs have equal ids.
    """
    if _is_frozen(os.environ):
        instant = str(clock.artifact_ns())
    else:
        instant = f"{clock.wall_ns()}:{os.getpid()}"
    number = 0
    while True:
        session = str(uuid.uuid5(_NAMESPACE, f"{instant}:{config_hash}:{number}"))
        if not session_path(directory, session).exists():
            return session
        number += 1


def session_facts(config: AppConfig, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Who a session is beside its id: venue, environment, instance, region, version, commit.

    The venue names the account: another one for the test endpoints and for each kind of instrument.
    With a frozen clock the instance names neither machine nor process.
    """
    env = os.environ if env is None else env
    trading = config.trading
    instance = env.get("MM_INSTANCE") or "frozen"
    if not env.get("MM_INSTANCE") and not _is_frozen(env):
        instance = f"{platform.node()}-{os.getpid()}"
    test = "-testnet" if trading.use_testnet else ""
    return {
        "venue": f"{trading.venue}{test}-{trading.category}",
        "env": env.get("MM_ENV") or "dev",
        "instance": instance,
        "region": env.get("MM_REGION") or "local",
        "version": version(env),
        "git_sha": git_sha(),
    }


def _is_frozen(env: Mapping[str, str]) -> bool:
    return any(env.get(name) for name in _FROZEN)


@dataclass(frozen=True, slots=True)
class SessionIdentity:
    """One session of a bot.

    `session` is the id in records and artifacts, `cid_prefix` what its client order ids begin with,
    `bot_prefix` what those of all sessions of the bot begin with; `symbols` are in the engine's
    order.
    """

    session: str
    cid_prefix: str
    cfg_hash: str
    symbols: tuple[str, ...]
    bot_prefix: str = ""

    @classmethod
    def of(
        cls, config: AppConfig, symbols: Sequence[str], env: Mapping[str, str] | None = None
    ) -> SessionIdentity:
        """The identity of a session that starts now with `config`.

        Raises:
            ConfigError: ``E_CFG_TYPE`` when a variable that freezes the clock is malformed.
        """
        env = os.environ if env is None else env
        digest = cfg_hash(config)
        session = new_session_id(config.storage.journal_dir, digest)
        bot_env, lock_key = env.get("MM_ENV") or "dev", config.ha_failover.lock_key
        prefix = cid_prefix(env=bot_env, lock_key=lock_key, session=session)
        bot = bot_prefix(env=bot_env, lock_key=lock_key)
        return cls(session, prefix, digest, tuple(symbols), bot)

    def cid_text(self, symbol: int) -> Callable[[int], str]:
        """The client order id that the venue sees, of the core's number of an order of `symbol`."""
        return functools.partial(
            cid_text, self.cid_prefix, symbol=symbol, symbols=len(self.symbols)
        )
