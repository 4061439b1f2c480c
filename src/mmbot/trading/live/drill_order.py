"""How `mmbot risk drill kill` reaches a running session.

An order lies beside the session's state file, the session's answer beside that. The session looks
once a second, takes the order away and answers when it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mmbot.store.artifacts import write_json
from mmbot.trading.live.state_file import state_dir

__all__ = [
    "DrillAnswer",
    "DrillOrder",
    "answer_drill",
    "forget_drill",
    "order_drill",
    "read_answer",
    "take_order",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillOrder:
    """Who wants a drill, and whether the session stays halted afterwards."""

    session: str
    at_ns: int
    reason: str
    stay_halted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillAnswer:
    """What became of an order of `at_ns`.

    `refused` says why there was no drill; `result` is `DrillResult.as_dict`; `resumed` whether the
    session quotes again, and `held` why it does not although it should.
    """

    session: str
    at_ns: int
    refused: str | None = None
    result: Mapping[str, Any] | None = None
    resumed: bool = False
    held: str | None = None


def order_drill(order: DrillOrder, directory: Path | None = None) -> None:
    """Ask a session for a drill; an earlier answer goes."""
    _path(order.session, "answer", directory).unlink(missing_ok=True)
    write_json(_path(order.session, "order", directory), msgspec.to_builtins(order))


def take_order(session: str, directory: Path | None = None) -> DrillOrder | None:
    """The order for a session, which is taken away; None if there is none."""
    path = _path(session, "order", directory)
    try:
        data = path.read_bytes()
        path.unlink()
        return msgspec.json.decode(data, type=DrillOrder)
    except (OSError, msgspec.MsgspecError):
        return None


def answer_drill(answer: DrillAnswer, directory: Path | None = None) -> None:
    """Leave what became of an order.

    Raises:
        StoreError: ``E_STORE_DISK`` when the machine refuses.
    """
    path = _path(answer.session, "answer", directory)
    write_json(path, msgspec.to_builtins(answer), nonfinite="null")


def read_answer(order: DrillOrder, directory: Path | None = None) -> DrillAnswer | None:
    """What became of `order`; None as long as the session has not answered."""
    try:
        data = _path(order.session, "answer", directory).read_bytes()
        answer = msgspec.json.decode(data, type=DrillAnswer)
    except (OSError, msgspec.MsgspecError):
        return None
    return answer if answer.at_ns == order.at_ns else None


def forget_drill(session: str, directory: Path | None = None) -> None:
    """Remove order and answer."""
    for what in ("order", "answer"):
        _path(session, what, directory).unlink(missing_ok=True)


def _path(session: str, what: str, directory: Path | None) -> Path:
    # not *.json: those are state files
    return (directory or state_dir()) / f"{session}.drill-{what}"
