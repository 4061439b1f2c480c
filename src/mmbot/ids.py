"""Identifiers and seeds that are derived, never drawn: equal inputs give equal ids everywhere.

A seed for a part of a run depends only on the run's seed, on what it is for and on its indices, so
results do not depend on the number of workers or on which other parts run beside.
"""

from __future__ import annotations

import hashlib
from typing import Final

__all__ = ["base36", "bot_prefix", "cid_prefix", "cid_text", "sub_seed"]

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
# 4 and 8 digits leave room for a sequence number within the 36 characters that venues allow.
_BOT_DIGITS: Final = 4
_SESSION_DIGITS: Final = 8
_SLOT_BITS: Final = 8


def sub_seed(seed: int, purpose: str, i: int = 0, j: int = 0) -> int:
    """The 64-bit seed of one part of a run: 8 bytes of SHA-256 of ``<seed>:<purpose>:<i>:<j>``."""
    digest = hashlib.sha256(f"{seed}:{purpose}:{i}:{j}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def bot_prefix(*, env: str, lock_key: str) -> str:
    """What every client order id of a bot begins with, whatever its session: ``mm{bot}``.

    `bot` names the bot and not the instance, so that after a failover the new leader knows its
    predecessor's orders.
    """
    return "mm" + _sha1_base36(f"{env}|{lock_key}", _BOT_DIGITS)


def cid_prefix(*, env: str, lock_key: str, session: str) -> str:
    """What every client order id of a session begins with: ``mm{bot}{session}-``."""
    bot = bot_prefix(env=env, lock_key=lock_key)
    return f"{bot}{_sha1_base36(session, _SESSION_DIGITS)}-"


def cid_text(prefix: str, cid: int, *, symbol: int, symbols: int) -> str:
    """The client order id that the venue sees: ``mm{bot}{session}-{seq}``.

    Args:
        prefix: `cid_prefix`.
        cid: the core's number of the order, whose low byte is its place in the order table.
        symbol: index of the symbol in the session.
        symbols: number of symbols of the session, over all of which `seq` counts.
    """
    return prefix + base36((cid >> _SLOT_BITS) * symbols + symbol)


def base36(value: int) -> str:
    """Print a non-negative integer with the digits 0-9a-z."""
    assert value >= 0
    digits = []
    while True:
        value, digit = divmod(value, 36)
        digits.append(_DIGITS[digit])
        if value == 0:
            return "".join(reversed(digits))


def _sha1_base36(text: str, count: int) -> str:
    # SHA-1 as the specification of the id says; nothing here is a secret.
    value = int.from_bytes(hashlib.sha1(text.encode(), usedforsecurity=False).digest(), "big")
    return base36(value % 36**count).rjust(count, "0")
