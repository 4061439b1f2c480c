"""A readout to draw in tests."""

import math

from mmbot.trading.readout import Fill, OwnOrder, Readout

NS = 1_000_000_000
START_NS = 1_767_225_600 * NS


def a_readout(**changes):
    values = {
        "ts_ns": START_NS + 751 * NS,
        "elapsed_ns": 751 * NS,
        "synced": True,
        "mid": 50_012.35,
        "spread_bps": 0.42,
        "bids": tuple((50_011.3 - 0.3 * i, 0.4 + 0.21 * i) for i in range(10)),
        "asks": tuple((50_013.4 + 0.3 * i, 0.3 + 0.17 * i) for i in range(10)),
        "orders": (
            OwnOrder("buy", 50_011.0, 0.066, "live", 412.0, 0.318),
            OwnOrder("sell", 50_013.7, 0.066, "live", 130.0, None),
        ),
        "position": 0.012,
        "position_usd": 600.15,
        "net_pnl_usd": 12.3456,
        "fees_usd": 3.21,
        "turnover_usd": 321_000.0,
        "fills": 97,
        "maker_fills": 97,
        "edge": {
            "gross_bps": 1.9,
            "fees_eff_bps": 1.0,
            "slippage_bps": -0.2,
            "adverse_bps": 0.8,
            "inventory_bps": 0.05,
            "net_bps": 0.25,
        },
        "block_counts": {"min_interval": 812, "concurrency": 3, "risk": 0, "throttle": 14},
        "blocked_by": {"min_interval": 700, "concurrency": 3, "risk": 0, "throttle": 10},
        "iterations": 7510,
        "latency_ms": {"p50": 4.2, "p95": 11.0},
        "ws_lag_ms": {"p50": 2.0, "p95": 6.5},
        "order_age_p95_ms": 740.0,
        "vola_1m_bps": 2.6,
        "imbalance": 0.31,
        "last_fills": tuple(
            Fill(START_NS + (750 - i) * NS, "buy" if i % 2 else "sell", 50_011.0 + i, 0.066, i != 2)
            for i in range(10)
        ),
        "risk_state": "normal",
        "market_state": "calm",
        "mids": tuple(50_000 + 9 * math.sin(i / 20) for i in range(300)),
        "pnls": tuple(i / 25 + math.sin(i / 9) for i in range(300)),
    }
    return Readout(**{**values, **changes})


def an_empty_readout():
    return a_readout(
        synced=False,
        mid=None,
        spread_bps=None,
        bids=(),
        asks=(),
        orders=(),
        position=0.0,
        position_usd=None,
        net_pnl_usd=0.0,
        fees_usd=0.0,
        turnover_usd=0.0,
        fills=0,
        maker_fills=0,
        edge=dict.fromkeys(a_readout().edge, 0.0),
        block_counts={},
        blocked_by={},
        vola_1m_bps=None,
        last_fills=(),
        mids=(),
        pnls=(),
    )
