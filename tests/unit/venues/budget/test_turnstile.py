"""Order of those who wait; spans are short, and nothing is said about how long it takes."""

import asyncio

from tests.unit.venues.budget.rig import CREATES, SHARED, one_bucket, two_buckets

from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.budget.ledger import Granted, Refused, Wait
from mmbot.venues.budget.stores import LocalBudget
from mmbot.venues.budget.turnstile import Turnstile
from mmbot.venues.failures import Operation

PATIENCE_NS = 30 * NS_PER_SEC
SPAN_NS = 20 * NS_PER_MS


def order_of(line, arrivals) -> list[str]:
    """Names in the order in which they passed; each arrives after the one before it waits."""

    async def story():
        passed: list[str] = []

        async def go(name, group, kind, orders):
            answer = await line.enter(group, kind, orders=orders, patience_ns=PATIENCE_NS)
            assert answer == Granted()
            passed.append(name)

        tasks = []
        for name, group, kind, orders in arrivals:
            tasks.append(asyncio.create_task(go(name, group, kind, orders)))
            await asyncio.sleep(0)
        await asyncio.wait_for(asyncio.gather(*tasks), 30)
        return passed

    return asyncio.run(story())


def test_cancels_pass_those_who_came_earlier_and_equals_stay_in_line():
    line = Turnstile(LocalBudget(one_bucket(1, span_ns=SPAN_NS)))
    arrivals = [
        ("first", "any", Operation.QUERY, 1),
        ("query", "any", Operation.QUERY, 1),
        ("create 1", "any", Operation.CREATE, 1),
        ("create 2", "any", Operation.CREATE, 1),
        ("amend", "any", Operation.AMEND, 1),
        ("cancel", "any", Operation.CANCEL, 1),
    ]
    passed = order_of(line, arrivals)
    assert passed == ["first", "cancel", "amend", "create 1", "create 2", "query"]
    assert line.waited_ns > 0


def test_who_is_short_in_one_bucket_holds_up_nobody_in_another():
    line = Turnstile(LocalBudget(two_buckets(shared=100, creates=1)))
    arrivals = [
        ("create 1", "create", Operation.CREATE, 1),
        ("create 2", "create", Operation.CREATE, 1),
        ("query", "other", Operation.QUERY, 1),
    ]
    assert order_of(line, arrivals) == ["create 1", "query", "create 2"]


def test_a_large_batch_is_not_starved_by_small_ones_behind_it():
    line = Turnstile(LocalBudget(two_buckets(shared=100, creates=4)))
    arrivals = [("first", "create", Operation.CREATE, 1), ("batch", "create", Operation.CREATE, 4)]
    arrivals += [(f"small {n}", "create", Operation.CREATE, 1) for n in range(3)]
    assert order_of(line, arrivals)[:2] == ["first", "batch"]


def test_impatience_and_the_impossible_are_answered_at_once():
    async def story():
        line = Turnstile(LocalBudget(two_buckets(shared=100, creates=1)), clock=lambda: 0)
        once = await line.enter("create", Operation.CREATE, patience_ns=0)
        again = await line.enter("create", Operation.CREATE, patience_ns=NS_PER_SEC - 1)
        never = await line.enter("create", Operation.CREATE, orders=2, patience_ns=PATIENCE_NS)
        return once, again, never

    once, again, never = asyncio.run(story())
    assert (once, again, never) == (Granted(), Wait(NS_PER_SEC, CREATES), Refused(CREATES))


def test_who_stands_behind_another_leaves_when_patience_ends():
    async def story():
        line = Turnstile(LocalBudget(one_bucket(1, span_ns=10 * SPAN_NS)))
        await line.enter("any", Operation.CANCEL, patience_ns=0)
        ahead = asyncio.create_task(line.enter("any", Operation.CANCEL, patience_ns=PATIENCE_NS))
        await asyncio.sleep(0)
        answer = await line.enter("any", Operation.QUERY, patience_ns=NS_PER_MS)
        assert isinstance(answer, Wait)
        assert answer.bucket == SHARED
        return await ahead

    assert asyncio.run(story()) == Granted()


def test_one_who_is_cancelled_while_waiting_frees_the_line():
    async def story():
        line = Turnstile(LocalBudget(one_bucket(1, span_ns=SPAN_NS)))
        await line.enter("any", Operation.CANCEL, patience_ns=0)
        gone = asyncio.create_task(line.enter("any", Operation.CANCEL, patience_ns=PATIENCE_NS))
        await asyncio.sleep(0)
        behind = asyncio.create_task(line.enter("any", Operation.QUERY, patience_ns=PATIENCE_NS))
        await asyncio.sleep(0)
        gone.cancel()
        return await asyncio.wait_for(behind, 30)

    assert asyncio.run(story()) == Granted()


def test_who_does_not_wait_passes_only_where_nobody_is_in_line_and_tokens_are_left():
    async def story():
        line = Turnstile(LocalBudget(one_bucket(2, span_ns=SPAN_NS)))
        assert line.try_enter("any", Operation.CANCEL)
        assert line.try_enter("any", Operation.CANCEL)
        assert not line.try_enter("any", Operation.CANCEL)
        behind = asyncio.create_task(line.enter("any", Operation.QUERY, patience_ns=PATIENCE_NS))
        await asyncio.sleep(0)
        assert not line.try_enter("any", Operation.CANCEL)
        return await behind

    assert asyncio.run(story()) == Granted()
