"""What the venue changes while a session runs: rules of instruments, fees of the account.

Asked for from time to time, compared, and told as changes. A question that fails changes nothing
and is asked again next time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mmbot.units import NS_PER_SEC
from mmbot.venues.ports import CallError
from mmbot.venues.records import FeeRates, InstrumentRules

__all__ = [
    "FeeChange",
    "ReferenceChange",
    "ReferenceQueries",
    "RulesChange",
    "changes_between",
    "reference_changes",
]

T = TypeVar("T", InstrumentRules, FeeRates)


class ReferenceQueries(Protocol):
    """What is asked; a part of `VenueQueries`."""

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, InstrumentRules]:
        """See `VenueQueries`."""
        ...

    async def fee_rates(self, symbols: Sequence[str]) -> Mapping[str, FeeRates]:
        """See `VenueQueries`."""
        ...


@dataclass(frozen=True, slots=True)
class RulesChange:
    """An instrument has other rules; `after` is None while it is not traded."""

    symbol: str
    before: InstrumentRules | None
    after: InstrumentRules | None


@dataclass(frozen=True, slots=True)
class FeeChange:
    """The account pays other fees for a symbol."""

    symbol: str
    before: FeeRates | None
    after: FeeRates | None


ReferenceChange = RulesChange | FeeChange


def changes_between(
    before: Mapping[str, T], after: Mapping[str, T], symbols: Sequence[str]
) -> list[tuple[str, T | None, T | None]]:
    """Symbol, before and after of all that differ, in the order of `symbols`."""
    return [
        (symbol, before.get(symbol), after.get(symbol))
        for symbol in symbols
        if before.get(symbol) != after.get(symbol)
    ]


async def reference_changes(
    queries: ReferenceQueries,
    symbols: Sequence[str],
    *,
    period_ns: int,
    rules: Mapping[str, InstrumentRules],
    fees: Mapping[str, FeeRates],
) -> AsyncGenerator[ReferenceChange]:
    """Changes against what the session began with, for ever.

    Args:
        queries: the venue.
        symbols: what is traded.
        period_ns: time between two questions.
        rules: instruments as the session knows them.
        fees: fees as the session knows them.
    """
    while True:
        await asyncio.sleep(period_ns / NS_PER_SEC)
        try:
            new_rules = await queries.instruments(symbols)
            new_fees = await queries.fee_rates(symbols)
        except CallError:
            continue
        for change in changes_between(rules, new_rules, symbols):
            yield RulesChange(*change)
        for change_of_fee in changes_between(fees, new_fees, symbols):
            yield FeeChange(*change_of_fee)
        rules, fees = new_rules, new_fees
