"""Builds the market of a venue that a simulated session follows while it happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from mmbot.cli.live_venue import instrument_of, open_source
from mmbot.cli.markets import SymbolMarket
from mmbot.config import AppConfig
from mmbot.market.writer import Series
from mmbot.trading.following import FollowedMarket

__all__ = ["followed_markets"]

_DEPTH: Final = 50


@contextmanager
def followed_markets(
    config: AppConfig, *, seed: int, log: Callable[[str], None]
) -> Iterator[list[SymbolMarket]]:
    """One market per symbol, of `trading.venue`; no key is needed.

    Raises:
        MmbotError: the venue cannot be asked.
    """
    symbols = config.trading.symbols
    followed = FollowedMarket(
        lambda: open_source(config, mode="paper", seed=seed).port,
        symbols,
        instrument_of=instrument_of,
        depth=_DEPTH,
        log=log,
    )
    with followed:
        yield [
            SymbolMarket(
                instrument_of(rules),
                feed.chunks,
                f"{followed.name} live",
                lambda: "",
                Series(
                    venue=followed.name,
                    symbol=rules.symbol,
                    tick_size=rules.tick_size,
                    lot_size=rules.lot_size,
                    cfg_hash="",
                    market=config.trading.category,
                    contract_size="1",
                ),
            )
            for feed, rules in zip(followed.feeds(), followed.rules.values(), strict=True)
        ]
