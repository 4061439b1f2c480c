"""A limit of order requests that is cut is taken for cut everywhere, before the venue refuses.

Bybit tells the limit of an endpoint with that endpoint's answers alone, and cuts an account as a
whole. So the share that the newest answer shows is presumed of the other endpoints of orders until
their own answers say something else; when one endpoint has its whole limit again, so have those
that were presumed.
"""

from __future__ import annotations

import math
from typing import Final

from mmbot.venues.budget.rules import LimitSight, Scope
from mmbot.venues.budget.stores import RateBudget
from mmbot.venues.bybit.requests import path_of
from mmbot.venues.failures import Operation
from mmbot.venues.ports import LimitInForce

__all__ = ["LimitSpread"]

_KINDS: Final = (Operation.CREATE, Operation.AMEND, Operation.CANCEL)
_PATHS: Final = tuple(
    path_of(kind, is_batch=is_batch) for kind in _KINDS for is_batch in (False, True)
)


class LimitSpread:
    """Looks at a budget now and then; see the module."""

    def __init__(self, budget: RateBudget) -> None:
        self._budget = budget
        self._published = {path: budget.rules.buckets[path].limit for path in _PATHS}
        self._seen = dict(self._published)
        self._presumed: set[str] = set()

    async def look(self, now_ns: int) -> dict[Operation, LimitInForce]:
        """Presume what there is to be presumed; the limits of single orders afterwards."""
        status = await self._budget.status(now_ns=now_ns)
        limits = {path: status[path].limit for path in _PATHS}
        changed = [path for path in _PATHS if limits[path] != self._seen[path]]
        if changed:
            self._presumed.difference_update(changed)
            newest = min(changed, key=lambda path: self._share(path, limits))
            for path, limit in self._presume(self._share(newest, limits), limits, changed).items():
                sight = LimitSight(scope=Scope.UID, limit=limit)
                await self._budget.observe(path, sight, now_ns=now_ns)
                limits[path] = limit
            self._seen = limits
        singles = {kind: path_of(kind, is_batch=False) for kind in _KINDS}
        return {
            kind: LimitInForce(limits[path], self._published[path])
            for kind, path in singles.items()
        }

    def _presume(self, share: float, limits: dict[str, int], changed: list[str]) -> dict[str, int]:
        others = [path for path in _PATHS if path not in changed]
        if share >= 1.0:
            healed = {path: self._published[path] for path in others if path in self._presumed}
            self._presumed.clear()
            return healed
        cut = {
            path: max(1, math.floor(self._published[path] * share))
            for path in others
            if path in self._presumed or self._share(path, limits) > share
        }
        self._presumed.update(cut)
        return cut

    def _share(self, path: str, limits: dict[str, int]) -> float:
        return limits[path] / self._published[path]
