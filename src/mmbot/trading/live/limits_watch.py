"""Fewer quotes while the venue grants fewer requests.

Quotes have to be gone within two seconds of the decision to cancel them, and a limit that was cut
to one request a second carries no more than that. So there are never more of them than cancels of
about a second: at a tenth of Bybit's limits one level a side. The levels are parameters of the core
like any other, so that they are in the journal.

A venue tells a limit with the answers to requests that it counts, each for its own kind. The limit
that changed last is taken for all: what was not asked for since is only known as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mmbot.venues.failures import Operation
from mmbot.venues.ports import LimitInForce

if TYPE_CHECKING:
    from mmbot.trading.live.shell import Shell

__all__ = ["LimitsWatch", "levels_for"]


def levels_for(limit: LimitInForce, symbols: int) -> int | None:
    """Levels a side of each symbol; None while the limit is not cut.

    Two orders a level, and two ways to cancel an order with a limit each (alone or in a batch).
    """
    if limit.in_force >= limit.published:
        return None
    return max(1, limit.in_force // symbols)


@dataclass(slots=True)
class LimitsWatch:
    """A `Watch`; `apply` puts the most levels a side in force."""

    apply: Callable[[Shell, int | None], None]
    _known: Mapping[Operation, LimitInForce] = field(default_factory=dict)

    async def look(self, shell: Shell, now_ns: int) -> None:
        """See `Watch`."""
        del now_ns
        found = await shell.port.order_limits()
        changed = [one for kind, one in found.items() if self._known.get(kind) != one]
        self._known = found
        if not changed:
            return
        tightest = min(changed, key=lambda one: one.in_force / one.published)
        levels = levels_for(tightest, len(shell.plan.symbols))
        if levels == shell.heard.levels_max:
            return
        shell.heard.limit_cuts += levels is not None and shell.heard.levels_max is None
        shell.heard.levels_max = levels
        self.apply(shell, levels)
        state = "OK" if levels is None else "WARN"
        text = f"per_sec={tightest.in_force}/{tightest.published} levels_max={levels or '-'}"
        shell.log(f"| limits | {state} | {text} |")
