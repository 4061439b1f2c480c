"""States of sessions for tests."""

from __future__ import annotations

import os
import socket
from typing import Any

from mmbot.trading.live.state_file import SessionState, StageMark, SymbolState, process_token

SEC = 1_000_000_000
NOW = 1_700_000_000 * SEC


def symbol_state(**changes: Any) -> SymbolState:
    fields: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "at_ns": NOW,
        "mid": 50_000.05,
        "position": 0.012,
        "position_usd": 600.0006,
        "net_pnl_usd": -1.25,
        "open_orders": 4,
        "unknown_orders": 0,
        "market_ns": NOW - SEC // 10,
    }
    return SymbolState(**(fields | changes))


def session_state(**changes: Any) -> SessionState:
    fields: dict[str, Any] = {
        "session": "6f1c7b1e-0000-5000-8000-000000000001",
        "pid": os.getpid(),
        "process": process_token(os.getpid()) or "",
        "host": socket.gethostname(),
        "mode": "live",
        "venue": "bybit",
        "endpoint": "http://127.0.0.1:8091",
        "symbols": (symbol_state(),),
        "cid_prefix": "mmabcd12345678-",
        "bot_prefix": "mmabcd",
        "version": "0.1.0",
        "started_ns": NOW - 100 * SEC,
        "heartbeat_ns": NOW,
        "stages": (StageMark("starting", NOW - 100 * SEC), StageMark("trading", NOW - 99 * SEC)),
        "private_ns": NOW - 2 * SEC,
        "guards": {"risk": "NORMAL"},
    }
    return SessionState(**(fields | changes))
