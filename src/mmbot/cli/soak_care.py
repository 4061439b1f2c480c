"""`mmbot soak config|artifacts|resources`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mmbot.cli.options import ProfileOption, SetOption
from mmbot.config.soak_library import list_profiles, migrate_legacy_files
from mmbot.errors import ConfigError, InputError
from mmbot.soak.overrides import (
    LayerRequest,
    profile_parameters,
    resolve_start,
)
from mmbot.soak.parameters import shown
from mmbot.soak.paths import SoakPaths
from mmbot.soak.resources import monitor_for, read_snapshots
from mmbot.soak.resources_analysis import analyse
from mmbot.soak.rotate import RotationLimits, rotate
from mmbot.store.artifacts import write_json
from mmbot.store.runtime import artifact_path
from mmbot.trading.stopping import StopRequest

__all__ = ["artifacts_command", "config_command", "resources_command"]

_CONFIG_DIR = Path("config")


def config_command(
    *,
    listing: Annotated[bool, typer.Option("--list-profiles", help="All profiles.")] = False,
    show: Annotated[str | None, typer.Option("--show", metavar="NAME", help="One profile.")] = None,
    precedence: Annotated[
        bool, typer.Option("--precedence", help="Each start value and its source.")
    ] = False,
    migrate: Annotated[bool, typer.Option("--migrate", help="Bring old files in.")] = False,
    profile: ProfileOption = None,
    sets: SetOption = None,
) -> None:
    """Show profiles and start values; bring files of earlier layouts in."""
    paths = SoakPaths.from_environment(os.environ)
    if not (listing or show or precedence or migrate):
        raise ConfigError("E_SOAK_ARGS", "--show", "or another of the options must be given")
    if migrate:
        for line in migrate_legacy_files(paths.root):
            typer.echo(line)
    if listing:
        for line in list_profiles(paths.root):
            typer.echo(line)
    if show is not None:
        for name, value in sorted(profile_parameters(paths, _CONFIG_DIR, show).items()):
            typer.echo(f"{name:<30} = {value:g}")
    if precedence:
        _precedence(paths, profile, sets)


def artifacts_command(
    *,
    do_rotate: Annotated[bool, typer.Option("--rotate", help="Rotate the soak tree.")] = False,
    path: Annotated[
        Path | None, typer.Option("--path", metavar="DIR", show_default="artifacts/soak")
    ] = None,
    max_summaries: Annotated[int, typer.Option("--max-summaries", min=0)] = 100,
    max_snapshot_age: Annotated[float, typer.Option("--max-snapshot-age", min=0, help="Days.")] = 7,
    max_size_mb: Annotated[float, typer.Option("--max-size-mb", min=0)] = 500,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing.")] = False,
) -> None:
    """Keep the newest iteration records, compress old snapshots, check the size."""
    if not do_rotate:
        raise ConfigError("E_SOAK_ARGS", "--rotate", "must be given")
    limits = RotationLimits(
        max_summaries=max_summaries,
        max_age_days=max_snapshot_age,
        max_size_mb=max_size_mb,
        dry_run=dry_run,
    )
    done = rotate(path or artifact_path("soak"), limits, typer.echo)
    if done is None:
        raise typer.Exit(1)
    raise typer.Exit(0 if done.within_limit else 2)


def resources_command(
    *,
    interval: Annotated[float, typer.Option("--interval", min=0.1, help="Seconds.")] = 60,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", show_default="artifacts/soak/resources.jsonl"),
    ] = None,
    duration: Annotated[
        float | None, typer.Option("--duration", min=0, help="Seconds; else until Ctrl-C.")
    ] = None,
    pid: Annotated[int | None, typer.Option("--pid", min=1, help="Process to watch.")] = None,
    analyze: Annotated[
        Path | None, typer.Option("--analyze", metavar="FILE", help="Analyse a recording.")
    ] = None,
) -> None:
    """Record what machine and process use, or analyse a recording."""
    if analyze is not None:
        _analyze(analyze)
        return
    target = output or artifact_path("soak", "resources.jsonl")
    with StopRequest() as request:
        lines = monitor_for(
            target,
            interval_sec=interval,
            duration_sec=duration,
            pid=pid,
            stop=lambda: request.requested,
        )
    typer.echo(f"wrote {lines} lines to {target}")


def _analyze(path: Path) -> None:
    try:
        snapshots, skipped = read_snapshots(path)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise InputError("E_STORE_DISK", f"file={path}", f"cannot be read: {reason}") from exc
    found = analyse(snapshots, skipped=skipped)
    target = path.with_name(f"{path.stem}.analysis.json")
    write_json(target, found)
    leak = "yes" if found["memory"]["leak_detected"] else "no"
    typer.echo(f"snapshots={found['snapshot_count']} skipped={skipped} leak={leak}")
    typer.echo(f"wrote {target}")


def _precedence(paths: SoakPaths, profile: str | None, sets: list[str] | None) -> None:
    start = resolve_start(
        LayerRequest(
            paths=paths,
            config_dir=_CONFIG_DIR,
            env=dict(os.environ),
            profile=profile,
            sets=[text for text in sets or () if "." not in text.partition("=")[0]],
        )
    )
    for line in start.lines:
        typer.echo(line, err=True)
    for name, value in start.requested.items():
        typer.echo(f"{name:<30} = {shown(name, value):<8} {start.sources[name]}")
