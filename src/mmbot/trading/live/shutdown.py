"""The end of a session as a state machine: gate closed, drain, cancel, verify.

=============  ==========================================  =================================
stage          what holds                                  left when
=============  ==========================================  =================================
`GATE_CLOSED`  nothing new leaves; the core was stopped    at once
`DRAINING`     requests that left are waited for           none is unanswered, or time is up
`CANCELLING`   orders that the venue has are cancelled     its list is empty (kept: at once)
`VERIFYING`    the list is asked for once more             a list fetched after the last
                                                           cancel was answered is empty
`VERIFIED`     proof: the venue has none (kept: it has
               exactly those that we know)
`UNCONFIRMED`  time is up, some may be left
=============  ==========================================  =================================

What the venue says decides, never what we believe. A list that could not be fetched is no list.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from mmbot.units import NS_PER_SEC

__all__ = ["Command", "Facts", "Shutdown", "Stage", "VenueList"]

# Of the time that a stop has, draining takes at most this share.
_DRAIN_SHARE: Final = 3
_DRAIN_MAX_NS: Final = 2 * NS_PER_SEC


class Stage(StrEnum):
    """See the module."""

    GATE_CLOSED = "gate_closed"
    DRAINING = "draining"
    CANCELLING = "cancelling"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    UNCONFIRMED = "unconfirmed"

    @property
    def is_final(self) -> bool:
        """Whether nothing more is done."""
        return self in {Stage.VERIFIED, Stage.UNCONFIRMED}


class Command(StrEnum):
    """What the shell does before it comes back with new facts."""

    WAIT = "wait"
    CANCEL = "cancel"
    """Cancel every order of the venue's list."""
    ASK = "ask"
    """Fetch the venue's list of our open orders."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class VenueList:
    """Our open orders at the venue, by client id, as of a fetch that began at `started_ns`."""

    started_ns: int
    client_ids: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the shell knows.

    `unanswered` requests are in flight, `known` orders are open here; `listed` is the newest list
    that could be fetched, `cancelled_ns` when the last cancel was answered (None: none was sent).
    """

    now_ns: int
    unanswered: int
    known: frozenset[str]
    listed: VenueList | None
    cancelled_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shutdown:
    """Where the stop is; `after` is the one way on."""

    keep_orders: bool
    started_ns: int
    timeout_ns: int
    stage: Stage = Stage.GATE_CLOSED
    left: frozenset[str] = frozenset()

    def after(self, facts: Facts) -> tuple[Shutdown, Command]:
        """The next stage and what is to be done in it."""
        if self.stage.is_final:
            return self, Command.NOTHING
        is_over = facts.now_ns - self.started_ns >= self.timeout_ns
        if self.stage is Stage.GATE_CLOSED:
            return replace(self, stage=Stage.DRAINING), Command.WAIT
        if self.stage is Stage.DRAINING:
            drain_ns = min(_DRAIN_MAX_NS, self.timeout_ns // _DRAIN_SHARE)
            if facts.unanswered and facts.now_ns - self.started_ns < drain_ns:
                return self, Command.WAIT
            return replace(self, stage=Stage.CANCELLING), Command.ASK
        return self._judge(facts, is_over=is_over)

    def _judge(self, facts: Facts, *, is_over: bool) -> tuple[Shutdown, Command]:
        """Cancelling or verifying: the venue's list decides."""
        listed = facts.listed
        is_new = listed is not None and listed.started_ns >= self._since_ns(facts)
        if listed is None or not is_new:
            # An order may have been on its way to the venue when an older list was made.
            if is_over:
                return self._unconfirmed(facts), Command.NOTHING
            return replace(self, stage=Stage.VERIFYING), Command.ASK
        if self._is_proof(listed, facts):
            return replace(self, stage=Stage.VERIFIED, left=frozenset()), Command.NOTHING
        if is_over:
            return self._unconfirmed(facts), Command.NOTHING
        if self.keep_orders or not listed.client_ids:
            return replace(self, stage=Stage.VERIFYING, left=listed.client_ids), Command.ASK
        return replace(self, stage=Stage.CANCELLING, left=listed.client_ids), Command.CANCEL

    def _since_ns(self, facts: Facts) -> int:
        return max(self.started_ns, facts.cancelled_ns or self.started_ns)

    def _is_proof(self, listed: VenueList, facts: Facts) -> bool:
        if self.keep_orders:
            return listed.client_ids == facts.known and not facts.unanswered
        return not listed.client_ids and not facts.unanswered

    def _unconfirmed(self, facts: Facts) -> Shutdown:
        """Everything that either side may still have."""
        listed = frozenset() if facts.listed is None else facts.listed.client_ids
        left = listed ^ facts.known if self.keep_orders else listed | facts.known
        return replace(self, stage=Stage.UNCONFIRMED, left=left)
