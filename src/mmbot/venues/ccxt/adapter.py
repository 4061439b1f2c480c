"""The venue port on any exchange of ccxt."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Final

from mmbot.venues.budget.turnstile import Turnstile
from mmbot.venues.ccxt.client import CcxtOptions
from mmbot.venues.ccxt.streams import CcxtStreams
from mmbot.venues.failures import Operation
from mmbot.venues.namespace import CidNamespace
from mmbot.venues.ports import Capabilities, LimitInForce

__all__ = ["CcxtVenue"]

_SINGLE: Final = 1


class CcxtVenue(CcxtStreams):
    """One account of one exchange; `mmbot.venues.ports.VenuePort`.

    What goes through ccxt costs: floats are turned into texts again, books are compared level by
    level, a request takes ccxt's own time. For a venue with an adapter of its own, use that.

    Args:
        options: exchange and account.
        symbols: what is traded; account queries of venues that want a symbol ask for these.
        namespace: whose orders may be touched.
        turnstile: rate budget, None without (`budget_rules` makes rules for it).
        draws: source of the jitter of reconnects.
    """

    def __init__(
        self,
        options: CcxtOptions,
        symbols: Sequence[str],
        *,
        namespace: CidNamespace,
        draws: random.Random,
        turnstile: Turnstile | None = None,
    ) -> None:
        super().__init__(options, symbols, namespace=namespace, draws=draws, turnstile=turnstile)

    @property
    def name(self) -> str:
        """The venue's name in files, metrics and records."""
        return self._options.exchange

    @property
    def capabilities(self) -> Capabilities:
        """What the exchange does itself, as ccxt states it; no batches."""
        has = self._client.has
        return Capabilities(
            amend=has("editOrder"),
            cancel_all=True,
            post_only=has("createPostOnlyOrder"),
            private_executions=has("watchMyTrades"),
            create_batch_max=_SINGLE,
            amend_batch_max=_SINGLE,
            cancel_batch_max=_SINGLE,
        )

    async def order_limits(self) -> Mapping[Operation, LimitInForce]:
        """Unknown: ccxt hands no headers on."""
        return {}

    async def aclose(self) -> None:
        """Close the connections; streams end when their iterators are closed."""
        await self._client.aclose()
