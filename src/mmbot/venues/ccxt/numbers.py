"""ccxt's numbers as decimal texts, and back.

ccxt turns the venue's texts into binary floats. A decimal of up to 15 significant digits survives
that exactly: the shortest text that gives the same float is the venue's own (IEEE 754 doubles carry
53 bits). Nothing is computed with the float.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

__all__ = ["decimal_of", "text_of", "whole_ns"]


def decimal_of(value: object) -> Decimal | None:
    """The number that the venue meant; None for nothing, for text that is none, for infinities."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(repr(value) if isinstance(value, float) else str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def text_of(number: Decimal) -> str:
    """The number without an exponent and without trailing zeros."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def whole_ns(milliseconds: object) -> int:
    """Nanoseconds of a time in milliseconds; 0 where the venue told none."""
    number = decimal_of(milliseconds)
    return 0 if number is None else int(number * 1_000_000)
