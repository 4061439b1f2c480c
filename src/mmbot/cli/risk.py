"""`mmbot risk`: proof that a kill works."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from mmbot import core
from mmbot.cli.options import JsonOption
from mmbot.cli.risk_drill import drill_session
from mmbot.store.artifacts import write_json
from mmbot.store.canonical import canonical_json
from mmbot.store.runtime import artifact_path

__all__ = ["app"]

app = typer.Typer(
    help="Prove that a kill leaves no order.", no_args_is_help=True, rich_markup_mode="rich"
)
drill = typer.Typer(help="Rehearse an emergency.", no_args_is_help=True, rich_markup_mode="rich")
app.add_typer(drill, name="drill")


@drill.callback()
def _drill() -> None:
    """Rehearse an emergency."""


@drill.command(
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot risk drill kill\n\n"
        "mmbot risk drill kill --session 7c1f1c1e --stay-halted\n\n"
        "mmbot risk drill kill --simulated --symbols 3 --seed 7 --out drill.json"
    )
)
def kill(
    *,
    session: Annotated[
        str | None,
        typer.Option("--session", metavar="ID", help="Which session; a prefix will do."),
    ] = None,
    stay_halted: Annotated[
        bool, typer.Option("--stay-halted", help="Do not resume it afterwards.")
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="For the session's journal.")
    ] = "kill drill",
    simulated: Annotated[
        bool, typer.Option("--simulated", help="A session of the fault world instead.")
    ] = False,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Simulated: of market and faults.")
    ] = 42,
    symbols: Annotated[
        int, typer.Option("--symbols", min=1, max=4, help="Simulated: instruments.")
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", show_default="artifacts/KILL_DRILL.json"),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Kill the running session; show that its orders are gone and that none is created.

    It is resumed when the drill has passed. With --simulated a session on a synthetic market is
    killed, amid requests and reports that are lost, late and doubled. Exit code 2: an order was
    left or placed, or the session was held already.
    """
    if not simulated:
        return drill_session(session, reason=reason, stay_halted=stay_halted, out=out, as_json=json)
    found = core.kill_drill(seed, symbols=symbols)
    target = artifact_path("KILL_DRILL.json") if out is None else out
    write_json(target, found)
    if json:
        typer.echo(canonical_json(found))
    else:
        _show(found)
        typer.echo(f"report: {target}")
    return 0 if found["passed"] else 2


def _show(found: Mapping[str, Any]) -> None:
    faults = sum(found["happened"].values()) - found["happened"]["operator_kill"]
    many = found["symbols"] > 1
    typer.echo(f"seed {found['seed']}, {found['symbols']} symbol{'s' if many else ''}")
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    killed = (
        f"killed: {found['resting_at_kill']} orders rest, {found['under_way_at_kill']} under way, "
        f"{found['requests_before']} requests sent before"
    )
    steps: list[tuple[int | None, str]] = [
        (-found["kill_at_ms"], "the session starts"),
        (0, killed),
        (found["gate_closed_ms"], "gate closed: no trader may place or change an order"),
        (found["last_cancel_ms"], f"last of {found['cancels']} cancels sent"),
        (found["healed_ms"], f"faults healed, {faults} happened"),
        (found["gone_ms"], "nothing rests at the exchange, nothing is under way to it"),
        (found["confirmed_ms"], "the session has confirmed it, order by order"),
    ]
    never = [text for at, text in steps if at is None]
    for at, text in sorted((at, text) for at, text in steps if at is not None):
        table.add_row(f"{at / 1000:+.3f} s", text)
    for text in never:
        table.add_row("never", text)
    Console().print(table)
    typer.echo(f"placed after the gate closed: {found['placed_after']}")
    typer.echo(f"left at the exchange: {found['resting_at_end']}")
    for violation in found["violations"]:
        typer.echo(f"broken: {violation['rule']}: {violation['detail']}")
    typer.echo("passed" if found["passed"] else "FAILED")
