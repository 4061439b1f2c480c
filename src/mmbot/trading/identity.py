"""Who a session is: its id, and the client order ids that its orders carry."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mmbot.clock import artifact_stamp
from mmbot.config import AppConfig, cfg_hash
from mmbot.ids import cid_prefix, cid_text, session_id

__all__ = ["SessionIdentity"]


@dataclass(frozen=True, slots=True)
class SessionIdentity:
    """One session of a bot.

    `session` is the id in records and artifacts, `cid_prefix` what its client order ids begin with;
    `symbols` are in the engine's order.
    """

    session: str
    cid_prefix: str
    cfg_hash: str
    symbols: tuple[str, ...]

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
        session = session_id(artifact_stamp(env), digest)
        prefix = cid_prefix(
            env=env.get("MM_ENV") or "dev", lock_key=config.ha_failover.lock_key, session=session
        )
        return cls(session, prefix, digest, tuple(symbols))

    def cid_text(self, symbol: int) -> Callable[[int], str]:
        """The client order id that the venue sees, of the core's number of an order of `symbol`."""
        return functools.partial(
            cid_text, self.cid_prefix, symbol=symbol, symbols=len(self.symbols)
        )
