"""When a failed call is sent again, and after how long.

Pure: the caller keeps a `RetryState` per call, gives each failure to `next_step` with a random
number that it drew, and does what the step says. Delays have full jitter (Brooker, "Exponential
Backoff And Jitter", AWS Architecture Blog, 2015): uniform between nothing and the exponential
bound, so that many clients do not come back together. What the venue asks to wait is a lower bound,
even beyond the cap.

Queries get three attempts. So do creates and amends, but only while the present decision still
wants them and only if nothing was sent or the venue refused by its rate limit. Cancels go on until
the order is done; from the fifth failure on all orders of the symbol are cancelled instead. Web
sockets reconnect for ever.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, assert_never

from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.failures import Action, Failure, Operation, VenueCodes, Verdict, classify

__all__ = [
    "CALL_POLICY",
    "CANCEL_ALL_AFTER",
    "SOCKET_POLICY",
    "BackoffAccount",
    "NextStep",
    "RetryPolicy",
    "RetryState",
    "Step",
    "delay_ns",
    "next_step",
    "reconnect_step",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Bounds of the delays; `attempts_max` counts the first attempt, None is without end."""

    base_ms: int
    cap_ms: int
    attempts_max: int | None


CALL_POLICY: Final = RetryPolicy(base_ms=200, cap_ms=3_000, attempts_max=3)
SOCKET_POLICY: Final = RetryPolicy(base_ms=1_000, cap_ms=30_000, attempts_max=None)
CANCEL_ALL_AFTER: Final = 5


class Step(StrEnum):
    """What the caller does next."""

    RETRY = "retry"
    CANCEL_ALL = "cancel_all"
    """After the delay, cancel all orders of the symbol instead of the one."""
    GIVE_UP = "give_up"
    """The call failed: attempts are used up, or the order is no longer wanted."""
    QUERY_BY_CID = "query_by_cid"
    RESOLVE = "resolve"
    REJECT = "reject"
    STOP_SESSION = "stop_session"


@dataclass(frozen=True, slots=True)
class RetryState:
    """Failures of one call so far, and what was waited between its attempts."""

    failures: int = 0
    waited_ns: int = 0


@dataclass(frozen=True, slots=True)
class NextStep:
    """The step, the wait before it, the verdict it follows from, and the state after it.

    `verdict` is None for web sockets, whose reconnects need none.
    """

    step: Step
    delay_ns: int
    verdict: Verdict | None
    state: RetryState


@dataclass(frozen=True, slots=True)
class BackoffAccount:
    """All waits of a session, the source of the counter ``backoff_seconds_sum``."""

    waited_ns: int = 0
    waits: int = 0

    def after(self, step: NextStep) -> BackoffAccount:
        """The account with the wait of a step."""
        return BackoffAccount(self.waited_ns + step.delay_ns, self.waits + 1)

    @property
    def seconds_sum(self) -> float:
        """Seconds waited."""
        return self.waited_ns / NS_PER_SEC


def delay_ns(
    policy: RetryPolicy, failures: int, draw: float, *, at_least_ms: int | None = None
) -> int:
    """Wait after the k-th failure: ``draw * min(cap, base * 2^(k-1))``, not below `at_least_ms`.

    Args:
        policy: bounds.
        failures: k, from 1.
        draw: uniform in [0, 1), from a generator seeded by `mmbot.ids.sub_seed`.
        at_least_ms: what the venue asked for.
    """
    assert failures >= 1
    assert 0.0 <= draw < 1.0
    # The bound is reached long before 2^k leaves the range of integers.
    doublings = min(failures - 1, policy.cap_ms.bit_length())
    bound_ms = min(policy.cap_ms, policy.base_ms << doublings)
    wait_ns = math.floor(draw * bound_ms * NS_PER_MS)
    return max(wait_ns, max(0, at_least_ms or 0) * NS_PER_MS)


def next_step(
    state: RetryState,
    failure: Failure,
    *,
    codes: VenueCodes,
    draw: float,
    is_wanted: bool,
    policy: RetryPolicy = CALL_POLICY,
) -> NextStep:
    """What to do after a failed call.

    Args:
        state: of this call before the failure.
        failure: the facts.
        codes: the venue's codes.
        draw: uniform in [0, 1).
        is_wanted: whether the present decision still asks for the create or amend; cancels and
            queries do not look at it.
        policy: bounds.
    """
    verdict = classify(failure, codes)
    after = replace(state, failures=state.failures + 1)
    match verdict.action:
        case Action.RETRY:
            return _again(after, failure, verdict, draw=draw, is_wanted=is_wanted, policy=policy)
        case Action.QUERY_BY_CID:
            return NextStep(Step.QUERY_BY_CID, 0, verdict, after)
        case Action.RESOLVE:
            return NextStep(Step.RESOLVE, 0, verdict, after)
        case Action.REJECT:
            return NextStep(Step.REJECT, 0, verdict, after)
        case Action.STOP_SESSION:
            return NextStep(Step.STOP_SESSION, 0, verdict, after)
        case _ as never:
            assert_never(never)


def reconnect_step(
    state: RetryState, *, draw: float, policy: RetryPolicy = SOCKET_POLICY
) -> NextStep:
    """The wait before a web socket connects again; the caller resets the state once it is up."""
    failures = state.failures + 1
    wait_ns = delay_ns(policy, failures, draw)
    return NextStep(Step.RETRY, wait_ns, None, RetryState(failures, state.waited_ns + wait_ns))


def _again(
    after: RetryState,
    failure: Failure,
    verdict: Verdict,
    *,
    draw: float,
    is_wanted: bool,
    policy: RetryPolicy,
) -> NextStep:
    is_cancel = failure.operation is Operation.CANCEL
    is_dropped = failure.operation.can_rest and not is_wanted
    limit = None if is_cancel else policy.attempts_max
    if is_dropped or (limit is not None and after.failures >= limit):
        return NextStep(Step.GIVE_UP, 0, verdict, after)
    wait_ns = delay_ns(policy, after.failures, draw, at_least_ms=failure.retry_after_ms)
    step = Step.CANCEL_ALL if is_cancel and after.failures >= CANCEL_ALL_AFTER else Step.RETRY
    return NextStep(step, wait_ns, verdict, replace(after, waited_ns=after.waited_ns + wait_ns))
