"""The venue: clock, key and what it may do, limits, instruments. Pure judgements of answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mmbot.ops.doctor.finding import Finding, bad, good, warning
from mmbot.units import NS_PER_DAY, NS_PER_MS, format_utc
from mmbot.venues.budget.ledger import BucketStatus
from mmbot.venues.budget.rules import BudgetRules

__all__ = ["KeyFacts", "clock_offset", "credentials", "instruments", "permissions", "rate_budget"]

_WARN_NS: Final = 500 * NS_PER_MS
_FAIL_NS: Final = 1_000 * NS_PER_MS
_EXPIRY_NS: Final = 14 * NS_PER_DAY
_LEFT_SHARE: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """What the venue says about an API key; None is "not said".

    Attributes:
        can_trade: may place orders of the configured kind.
        can_withdraw: may move money out.
        is_read_only: may only ask.
        has_address_list: works from listed addresses only.
        expires_ns: when it ends.
    """

    can_trade: bool | None
    can_withdraw: bool | None
    is_read_only: bool | None
    has_address_list: bool | None
    expires_ns: int | None


def clock_offset(offset_ns: int) -> Finding:
    """Judge by how much the venue's clock is ahead of the machine's."""
    size_ns = abs(offset_ns)
    side = "behind" if offset_ns > 0 else "ahead of"
    text = f"{size_ns // NS_PER_MS} ms {side} the venue"
    remedy = "synchronise the machine's clock (chrony, systemd-timesyncd)"
    if size_ns > _FAIL_NS:
        return bad("clock_offset", text, remedy)
    return (
        warning("clock_offset", text, remedy) if size_ns > _WARN_NS else good("clock_offset", text)
    )


def credentials(trouble: str | None, *, equity: str = "") -> Finding:
    """Judge whether the key was accepted."""
    if trouble is None:
        return good("credentials", f"the venue accepts the key, equity {equity} USD")
    remedy = "check key, secret, allowed addresses and environment (testnet or not)"
    return bad("credentials", trouble, remedy)


def permissions(facts: KeyFacts, *, now_ns: int) -> Finding:
    """Judge what the key may do: trade, never withdraw."""
    name = "permissions"
    if facts.can_withdraw:
        return bad(name, "the key can withdraw", "make a key without this right")
    if facts.is_read_only or facts.can_trade is False:
        return bad(name, "the key cannot trade", "give it the right to trade, and no other")
    if facts.can_trade is None:
        return warning(name, "the venue does not say what the key may do", "look at its web page")
    if facts.expires_ns is not None and facts.expires_ns - now_ns < _EXPIRY_NS:
        text = f"the key ends at {format_utc(facts.expires_ns)}"
        return warning(name, text, "renew it, or bind it to this machine's address")
    if facts.has_address_list is False:
        return warning(name, "the key works from every address", "bind it to this machine's")
    return good(name, "the key can trade and cannot withdraw")


def rate_budget(status: Mapping[str, BucketStatus], rules: BudgetRules) -> Finding:
    """Judge limits in force against those published, and what is left of them."""
    blocked = [name for name, row in status.items() if row.blocked_ns > 0]
    if blocked:
        text = f"{blocked[0]} is blocked by the venue"
        return bad("rate_budget", text, "stop other programs of this account or address and wait")
    cut = [name for name, row in status.items() if row.limit < rules.buckets[name].limit]
    if cut:
        row = status[cut[0]]
        text = f"{cut[0]} allows {row.limit}, published are {rules.buckets[cut[0]].limit}"
        return warning("rate_budget", text, "ask the venue why; quote fewer symbols")
    scarce = [name for name, row in status.items() if row.left < _LEFT_SHARE * row.limit]
    if scarce:
        text = f"{status[scarce[0]].left} of {status[scarce[0]].limit} left for {scarce[0]}"
        return warning("rate_budget", text, "another program uses this account: share the budget")
    return good("rate_budget", f"{len(status)} limits as published, none used up")


def instruments(wanted: Sequence[str], found: Sequence[str]) -> Finding:
    """Judge whether the venue trades all that is to be traded."""
    missing = [symbol for symbol in wanted if symbol not in found]
    if missing:
        text = f"{missing[0]} is not traded by the venue"
        return bad("instruments", text, "correct trading.symbols or trading.category")
    return good("instruments", f"{len(wanted)} symbols are traded")
