"""Buckets shared by all processes of an account and address, through Redis.

The limits are the venue's, so whoever signs for the account or asks from the address has to draw
from the same buckets. Each `acquire` is one script that the server runs as one step by its own
clock (`scripts`). Needs the extra `redis`.

When Redis does not answer, this process goes on with its own share of the limits, never without
one, and says so (`tell`). What others took a moment ago is not known then: for one span nothing but
cancels passes, these from the reserve. Redis is tried again every `retry_ns`; when it is back, what
was taken meanwhile is reported to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from mmbot.errors import StoreError
from mmbot.units import NS_PER_SEC, NS_PER_US
from mmbot.venues.budget.ledger import Answer, BucketStatus, Granted, Ledger, Refused, Wait
from mmbot.venues.budget.rules import BucketRule, BudgetRules, LimitSight, Scope
from mmbot.venues.budget.scripts import ACQUIRE, REPORT, STATUS
from mmbot.venues.failures import Operation

__all__ = ["SharedBudget", "StoreChange", "connect"]

_PREFIX: Final = "{mm:budget}"
_NOT_SAID: Final = -1


@dataclass(frozen=True, slots=True)
class StoreChange:
    """The shared buckets were lost (`error` says why) or are back."""

    is_shared: bool
    error: StoreError | None


def connect(url: str, *, password: str | None, timeout_ms: int) -> Redis:
    """A client that gives up after `timeout_ms` and does not repeat by itself."""
    return Redis.from_url(
        url,
        password=password,
        socket_timeout=timeout_ms / 1_000,
        socket_connect_timeout=timeout_ms / 1_000,
        retry=Retry(NoBackoff(), 0),
    )


class SharedBudget:
    """The store; see the module.

    Args:
        rules: what the venue allows.
        client: of `connect`; closed by `aclose`.
        owners: whose buckets: the account's id and the address's, any text without secrets.
        venue: the venue's name, part of the keys.
        local_share: part of each limit that this process has while Redis is gone.
        tell: called when the shared buckets are lost and when they are back.
        retry_ns: time between two attempts to reach Redis again.
    """

    def __init__(
        self,
        rules: BudgetRules,
        client: Redis,
        *,
        owners: Mapping[Scope, str],
        venue: str,
        local_share: float,
        tell: Callable[[StoreChange], None] = lambda _change: None,
        retry_ns: int = NS_PER_SEC,
    ) -> None:
        assert 0 < local_share <= 1
        self.rules = rules
        self._client = client
        self._local_share = local_share
        self._tell = tell
        self._retry_ns = retry_ns
        self._prefixes = {
            name: f"{_PREFIX}:{venue}:{owners[rule.scope]}:{name}"
            for name, rule in rules.buckets.items()
        }
        self._acquire = client.register_script(ACQUIRE)
        self._report = client.register_script(REPORT)
        self._status = client.register_script(STATUS)
        self._limits: dict[str, int] = {}
        self._local: Ledger | None = None
        self._retry_at_ns = 0
        self.losses = 0
        """How often Redis was lost (``rate_budget_store_losses_total``)."""

    @property
    def is_shared(self) -> bool:
        """Whether the last call reached Redis."""
        return self._local is None

    def acquire_now(self, group: str, kind: Operation, *, now_ns: int, orders: int = 1) -> None:
        """None: others have to be asked."""
        del group, kind, now_ns, orders

    async def acquire(self, group: str, kind: Operation, *, now_ns: int, orders: int = 1) -> Answer:
        """Take what a request costs, or say how long to wait."""
        # A cancel does not wait for a server that may be gone.
        if self._is_away(now_ns) or (self._local is not None and kind is Operation.CANCEL):
            return self._own(now_ns).acquire(group, kind, now_ns=now_ns, orders=orders)
        names = self.rules.of_group(group)
        args: list[int] = []
        for name in names:
            rule = self.rules.buckets[name]
            reserves = rule.reserves_above(kind)
            args += [*_basics(rule), rule.cost(orders), len(reserves)]
            args += [number for pair in reserves for number in pair]
        found = await self._ask(self._acquire, names, args, now_ns)
        if found is None:
            return self._own(now_ns).acquire(group, kind, now_ns=now_ns, orders=orders)
        wait_us, key = cast("Sequence[int]", found)
        if wait_us == 0:
            return Granted()
        name = names[(key - 1) // 2]
        return Refused(name) if wait_us < 0 else Wait(wait_us * NS_PER_US, name)

    async def observe(self, group: str, sight: LimitSight, *, now_ns: int) -> None:
        """Take over what an answer says, for all processes."""
        names = [
            name
            for name in self.rules.of_group(group)
            if self.rules.buckets[name].scope is sight.scope
        ]
        if not names:
            return
        if sight.limit is not None:
            self._limits.update(dict.fromkeys(names, sight.limit))
        if self._local is not None:
            self._local.observe(group, sight.scaled(self._local_share), now_ns=now_ns)
        if self._is_away(now_ns):
            return
        limit = _NOT_SAID if sight.limit is None else max(0, sight.limit)
        left = _NOT_SAID if sight.left is None else max(0, sight.left)
        args: list[int] = []
        for name in names:
            args += [*_basics(self.rules.buckets[name]), limit, left]
            args += [sight.blocked_ns // NS_PER_US, 0]
        if await self._ask(self._report, names, args, now_ns) is None:
            self._own(now_ns).observe(group, sight.scaled(self._local_share), now_ns=now_ns)

    async def status(self, *, now_ns: int) -> Mapping[str, BucketStatus]:
        """Every bucket by name; of this process's share while Redis is gone."""
        if not self._is_away(now_ns):
            names = tuple(self.rules.buckets)
            args = [n for rule in self.rules.buckets.values() for n in _basics(rule)]
            found = await self._ask(self._status, names, args, now_ns)
            if found is not None:
                rows = iter(cast("Sequence[int]", found))
                return {
                    name: BucketStatus(next(rows), next(rows), next(rows) * NS_PER_US)
                    for name in names
                }
        return self._own(now_ns).status(now_ns)

    async def aclose(self) -> None:
        """Close the connection to Redis."""
        await self._client.aclose()

    def _is_away(self, now_ns: int) -> bool:
        return self._local is not None and now_ns < self._retry_at_ns

    async def _ask(
        self,
        script: Callable[..., Awaitable[Any]],
        names: Sequence[str],
        args: Sequence[int],
        now_ns: int,
    ) -> object | None:
        """The script's answer; None when Redis gave none, which turns to the own share."""
        # Others do not wait for the same server while this attempt is under way.
        self._retry_at_ns = now_ns + self._retry_ns
        try:
            await self._hand_over(now_ns)
            return cast("object", await script(keys=self._keys(names), args=args))
        except (RedisError, OSError) as exc:
            self._lose(exc, now_ns)
            return None

    async def _hand_over(self, now_ns: int) -> None:
        local = self._local
        if local is None:
            return
        names = tuple(self.rules.buckets)
        taken = {name: row.limit - row.left for name, row in local.status(now_ns).items()}
        args: list[int] = []
        for name in names:
            args += [*_basics(self.rules.buckets[name]), _NOT_SAID, _NOT_SAID, 0]
            args.append(max(0, taken[name]))
        await self._report(keys=self._keys(names), args=args)
        if self._local is local:
            self._local = None
            self._tell(StoreChange(is_shared=True, error=None))

    def _lose(self, cause: Exception, now_ns: int) -> None:
        if self._local is not None:
            return
        self._local = self._careful_share(now_ns)
        self.losses += 1
        key = f"share={self._local_share:g} cause={type(cause).__name__}"
        message = "shared rate budget does not answer; this process goes on with its own share"
        self._tell(StoreChange(is_shared=False, error=StoreError("E_STORE_BUDGET", key, message)))

    def _careful_share(self, now_ns: int) -> Ledger:
        ledger = Ledger(self.rules.scaled(self._local_share))
        for name, rule in ledger.rules.buckets.items():
            if name in self._limits:
                in_force = self._limits[name]
                ledger.set_limit(name, max(1, int(in_force * self._local_share)))
            limit = ledger.status(now_ns)[name].limit
            has_cancels = Operation.CANCEL in rule.kinds
            kept = max(1, rule.floor(Operation.AMEND, limit)) if has_cancels else 0
            ledger.charge(name, limit - kept, now_ns=now_ns)
        return ledger

    def _own(self, now_ns: int) -> Ledger:
        if self._local is None:
            # Another call reached Redis in between; this one did not and stays careful.
            return self._careful_share(now_ns)
        return self._local

    def _keys(self, names: Sequence[str]) -> list[str]:
        prefixes = [self._prefixes[name] for name in names]
        return [f"{prefix}:{part}" for prefix in prefixes for part in ("out", "state")]


def _basics(rule: BucketRule) -> tuple[int, int]:
    return rule.limit, (rule.span_ns + rule.slack_ns) // NS_PER_US
