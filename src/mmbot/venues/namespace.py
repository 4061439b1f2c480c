"""Whose an order is: by its client order id, ``mm{bot}{session}-{seq}`` (`mmbot.ids`).

`bot` is the same in all sessions and instances of one bot, `session` is the epoch, `seq` counts in
it. Whatever begins otherwise is foreign: never amended, never cancelled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mmbot.errors import VenueError
from mmbot.ids import bot_prefix

__all__ = ["CidNamespace", "CidParts"]

_OWN: Final = re.compile(r"(mm[0-9a-z]{4})([0-9a-z]{8})-([0-9a-z]{1,21})", re.ASCII)


@dataclass(frozen=True, slots=True)
class CidParts:
    """A client order id of some bot of ours: ``mm{bot}``, the session's digits, the counter."""

    bot: str
    session: str
    seq: int


@dataclass(frozen=True, slots=True)
class CidNamespace:
    """The orders of one bot; `bot` is ``mm`` and four digits."""

    bot: str

    @classmethod
    def of(cls, *, env: str, lock_key: str) -> CidNamespace:
        """The namespace of a bot (``MM_ENV``, ``ha_failover.lock_key``)."""
        return cls(bot_prefix(env=env, lock_key=lock_key))

    def parts(self, cid: str) -> CidParts | None:
        """The parts of an id that a session of this bot made; None for everything else."""
        found = _OWN.fullmatch(cid)
        if found is None or found[1] != self.bot:
            return None
        return CidParts(found[1], found[2], int(found[3], 36))

    def owns(self, cid: str) -> bool:
        """Whether an order with this id may be touched."""
        return cid.startswith(self.bot)

    def check(self, cid: str, symbol: str) -> None:
        """Let only own ids pass.

        Raises:
            VenueError: ``E_VENUE_FOREIGN``.
        """
        if not self.owns(cid):
            raise VenueError(
                "E_VENUE_FOREIGN",
                f"symbol={symbol} cid={cid or '-'}",
                f"is not an order of {self.bot}",
            )
