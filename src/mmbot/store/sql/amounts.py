"""Exact amounts in SQL: NUMERIC(38,18) on PostgreSQL, the same digits as text on SQLite.

SQLite would keep a NUMERIC as a float. Text keeps every digit; it is never compared or summed in
SQL, sums are made here in `decimal`.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from sqlalchemy import Dialect, Numeric, String
from sqlalchemy.types import TypeDecorator, TypeEngine

from mmbot.errors import StoreError

__all__ = ["DECIMALS", "EXACT", "Amount", "amount", "amount_text"]

DECIMALS: Final = 18
_DIGITS: Final = 38
_STEP: Final = Decimal(1).scaleb(-DECIMALS)
_LIMIT: Final = Decimal(10) ** (_DIGITS - DECIMALS)
#: Twice the digits of an amount, so that a product of two is exact before it is rounded.
EXACT: Final = Context(prec=2 * _DIGITS, rounding=ROUND_HALF_EVEN)


def amount(value: Decimal) -> Decimal:
    """`value` with the digits that are stored, rounded half to even.

    Raises:
        StoreError: ``E_STORE_NONFINITE``, ``E_STORE_TYPE`` for 10^20 and more.
    """
    if not value.is_finite():
        raise StoreError("E_STORE_NONFINITE", "amount", f"is {value}")
    if value.copy_abs() >= _LIMIT:
        raise StoreError("E_STORE_TYPE", "amount", f"has more than {_DIGITS} digits: {value}")
    return value.quantize(_STEP, context=EXACT)


def amount_text(value: Decimal) -> str:
    """The shortest decimal text of a stored amount: equal amounts, equal texts."""
    if not value:
        return "0"
    return format(value.normalize(EXACT), "f")


class Amount(TypeDecorator[Decimal]):
    """A column of amounts; see the module."""

    impl = Numeric
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(_DIGITS, DECIMALS)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Decimal]:
        """Text on SQLite."""
        if dialect.name == "sqlite":
            # the longest: sign, 20 digits, point, 18 digits
            return dialect.type_descriptor(String(40))  # type: ignore[arg-type]
        return dialect.type_descriptor(Numeric(_DIGITS, DECIMALS))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> object:
        """Round to what is stored."""
        if value is None:
            return None
        exact = amount(value)
        return amount_text(exact) if dialect.name == "sqlite" else exact

    def process_result_value(self, value: object, dialect: Dialect) -> Decimal | None:
        """A `Decimal` on both."""
        del dialect
        return None if value is None else Decimal(str(value))
