"""Colours, characters and number formats of the view, each decided once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["ASCII", "UNICODE", "Glyphs", "money", "price_decimals", "signed", "tone"]

BID: Final = "green"
ASK: Final = "red"
OWN: Final = "bold yellow"
DIM: Final = "bright_black"
LABEL: Final = "cyan"
BORDER: Final = "bright_black"


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Characters of the view; a terminal that is not UTF-8 gets the plain ones."""

    spark: str
    own: str
    bar: str
    rule: str
    ascii_only: bool


UNICODE: Final = Glyphs(
    spark="\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588",
    own="\u25cf",
    bar="\u2588",
    rule="\u2500",
    ascii_only=False,
)
ASCII: Final = Glyphs(spark="_.-=*#", own="*", bar="#", rule="-", ascii_only=True)


def money(value: float, *, decimals: int = 2) -> str:
    """USD with sign and thousands: ``+1,234.50``."""
    # Values that would print as -0.00 are zero.
    rounded = round(value, decimals) + 0.0
    return f"{rounded:+,.{decimals}f}"


def signed(value: float, *, decimals: int = 3) -> str:
    """A number with its sign; zero without."""
    rounded = round(value, decimals) + 0.0
    return f"{rounded:+.{decimals}f}" if rounded else f"{rounded:.{decimals}f}"


def tone(value: float, *, decimals: int = 2) -> str:
    """Green for gains, red for losses, nothing for zero as shown."""
    rounded = round(value, decimals)
    return BID if rounded > 0 else ASK if rounded < 0 else ""


def price_decimals(tick_size: str) -> int:
    """Decimals that a price of this grid needs."""
    _, _, fraction = tick_size.partition(".")
    return len(fraction.rstrip("0"))
