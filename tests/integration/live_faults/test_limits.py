"""A venue that cuts the limits of requests to a tenth and refuses everything now and then.

With ``--limits-minutes 5`` for five minutes; ``--limits-report`` takes a file for the figures.
"""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.conformance.ports.world import exchange
from tests.integration.live_faults.session_rig import play, trading

from mmbot.store.artifacts import write_json
from mmbot.trading.live.holds import HoldReason
from mmbot.units import NS_PER_SEC
from mmbot.venues.records import Side
from mmbot.venues.simulated.codes import Refusal
from mmbot.venues.simulated.limits import AccountLimits, Quota
from mmbot.venues.simulated.rest import RestApi

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live-faults")]

CANCELLED_MS = 2_000.0
USUAL_S = 6.0
# The back-off of new quotes looks at the failures of a minute.
RECOVERED_S = 90.0
PERCENT = 10
STORM_MS = 800
STORM_EVERY_S = 30.0
PULL_EVERY_S = 10.0
HIT_EVERY_S = 0.2
VERBS = ("create", "amend", "cancel")


@dataclass
class Clerk:
    """Stands at the exchange's door: requests that pass the limits, and those that do not."""

    passed: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    phase: str = "before"

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Until the patch is undone."""
        take, answer = AccountLimits.take, RestApi.answer

        def taken(
            limits: AccountLimits, uid: int, path: str, now_ms: int, count: int = 1
        ) -> Quota | None:
            try:
                found = take(limits, uid, path, now_ms, count)
            except Refusal:
                self.refused[self.phase] += 1
                raise
            self.passed[self.phase, path.removeprefix("/v5/order/").removesuffix("-batch")] += count
            return found

        def answered(api: RestApi, asked: Any, now_ms: int) -> Any:
            given = answer(api, asked, now_ms)
            self.statuses[given.status] += 1
            return given

        patch.setattr(AccountLimits, "take", taken)
        patch.setattr(RestApi, "answer", answered)


async def trade(live: Any, seconds: float) -> None:
    """Somebody keeps trading with us, on both sides in turn."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    number = 0
    while loop.time() < until:
        number += 1
        live.world.hit("0.005", side=Side.SELL if number % 2 else Side.BUY)
        await asyncio.sleep(HIT_EVERY_S)


async def cut(live: Any, seconds: float) -> list[float]:
    """Limits at a tenth, storms of 10006, and an operator who takes the quotes off now and then."""
    loop = asyncio.get_running_loop()
    until, storm = loop.time() + seconds, loop.time() + min(STORM_EVERY_S, seconds / 2)
    pulled = []
    live.world.fault("limit_cut", percent=PERCENT)
    while loop.time() < until:
        await trade(live, min(PULL_EVERY_S, seconds / 3))
        if loop.time() >= storm:
            storm += STORM_EVERY_S
            live.world.fault("rate_limit", duration_ms=STORM_MS)
        if live.own_open():
            pulled.append(await pulled_ms(live))
    return pulled


async def pulled_ms(live: Any) -> float:
    """Take the quotes off, and say how long that took."""
    resting, asked_ns = set(live.own_open()), live.shell.clock()
    live.shell.holds.put(HoldReason.OPERATOR, "test")
    gone_ns = await live.until(lambda: not resting & set(live.own_open()))
    live.shell.holds.lift(HoldReason.OPERATOR)
    return float(live.judge.net_ms(asked_ns, gone_ns))


def cancels_ms(live: Any, begin_ns: int, end_ns: int) -> list[float]:
    """From each decision to cancel an order to the venue's word that it is over."""
    asked: dict[int, int] = {}
    found = []
    for one in live.records("intent", "report"):
        if one["kind"] == "intent" and one["action"] == "cancel":
            asked.setdefault(one["cid"], one["ts_ns"])
        elif one["kind"] == "report" and one["report"] == "cancelled":
            at_ns = asked.pop(one["cid"], None)
            if at_ns is not None and begin_ns <= at_ns < end_ns:
                found.append(float(live.judge.net_ms(at_ns, one["ts_ns"])))
    return sorted(found)


def share(sorted_ms: list[float], q: float) -> float:
    return sorted_ms[min(len(sorted_ms) - 1, int(q * len(sorted_ms)))]


def test_limits_cut_to_a_tenth_and_storms_of_10006_ban_nobody_and_cancels_pass(
    tmp_path, request, monkeypatch, record_property
):
    report = request.config.getoption("--limits-report")
    seconds = request.config.getoption("--limits-minutes") * 60

    async def story():
        async with (
            exchange(has_limits=True) as world,
            trading(world, tmp_path, row=9) as live,
        ):
            clerk = Clerk()
            clerk.watch(monkeypatch)
            await live.quoting()
            await trade(live, USUAL_S)
            clerk.phase, begin_ns = "during", live.shell.clock()
            pulled = await cut(live, seconds)
            end_ns = live.shell.clock()
            world.heal()
            clerk.phase = "after"
            await live.until(live.own_open, RECOVERED_S)
            await trade(live, USUAL_S)
            assert not live.shell.is_ending
        lengths = {"before": USUAL_S, "during": (end_ns - begin_ns) / NS_PER_SEC, "after": USUAL_S}
        took = cancels_ms(live, begin_ns, end_ns)
        found = {
            "a_minute": {
                phase: {verb: round(60 * clerk.passed[phase, verb] / length) for verb in VERBS}
                for phase, length in lengths.items()
            },
            "refused_10006": live.counts["rate_limited.10006"],
            "http": {str(status): count for status, count in clerk.statuses.items()},
            "cancels": len(took),
            "cancel_ms": {"p50": share(took, 0.5), "p99": share(took, 0.99), "max": took[-1]},
            "pulled_ms": sorted(pulled),
            "faults": live.counts,
        }
        record_property("figures", json.dumps(found))
        if report:
            write_json(report, found)
        assert clerk.statuses[403] == 0
        assert clerk.statuses[200] > 0
        assert max(took) <= CANCELLED_MS
        assert max(pulled) <= CANCELLED_MS

    play(story)
