import asyncio
import socket

from tests.unit.venues.budget.rig import one_bucket

from mmbot.config import AppConfig
from mmbot.config.operations import HaFailoverConfig, RateBudgetConfig
from mmbot.errors import StoreError
from mmbot.venues.budget.build import build_budget
from mmbot.venues.budget.ledger import Granted, Wait
from mmbot.venues.budget.shared import SharedBudget
from mmbot.venues.budget.stores import LocalBudget
from mmbot.venues.failures import Operation


def test_a_process_keeps_its_own_buckets_unless_it_shall_share():
    assert isinstance(build_budget(AppConfig(), one_bucket(10), venue="x"), LocalBudget)


def test_a_shared_budget_without_redis_is_a_careful_share_and_is_told():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = AppConfig(
        rate_budget=RateBudgetConfig(shared=True, local_share_ratio=0.5),
        ha_failover=HaFailoverConfig(redis_url=f"redis://127.0.0.1:{port}/0"),
    )
    told: list[StoreError | None] = []

    async def story():
        budget = build_budget(config, one_bucket(10), venue="x", env={}, tell=told.append)
        assert isinstance(budget, SharedBudget)
        create = await budget.acquire("any", Operation.CREATE, now_ns=0)
        cancel = await budget.acquire("any", Operation.CANCEL, now_ns=0)
        await budget.aclose()
        return create, cancel

    create, cancel = asyncio.run(story())
    assert isinstance(create, Wait)
    assert cancel == Granted()
    assert [error.code for error in told if error] == ["E_STORE_BUDGET"]
