"""`mmbot doctor`: whether this machine and this account can trade, and what to do if not."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mmbot.cli.options import ConfigOption, JsonOption, ProfileOption, SetOption
from mmbot.errors import ascii_line

if TYPE_CHECKING:
    from mmbot.ops.doctor.finding import Finding

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(
    help=(
        "Check clock, credentials and permissions, rate limits, disks, ports, dead sessions and "
        "locks, the data catalog, dependencies and the Rust extension. One line a check, with the "
        "remedy. Exit 1 when a check failed; with [bold]--strict[/bold] a warning fails, too. "
        "Nothing is changed and no order is sent."
    ),
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "mmbot doctor\n\n"
        "mmbot doctor --live --strict && mmbot run --mode live\n\n"
        "mmbot doctor --offline --json"
    ),
)
def doctor(
    *,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    sets: SetOption = None,
    live: Annotated[
        bool, typer.Option("--live", help="As before a live start: a missing key fails.")
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask neither venue nor Redis.")
    ] = False,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Read the data catalog through, every row.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, too.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Load the configuration, examine, print; return the exit code."""
    from mmbot.cli.doctor_wire import DoctorOptions, examine  # noqa: PLC0415
    from mmbot.config import ConfigRequest, load_config  # noqa: PLC0415
    from mmbot.errors import ConfigError  # noqa: PLC0415
    from mmbot.ops.doctor.finding import bad, exit_code, good  # noqa: PLC0415

    try:
        request = ConfigRequest(path=config, profile=profile, sets=tuple(sets or ()))
        loaded = load_config(request)
    except ConfigError as exc:
        findings = [bad("config", str(exc), "mmbot config check")]
    else:
        options = DoctorOptions(is_live=live, is_offline=offline, is_thorough=thorough)
        findings = [good("config", "valid"), *examine(loaded.config, options)]
    code = exit_code(findings, is_strict=strict)
    sys.stdout.write(_json(findings, code) if as_json else _lines(findings))
    return code


def _lines(findings: Sequence[Finding]) -> str:
    width = max(len(finding.name) for finding in findings)
    lines = []
    for one in findings:
        remedy = f" -> {one.remedy}" if one.remedy else ""
        head = f"{one.level.upper():4} {one.name:{width}} "
        lines.append(head + ascii_line(f"{one.text}{remedy}"))
    return "\n".join(lines) + "\n"


def _json(findings: Sequence[Finding], code: int) -> str:
    from mmbot.store.canonical import canonical_json  # noqa: PLC0415
    from mmbot.store.runtime import runtime_block  # noqa: PLC0415

    checks = [
        {
            "name": one.name,
            "status": one.level.value,
            "text": ascii_line(one.text),
            "remedy": one.remedy,
        }
        for one in findings
    ]
    report = {
        "status": "fail" if code else "ok",
        "reasons": sorted(one.name for one in findings if one.level.value == "fail"),
        "checks": checks,
        "runtime": runtime_block(),
    }
    return canonical_json(report).decode("ascii")
