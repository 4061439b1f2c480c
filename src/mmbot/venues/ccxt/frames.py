"""Books and trades of ccxt as public frames, in the form that the core decodes: Bybit v5's.

One form means one decoder, one recorder and one replay for every venue. ccxt keeps a book and hands
it on as often as it is asked; what changed between two looks becomes a delta, numbered by us. The
first frame of a book, and that after `reset`, is a snapshot. Whether ccxt lost something inside is
known to ccxt alone: its checksum errors break the stream and so begin the books anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from mmbot.venues.ccxt.markets import CcxtMarket
from mmbot.venues.ccxt.numbers import decimal_of, text_of

__all__ = ["FrameWriter"]

_Levels = dict[str, str]
_SIDES: Final = (("b", "bids"), ("a", "asks"))


class FrameWriter:
    """Frames of one symbol."""

    def __init__(self, market: CcxtMarket, depth: int) -> None:
        self._market = market
        self._depth = depth
        self._update = 0
        self._book: dict[str, _Levels] = {}
        self._last_ms = 0

    def reset(self) -> None:
        """Begin the book anew: the next frame is a snapshot."""
        self._book = {}

    def book(self, book: Mapping[str, Any], now_ms: int) -> bytes | None:
        """The frame of a book as ccxt holds it; None when nothing changed.

        Args:
            book: unified order book.
            now_ms: local wall time, used where the venue tells none.
        """
        levels = {key: self._levels(book[name]) for key, name in _SIDES}
        is_snapshot = not self._book
        changes = levels if is_snapshot else {k: _delta(self._book[k], levels[k]) for k in levels}
        if not is_snapshot and not any(changes.values()):
            return None
        self._book = levels
        # `u` is 1 for a snapshot that is not asked for; numbers go on otherwise.
        self._update += 1
        stamp_ms = self._stamp_ms(book.get("timestamp"), now_ms)
        symbol = self._market.symbol
        data = {
            "s": symbol,
            **{key: [[px, qty] for px, qty in changes[key].items()] for key in ("b", "a")},
            "u": self._update,
            "seq": self._update,
        }
        frame = {
            "topic": f"orderbook.{self._depth}.{symbol}",
            "type": "snapshot" if is_snapshot else "delta",
            "ts": stamp_ms,
            "data": data,
            "cts": stamp_ms,
        }
        return _bytes(frame)

    def trades(self, trades: Sequence[Mapping[str, Any]], now_ms: int) -> bytes | None:
        """The frame of new trades; None without any."""
        symbol = self._market.symbol
        rows = []
        for trade in trades:
            price, amount = decimal_of(trade.get("price")), decimal_of(trade.get("amount"))
            if price is None or amount is None:
                continue
            row = {
                "T": int(trade.get("timestamp") or now_ms),
                "s": symbol,
                "S": "Sell" if trade.get("side") == "sell" else "Buy",
                "v": text_of(amount * self._market.contract_size),
                "p": text_of(price),
                "i": str(trade.get("id") or ""),
            }
            rows.append(row)
        if not rows:
            return None
        frame = {"topic": f"publicTrade.{symbol}", "type": "snapshot", "ts": now_ms, "data": rows}
        return _bytes(frame)

    def _levels(self, side: Sequence[Sequence[Any]]) -> _Levels:
        size = self._market.contract_size
        levels: _Levels = {}
        for level in side[: self._depth]:
            price, amount = decimal_of(level[0]), decimal_of(level[1])
            if price is not None and amount:
                levels[text_of(price)] = text_of(amount * size if size != Decimal(1) else amount)
        return levels

    def _stamp_ms(self, timestamp: object, now_ms: int) -> int:
        number = decimal_of(timestamp)
        self._last_ms = max(self._last_ms, now_ms if number is None else int(number))
        return self._last_ms


def _delta(before: _Levels, after: _Levels) -> _Levels:
    gone = {px: "0" for px in before if px not in after}
    return gone | {px: qty for px, qty in after.items() if before.get(px) != qty}


def _bytes(frame: Mapping[str, Any]) -> bytes:
    return json.dumps(frame, separators=(",", ":")).encode()
