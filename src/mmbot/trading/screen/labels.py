"""What a screen says of a session that does not change while it runs."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Labels"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """See the module; `decimals` are those of a price."""

    symbol: str
    mode: str
    market: str
    speed: str
    decimals: int
