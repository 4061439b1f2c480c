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

from mmbot.trading.live.parameters import RequestCut
from mmbot.venues.failures import Operation
from mmbot.venues.ports import LimitInForce

if TYPE_CHECKING:
    from mmbot.trading.live.shell import Shell

__all__ = ["LimitsWatch", "room_under"]


def room_under(limit: LimitInForce, symbols: int) -> RequestCut | None:
    """What a limit leaves room for; None while it is not cut.

    Two orders a level, and two ways to cancel an order with a limit each (alone or in a batch).
    """
    if limit.in_force >= limit.published:
        return None
    per_sec = max(1, limit.in_force)
    return RequestCut(levels=max(1, per_sec // symbols), per_sec=per_sec)


@dataclass(slots=True)
class LimitsWatch:
    """A `Watch`; `apply` puts in force what there is room for."""

    apply: Callable[[Shell, RequestCut | None], None]
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
        cut = room_under(tightest, len(shell.plan.symbols))
        if cut == shell.heard.cut:
            return
        shell.heard.limit_cuts += cut is not None and shell.heard.cut is None
        shell.heard.cut = cut
        self.apply(shell, cut)
        text = f"per_sec={tightest.in_force}/{tightest.published}"
        if cut is None:
            shell.log(f"| limits | OK | {text} |")
        else:
            shell.log(f"| limits | WARN | {text} levels_max={cut.levels} |")
