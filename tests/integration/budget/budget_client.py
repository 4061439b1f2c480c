"""One process that draws from a shared budget; prints how many requests it was granted.

Arguments: address of Redis, kind, attempts, seconds between them.
"""

import asyncio
import sys

from tests.unit.venues.budget.rig import one_bucket

from mmbot.clock import monotonic_ns
from mmbot.units import NS_PER_MIN, NS_PER_MS
from mmbot.venues.budget.ledger import Granted
from mmbot.venues.budget.rules import Scope
from mmbot.venues.budget.shared import SharedBudget, connect
from mmbot.venues.failures import Operation

LIMIT = 50
OWNERS = {Scope.UID: "100001", Scope.IP: "here"}


async def draw(url: str, kind: Operation, attempts: int, pause_s: float, span_ns: int) -> int:
    budget = SharedBudget(
        one_bucket(LIMIT, span_ns=span_ns),
        connect(url, password=None, timeout_ms=5_000),
        owners=OWNERS,
        venue="test",
        local_share=0.5,
    )
    granted = 0
    for _ in range(attempts):
        answer = await budget.acquire("any", kind, now_ns=monotonic_ns())
        granted += answer == Granted()
        await asyncio.sleep(pause_s)
    assert budget.losses == 0
    await budget.aclose()
    return granted


if __name__ == "__main__":
    url, kind, attempts, pause_s, span_ms = sys.argv[1:]
    span_ns = int(span_ms) * NS_PER_MS if int(span_ms) else NS_PER_MIN
    count = asyncio.run(draw(url, Operation(kind), int(attempts), float(pause_s), span_ns))
    sys.stdout.write(f"{count}\n")
