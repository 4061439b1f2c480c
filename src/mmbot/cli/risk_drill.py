"""`mmbot risk drill kill` on a running session: the order, the wait, what the session answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import typer

from mmbot.cli.running import running_session
from mmbot.clock import monotonic_ns, sleep_ns, wall_ns
from mmbot.errors import ConfigError
from mmbot.store.artifacts import write_json
from mmbot.store.canonical import canonical_json
from mmbot.store.runtime import artifact_path, runtime_block
from mmbot.trading.live.drill_order import (
    DrillAnswer,
    DrillOrder,
    forget_drill,
    order_drill,
    read_answer,
)
from mmbot.trading.live.state_file import SessionState, is_running
from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["drill_session"]

_LOOK_NS: Final = 50 * NS_PER_MS
#: A second until it looks, ten until its orders have to be gone, three of watching; at real speed.
_ANSWERS_WITHIN_NS: Final = 30 * NS_PER_SEC


def drill_session(
    session: str | None, *, reason: str, stay_halted: bool, out: Path | None, as_json: bool
) -> int:
    """Drill the running session; the exit code.

    Raises:
        ConfigError: ``E_OPS_NO_SESSION`` without a session, or when it does not answer.
    """
    state = running_session(session)
    order = DrillOrder(
        session=state.session, at_ns=wall_ns(), reason=reason, stay_halted=stay_halted
    )
    order_drill(order)
    answer = _answer(state, order)
    forget_drill(state.session)
    report = {**_report(state, answer), "runtime": runtime_block(mode=state.mode)}
    target = artifact_path("KILL_DRILL.json") if out is None else out
    write_json(target, report)
    if as_json:
        typer.echo(canonical_json(report))
    else:
        _show(report)
        typer.echo(f"report: {target}")
    return 0 if report["passed"] else 2


def _answer(state: SessionState, order: DrillOrder) -> DrillAnswer:
    deadline_ns = monotonic_ns() + _ANSWERS_WITHIN_NS
    while True:
        answer = read_answer(order)
        if answer is not None:
            return answer
        if not is_running(state) or monotonic_ns() > deadline_ns:
            forget_drill(state.session)
            key = f"session={state.session} pid={state.pid}"
            raise ConfigError("E_OPS_NO_SESSION", key, "has not answered the drill")
        sleep_ns(_LOOK_NS)


def _report(state: SessionState, answer: DrillAnswer) -> dict[str, Any]:
    result = dict(answer.result or {})
    return {
        **result,
        "held": answer.held,
        "mode": state.mode,
        "passed": bool(result.get("passed", False)),
        "refused": answer.refused,
        "resumed": answer.resumed,
        "session": state.session,
    }


def _show(report: Mapping[str, Any]) -> None:
    typer.echo(f"session {report['session']} ({report['mode']})")
    if report["refused"] is not None:
        typer.echo(f"not drilled: {report['refused']}")
        return
    typer.echo(f"killed: {report['orders_at_kill']} orders were open")
    for key, text in (
        ("gate_closed_ms", "gate closed: nothing may be placed or changed"),
        ("gone_ms", "no order is open"),
        ("watched_ms", "watched until here"),
    ):
        at_ms = report[key]
        when = "never" if at_ms is None else f"{at_ms / 1000:+.3f} s"
        typer.echo(f"{when:>10}  {text}")
    created, amended = report["created_after_gate"], report["amended_after_gate"]
    typer.echo(f"created after the gate closed: {created}, changed: {amended}")
    typer.echo(f"left: {report['orders_left']}")
    after = "resumed" if report["resumed"] else "halted until a resume"
    held = "" if report["held"] is None else f" ({report['held']})"
    typer.echo(f"the session is {after}{held}")
    typer.echo("passed" if report["passed"] else "FAILED")
