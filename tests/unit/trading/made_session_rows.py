"""Order events and fills of small sessions, as the engine gives them."""

from typing import Any

import numpy as np

from mmbot.trading.session import Taken

TICK, LOT = 0.1, 0.001
ORDER_FIELDS = ("ts_ns", "cid", "event", "side", "px", "qty", "level", "color", "reason", "mid")
FILL_FIELDS = ("ts_local_ns", "cid", "side", "px", "qty", "maker", "queue_wait_ms")


def order_event(ts_ns, cid, event, *, px=500_000, mid=50_000.0, side=0, color="blue"):
    """One row; `px` in ticks, `mid` in quote currency."""
    return (ts_ns, cid, event, side, px, 29, 0, color, "new", mid)


def fill(ts_ns, cid, *, px=50_000.0, side=1, maker=True, wait_ms=1.0):
    """One row; `side` is +1 for a buy, `px` in quote currency."""
    return (ts_ns, cid, side, px, 0.029, maker, wait_ms)


def taken(orders=(), fills=(), symbol="BTCUSDT"):
    """What one step brings."""
    events: dict[str, Any] = _columns(ORDER_FIELDS, orders)
    events["queue_ahead"] = np.full(len(orders), -1.0)
    done = _columns(FILL_FIELDS, fills)
    # Venue time is earlier than the time at which the session hears of it.
    done["ts_ns"] = done["ts_local_ns"] - 7_000_000
    done["mid_decision"] = np.full(len(fills), 50_000.0)
    done["fee_usd"] = np.zeros(len(fills))
    return Taken(symbol=symbol, fills=done, curve={}, order_events=events)


def _columns(names, rows):
    columns = dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True))
    texts = {"event", "color", "reason"}
    return {n: list(c) if n in texts else np.array(c) for n, c in columns.items()}
