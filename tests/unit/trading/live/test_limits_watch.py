"""Fewer levels while the venue grants fewer requests, and all of them again afterwards."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from mmbot.trading.live.limits_watch import LimitsWatch, levels_for
from mmbot.trading.live.parameters import CoreParameters
from mmbot.trading.live.shell_records import Heard
from mmbot.venues.failures import Operation
from mmbot.venues.ports import LimitInForce

CREATE, CANCEL = Operation.CREATE, Operation.CANCEL
FULL, TENTH = LimitInForce(10, 10), LimitInForce(1, 10)


@pytest.mark.parametrize(
    ("limit", "symbols", "levels"),
    [
        (FULL, 1, None),
        (LimitInForce(20, 10), 1, None),
        (TENTH, 1, 1),
        (TENTH, 5, 1),
        (LimitInForce(0, 10), 1, 1),
        (LimitInForce(5, 10), 1, 5),
        (LimitInForce(5, 10), 2, 2),
    ],
)
def test_there_are_no_more_quotes_than_cancels_of_a_second(limit, symbols, levels):
    assert levels_for(limit, symbols) == levels


class Place:
    """What the watch sees of a shell."""

    def __init__(self):
        self.limits = {}
        self.heard = Heard()
        self.plan = SimpleNamespace(symbols=("BTCUSDT",))
        self.port = self
        self.applied: list[int | None] = []
        self.lines: list[str] = []
        self.watch = LimitsWatch(lambda _shell, levels: self.applied.append(levels))

    async def order_limits(self):
        return dict(self.limits)

    def log(self, line):
        self.lines.append(line)

    def look(self, **limits):
        self.limits |= {Operation(kind): limit for kind, limit in limits.items()}
        shell: Any = self
        asyncio.run(self.watch.look(shell, 0))
        return self.heard.levels_max


def test_what_changed_last_is_taken_for_all():
    place = Place()
    assert place.look() is None
    assert place.look(create=FULL, amend=FULL, cancel=FULL) is None
    assert place.applied == []
    assert place.look(create=TENTH) == 1
    assert place.look(amend=TENTH) == 1
    assert place.look() == 1
    # cancels were not asked for since: that they are as they were says nothing
    assert place.look(create=FULL) is None
    assert place.look(amend=LimitInForce(5, 10), create=FULL) == 5
    assert place.look(create=TENTH, amend=FULL) == 1
    assert place.applied == [1, None, 5, 1]
    assert place.heard.limit_cuts == 2
    assert place.lines[0] == "| limits | WARN | per_sec=1/10 levels_max=1 |"
    assert place.lines[1] == "| limits | OK | per_sec=10/10 levels_max=- |"


def test_the_venues_limits_win_over_the_configuration_and_never_raise_it():
    told = []
    core: Any = SimpleNamespace(set_params=lambda *args: told.append(args[2]))
    target = CoreParameters(core, ["BTCUSDT"], lambda: 0)
    params = {"strategy.levels_per_side": 3, "limits.max_active_per_side": 10, "other": 1}
    for levels in (None, 1, 5):
        target.levels_max = levels
        target.apply_params(0, params)
    found = [(one["strategy.levels_per_side"], one["limits.max_active_per_side"]) for one in told]
    assert found == [(3, 10), (1, 1), (3, 5)]
    assert all(one["other"] == 1 for one in told)
