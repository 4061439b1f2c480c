"""The budget that processes share through a real Redis server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.budget.budget_client import LIMIT, OWNERS
from tests.integration.budget.redis_rig import redis_server
from tests.unit.venues.budget.rig import CREATES, SHARED, one_bucket, two_buckets

from mmbot.clock import monotonic_ns
from mmbot.units import NS_PER_MIN, NS_PER_SEC
from mmbot.venues.budget.ledger import BucketStatus, Granted, Ledger, Refused, Wait
from mmbot.venues.budget.rules import BudgetRules, LimitSight, Scope
from mmbot.venues.budget.shared import SharedBudget, StoreChange, connect
from mmbot.venues.failures import Operation

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("redis")]

ROOT = Path(__file__).parents[3]
CANCEL, AMEND, CREATE = Operation.CANCEL, Operation.AMEND, Operation.CREATE
LONG = NS_PER_MIN


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


def budget_of(server, rules, *, share=0.5, tell=lambda change: None, venue=None) -> SharedBudget:
    return SharedBudget(
        rules,
        connect(server.url, password=None, timeout_ms=2_000),
        owners=OWNERS,
        venue=venue or uuid.uuid4().hex,
        local_share=share,
        tell=tell,
    )


def play(story):
    return asyncio.run(asyncio.wait_for(story(), 60))


async def take(budget, count, *, kind=CANCEL, group="any", now_ns=0, orders=1):
    return [await budget.acquire(group, kind, now_ns=now_ns, orders=orders) for _ in range(count)]


def client(server, kind: Operation, *, attempts: int, pause_s: float, span_ms: int):
    arguments = [server.url, kind.value, str(attempts), str(pause_s), str(span_ms)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.integration.budget.budget_client", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def granted(processes) -> list[int]:
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert all(process.returncode == 0 for process in processes)
    return [int(output) for output in outputs]


def test_three_processes_get_the_limit_together_and_cancels_their_reserve(server):
    creates = [client(server, CREATE, attempts=LIMIT, pause_s=0.0, span_ms=0) for _ in range(3)]
    kept = one_bucket(LIMIT).buckets[SHARED].floor(CREATE, LIMIT)
    assert sum(granted(creates)) == LIMIT - kept
    cancels = [client(server, CANCEL, attempts=LIMIT, pause_s=0.0, span_ms=0) for _ in range(2)]
    assert sum(granted(cancels)) == kept


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 12),
    st.lists(
        st.tuples(
            st.sampled_from(list(Operation)),
            st.sampled_from(["create", "other"]),
            st.integers(1, 3),
            st.none() | st.integers(0, 12),
            st.none() | st.integers(-1, 12),
        ),
        max_size=25,
    ),
)
def test_the_scripts_answer_as_the_pure_buckets_do(server, limit, steps):
    rules = _long(two_buckets(shared=limit * 2, creates=limit))

    async def story():
        shared, twin = budget_of(server, rules), Ledger(rules)
        for kind, group, orders, new_limit, left in steps:
            sight = LimitSight(scope=Scope.UID, limit=new_limit, left=left)
            await shared.observe(group, sight, now_ns=0)
            twin.observe(group, sight, now_ns=0)
            found = await shared.acquire(group, kind, now_ns=0, orders=orders)
            expected = twin.acquire(group, kind, now_ns=0, orders=orders)
            if isinstance(expected, Wait):
                # both wait for what comes back within the span; which bucket is a matter of us
                assert isinstance(found, Wait)
                assert 0 < found.wait_ns <= LONG
            else:
                assert found == expected
            assert await shared.status(now_ns=0) == twin.status(0)
        await shared.aclose()

    play(story)


def _long(rules: BudgetRules) -> BudgetRules:
    longer = {name: replace(rule, span_ns=LONG) for name, rule in rules.buckets.items()}
    return replace(rules, buckets=longer)


def test_waits_are_those_of_the_servers_clock_and_end(server):
    async def story():
        budget = budget_of(server, one_bucket(1, span_ns=NS_PER_SEC // 5))
        assert await take(budget, 1) == [Granted()]
        (answer,) = await take(budget, 1)
        assert isinstance(answer, Wait)
        assert 0 < answer.wait_ns <= NS_PER_SEC // 5
        await asyncio.sleep(answer.wait_ns / NS_PER_SEC)
        assert await take(budget, 1) == [Granted()]
        await budget.aclose()

    play(story)


def test_a_block_that_one_process_was_told_holds_for_all(server):
    async def story():
        venue = uuid.uuid4().hex
        one = budget_of(server, two_buckets(10, 10), venue=venue)
        other = budget_of(server, two_buckets(10, 10), venue=venue)
        await one.observe("create", LimitSight(scope=Scope.IP, blocked_ns=LONG), now_ns=0)
        await one.observe("create", LimitSight(scope=Scope.IP, blocked_ns=NS_PER_SEC), now_ns=0)
        await one.observe("create", LimitSight(scope=Scope.UID, limit=3), now_ns=0)
        (answer,) = await take(other, 1)
        assert isinstance(answer, Wait)
        assert LONG - 30 * NS_PER_SEC < answer.wait_ns <= LONG
        assert (await other.status(now_ns=0))[CREATES].limit == 3
        await one.aclose()
        await other.aclose()

    play(story)


def test_a_batch_beyond_the_bucket_is_refused(server):
    async def story():
        budget = budget_of(server, two_buckets(100, 5))
        assert await take(budget, 1, kind=CREATE, group="create", orders=6) == [Refused(CREATES)]
        await budget.aclose()

    play(story)


def test_without_redis_a_careful_share_is_left_and_its_use_is_handed_over(tmp_path):
    told: list[StoreChange] = []

    async def story():
        with redis_server(tmp_path) as server:
            rules = one_bucket(40, span_ns=LONG)
            budget = budget_of(server, rules, share=0.5, tell=told.append, venue="lost")
            await take(budget, 5, kind=CREATE)
            await budget.observe("any", LimitSight(scope=Scope.UID, limit=20), now_ns=0)
            server.kill()
            now_ns = 1
            # half of the limit in force is 10; what others took is not known: only cancels pass,
            # and only their reserve of 4
            assert isinstance((await take(budget, 1, kind=CREATE, now_ns=now_ns))[0], Wait)
            answers = await take(budget, 6, now_ns=now_ns)
            assert answers.count(Granted()) == 4
            assert (budget.is_shared, budget.losses) == (False, 1)
            # one span later the share is whole, and never more than it
            now_ns += LONG
            answers = await take(budget, 30, now_ns=now_ns)
            assert answers.count(Granted()) == 10
            server.start()
            now_ns += 2 * NS_PER_SEC
            row = (await budget.status(now_ns=now_ns))[SHARED]
            # the server forgot what was taken before, the ten of this process were handed over
            assert (budget.is_shared, row) == (True, BucketStatus(40, 30, 0))
            await budget.aclose()

    play(story)
    assert [change.is_shared for change in told] == [False, True]
    assert told[0].error is not None
    assert told[0].error.code == "E_STORE_BUDGET"


def test_shares_of_all_processes_stay_within_the_limit_while_redis_is_gone(tmp_path):
    async def story():
        with redis_server(tmp_path) as server:
            rules = one_bucket(10, span_ns=LONG)
            budgets = [budget_of(server, rules, share=0.25, venue="v") for _ in range(4)]
            server.kill()
            total = 0
            for budget in budgets:
                await take(budget, 1, kind=AMEND, now_ns=0)
                total += (await take(budget, 20, now_ns=LONG)).count(Granted())
                await budget.aclose()
            assert total == 8

    play(story)


def test_redis_is_asked_again_only_after_a_while_and_never_by_a_cancel(tmp_path):
    async def story():
        with redis_server(tmp_path) as server:
            seen: list[bool] = []
            budget = budget_of(server, one_bucket(100, span_ns=LONG), venue="v")
            await take(budget, 1)
            server.kill()
            await take(budget, 1, kind=CREATE, now_ns=0)
            server.start()
            await take(budget, 1, kind=CREATE, now_ns=NS_PER_SEC - 1)
            seen.append(budget.is_shared)
            await take(budget, 1, kind=CANCEL, now_ns=2 * NS_PER_SEC)
            seen.append(budget.is_shared)
            await take(budget, 1, kind=CREATE, now_ns=2 * NS_PER_SEC)
            seen.append(budget.is_shared)
            await budget.aclose()
            return seen

    assert play(story) == [False, False, True]


def test_a_server_clock_that_went_back_delays_nothing_beyond_a_span(server):
    async def story():
        budget = budget_of(server, one_bucket(3, span_ns=LONG), venue="jumped")
        await take(budget, 2)
        client = connect(server.url, password=None, timeout_ms=2_000)
        (key,) = [name async for name in client.scan_iter("*jumped*:out")]
        for member in await client.zrange(key, 0, -1):
            await client.zadd(key, {member: 4e15})
        answers = await take(budget, 2)
        assert answers[0] == Granted()
        assert isinstance(answers[1], Wait)
        assert answers[1].wait_ns <= LONG
        await budget.aclose()
        await client.aclose()

    play(story)


def test_several_processes_over_a_while_never_pass_more_than_the_limit_a_span(server):
    start_ns = monotonic_ns()
    clients = [client(server, CANCEL, attempts=400, pause_s=0.002, span_ms=700) for _ in range(2)]
    total = sum(granted(clients))
    spans = (monotonic_ns() - start_ns) // (700 * 10**6) + 1
    assert LIMIT <= total <= LIMIT * spans
