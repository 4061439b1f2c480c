"""Order events that the hourly statistics are made of; times are event times, never wall times."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Filled", "OrderDone", "OrderEvent", "OrderLive", "Quoted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """An order was placed (`is_new`) or amended: it rests at `px` while the mid is `mid`."""

    ts_ns: int
    cid: str
    px: float
    mid: float
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLive:
    """The venue took a new order into its book."""

    ts_ns: int
    cid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """An execution. `maker` None: the venue did not say.

    `queue_wait_ms`, where known, is the time from live to this fill and wins over the time since
    `OrderLive`.
    """

    ts_ns: int
    cid: str
    maker: bool | None = None
    queue_wait_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDone:
    """The order is filled in full, cancelled or rejected; nothing more will come of it."""

    ts_ns: int
    cid: str


OrderEvent = Quoted | OrderLive | Filled | OrderDone
