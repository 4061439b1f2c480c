"""A limit that one endpoint shows to be cut is presumed of the others, until they say otherwise."""

import asyncio

import pytest

from mmbot.venues.budget.rules import LimitSight, Scope
from mmbot.venues.budget.stores import LocalBudget
from mmbot.venues.bybit.limit_spread import LimitSpread
from mmbot.venues.bybit.limits import BYBIT_BUDGET
from mmbot.venues.failures import Operation

VERBS = ("create", "amend", "cancel")
PATHS = [f"/v5/order/{verb}{batch}" for verb in VERBS for batch in ("", "-batch")]


class Place:
    def __init__(self):
        self.budget = LocalBudget(BYBIT_BUDGET)
        self.spread = LimitSpread(self.budget)

    def told(self, path, limit):
        sight = LimitSight(scope=Scope.UID, limit=limit)
        asyncio.run(self.budget.observe(path, sight, now_ns=0))

    def look(self):
        return asyncio.run(self.spread.look(0))

    @property
    def limits(self):
        status = asyncio.run(self.budget.status(now_ns=0))
        return {path: status[path].limit for path in PATHS}


@pytest.fixture
def place():
    return Place()


def test_a_cut_is_presumed_everywhere_and_over_everywhere(place):
    assert {one.in_force for one in place.look().values()} == {10}
    place.told(PATHS[0], 1)
    found = place.look()
    assert set(place.limits.values()) == {1}
    assert set(found.values()) == {(1, 10)}
    assert set(found) == {Operation.CREATE, Operation.AMEND, Operation.CANCEL}
    place.told(PATHS[2], 10)
    place.look()
    # what its own answer said stays until its next one
    assert place.limits == dict.fromkeys(PATHS, 10) | {PATHS[0]: 1}


def test_what_an_endpoint_says_itself_counts(place):
    place.told(PATHS[0], 1)
    place.look()
    place.told(PATHS[4], 4)
    place.look()
    assert place.limits[PATHS[4]] == 4
    assert place.limits[PATHS[0]] == 1
    # the others follow the newest
    assert place.limits[PATHS[2]] == 4
    place.told(PATHS[0], 10)
    place.look()
    assert place.limits == dict.fromkeys(PATHS, 10) | {PATHS[4]: 4}


def test_a_higher_limit_of_one_endpoint_is_its_own(place):
    place.told(PATHS[0], 20)
    place.look()
    assert place.limits == dict.fromkeys(PATHS, 10) | {PATHS[0]: 20}


def test_nothing_is_cut_to_nothing(place):
    place.told(PATHS[1], 0)
    place.look()
    assert place.limits == dict.fromkeys(PATHS, 1) | {PATHS[1]: 0}
