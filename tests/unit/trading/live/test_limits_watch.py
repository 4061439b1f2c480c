"""Fewer levels while the venue grants fewer requests, and all of them again afterwards."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from mmbot.trading.live.limits_watch import LimitsWatch, room_under
from mmbot.trading.live.parameters import CoreParameters, RequestCut
from mmbot.trading.live.shell_records import Heard
from mmbot.venues.failures import Operation
from mmbot.venues.ports import LimitInForce

CREATE, CANCEL = Operation.CREATE, Operation.CANCEL
FULL, TENTH = LimitInForce(10, 10), LimitInForce(1, 10)


def cut(levels, per_sec):
    return RequestCut(levels=levels, per_sec=per_sec)


@pytest.mark.parametrize(
    ("limit", "symbols", "room"),
    [
        (FULL, 1, None),
        (LimitInForce(20, 10), 1, None),
        (TENTH, 1, cut(1, 1)),
        (TENTH, 5, cut(1, 1)),
        (LimitInForce(0, 10), 1, cut(1, 1)),
        (LimitInForce(5, 10), 1, cut(5, 5)),
        (LimitInForce(5, 10), 2, cut(2, 5)),
    ],
)
def test_there_are_no_more_quotes_than_cancels_of_a_second(limit, symbols, room):
    assert room_under(limit, symbols) == room


class Place:
    """What the watch sees of a shell."""

    def __init__(self):
        self.limits = {}
        self.heard = Heard()
        self.plan = SimpleNamespace(symbols=("BTCUSDT",))
        self.port = self
        self.applied: list[RequestCut | None] = []
        self.lines: list[str] = []
        self.watch = LimitsWatch(lambda _shell, room: self.applied.append(room))

    async def order_limits(self):
        return dict(self.limits)

    def log(self, line):
        self.lines.append(line)

    def look(self, **limits):
        self.limits |= {Operation(kind): limit for kind, limit in limits.items()}
        shell: Any = self
        asyncio.run(self.watch.look(shell, 0))
        return self.heard.cut


def test_what_changed_last_is_taken_for_all():
    place = Place()
    assert place.look() is None
    assert place.look(create=FULL, amend=FULL, cancel=FULL) is None
    assert place.applied == []
    assert place.look(create=TENTH) == cut(1, 1)
    assert place.look(amend=TENTH) == cut(1, 1)
    assert place.look() == cut(1, 1)
    # cancels were not asked for since: that they are as they were says nothing
    assert place.look(create=FULL) is None
    assert place.look(amend=LimitInForce(5, 10), create=FULL) == cut(5, 5)
    assert place.look(create=TENTH, amend=FULL) == cut(1, 1)
    assert place.applied == [cut(1, 1), None, cut(5, 5), cut(1, 1)]
    assert place.heard.limit_cuts == 2
    assert place.lines[0] == "| limits | WARN | per_sec=1/10 levels_max=1 |"
    assert place.lines[1] == "| limits | OK | per_sec=10/10 |"


LANE = {
    "strategy.levels_per_side": 3,
    "limits.max_active_per_side": 10,
    "latency_boost.replace.min_interval_ms": 60,
    "latency_boost.replace.max_concurrent": 2.0,
    "other": 1,
}
SESSION = {
    "throttle.max_creates_per_sec": 10.0,
    "throttle.max_amends_per_sec": 20.0,
    "throttle.max_cancels_per_sec": 25.0,
    "throttle.window_sec": 3,
    "limits.max_create_per_sec": 4.0,
}


@pytest.mark.parametrize(
    ("room", "lane", "session"),
    [
        (None, (3, 10, 60, 2.0), (10.0, 20.0, 25.0, 3, 4.0)),
        (cut(1, 1), (1, 1, 2_200, 1), (1, 1, 25.0, 1, 1)),
        (cut(5, 50), (3, 5, 60, 2.0), (10.0, 20.0, 25.0, 1, 4.0)),
    ],
)
def test_the_venues_limits_win_over_the_configuration_and_never_raise_it(room, lane, session):
    told: list[Any] = []
    core: Any = SimpleNamespace(
        set_params=lambda *args: told.append(args[2]), set_session=lambda _, new: told.append(new)
    )
    target = CoreParameters(core, ["BTCUSDT", "ETHUSDT"], lambda: 0, cut=room)
    target.apply_params(0, LANE)
    target.apply_session(0, SESSION)
    assert told[0] == dict(zip(LANE, (*lane, 1), strict=True))
    assert told[1] == dict(zip(SESSION, session, strict=True))
