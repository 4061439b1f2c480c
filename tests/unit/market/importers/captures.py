"""Small captures of the formats that venues and recorders write, and what imports make of them."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from mmbot.errors import MarketDataError
from mmbot.market.catalog import read_events

T0_MS = 1_723_161_600_000


def bybit_frame(kind, update_id, bids, asks, *, ts_ms=T0_MS, symbol="ABCUSDT") -> str:
    body = {
        "topic": f"orderbook.50.{symbol}",
        "type": kind,
        "ts": ts_ms,
        "data": {
            "s": symbol,
            "b": [[str(px), str(qty)] for px, qty in bids],
            "a": [[str(px), str(qty)] for px, qty in asks],
            "u": update_id,
            "seq": 10 * update_id,
        },
        "cts": ts_ms,
    }
    return json.dumps(body, separators=(",", ":"))


def bybit_lines(count=20, *, first_ms=T0_MS) -> list[str]:
    """A snapshot and deltas that move sizes behind the touch."""
    lines = [bybit_frame("snapshot", 5, [("1.0", 3), ("0.9", 2)], [("1.2", 4)], ts_ms=first_ms)]
    for i in range(1, count):
        side = [("0.9", i), ("0.8", 0)], [("1.3", i)]
        lines.append(bybit_frame("delta", 5 + i, *side, ts_ms=first_ms + 10 * i))
    return lines


def binance_lines(first_id, count, *, snapshot: bool, first_ns=T0_MS * 1_000_000) -> list[str]:
    """Lines of a collector: spot depth updates, trades, and at first the REST snapshot."""
    lines = []
    for i in range(count):
        ns, ms = first_ns + i * 1_000_000, (first_ns // 1_000_000) + i
        update = first_id + i
        depth = {
            "e": "depthUpdate",
            "E": ms - 3,
            "s": "ABCUSDT",
            "U": update,
            "u": update,
            "b": [["0.9", str(1 + i % 5)]],
            "a": [["1.3", str(2 + i % 3)]],
        }
        lines.append(_local(ns, {"stream": "abcusdt@depth@100ms", "data": depth}))
        if snapshot and i == 1:
            rest = {"lastUpdateId": update, "bids": [["1.0", "3"]], "asks": [["1.2", "4"]]}
            lines.append(_local(ns + 1, rest))
        if i % 4 == 3:
            trade = {
                "e": "trade",
                "E": ms - 2,
                "s": "ABCUSDT",
                "t": update,
                "p": "1.2",
                "q": "0.5",
                "T": ms - 2,
                "m": False,
            }
            lines.append(_local(ns + 2, {"stream": "abcusdt@trade", "data": trade}))
    return lines


def _local(ns, frame) -> str:
    return f"{ns} {json.dumps(frame, separators=(',', ':'))}"


TARDIS_BOOK = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"
TARDIS_TRADES = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"


def tardis_book_lines() -> list[str]:
    us = T0_MS * 1000
    rows = [(0, "true", "bid", "1.0", "3"), (0, "true", "ask", "1.2", "4")]
    rows += [(i, "false", "bid", "0.9", str(i)) for i in range(1, 10)]
    return [
        TARDIS_BOOK,
        *(f"deribit,ABC,{us + t},{us + t + 250},{s},{side},{px},{q}" for t, s, side, px, q in rows),
    ]


def tardis_trade_lines() -> list[str]:
    us = T0_MS * 1000
    return [
        TARDIS_TRADES,
        *(f"deribit,ABC,{us + i},{us + i + 250},id{i},buy,1.2,{i}" for i in range(1, 6)),
    ]


def write_lines(path: Path, lines: list[str]) -> Path:
    text = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
    return path


def rows_of(tmp_path, **options):
    chunks = list(read_events(tmp_path / "catalog", **options))
    names = ("flags", "px", "qty", "ts_exch", "ts_local")
    arrays = [chunk.to_arrays() for chunk in chunks]
    columns = (np.concatenate([a[name] for a in arrays]).tolist() for name in names)
    return list(zip(*columns, strict=True))


def refused(run, *paths, code="E_REC_IMPORT", **options):
    """The error, which names the file and a row."""
    with pytest.raises(MarketDataError) as caught:
        run(*paths, **options)
    error = caught.value
    assert error.code == code
    assert str(paths[-1]) in error.key
    assert "line=" in error.key or "row=" in error.key
    return str(error)


def quarantined(tmp_path, name):
    path = tmp_path / "catalog" / "quarantine" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_bytes().splitlines()]
