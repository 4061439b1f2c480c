"""`mmbot profile apply`: resolve a profile, print it, and leave it for the next session."""

from __future__ import annotations

import os
from typing import Annotated, Final

import typer

from mmbot.cli.options import ConfigOption, SetOption
from mmbot.config.applied_profile import applied_profile
from mmbot.config.overrides import OverridesFile
from mmbot.config.quoting import effective
from mmbot.config.runtime import check_start
from mmbot.config.soak_library import materialise
from mmbot.config.sources import ConfigRequest, overrides_path
from mmbot.config.tree import to_tree
from mmbot.errors import ConfigError
from mmbot.store.artifacts import write_json
from mmbot.store.runtime import artifacts_dir

__all__ = ["app"]

_WIDTH: Final = 60

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Apply a profile of quoting parameters.",
    epilog="mmbot profile apply S1 --dry-run",
)


@app.callback()
def _group() -> None:
    """Keep `apply` a command of its own although it is the only one."""


@app.command()
def apply(
    name: Annotated[
        str | None, typer.Argument(help="Profile: S1, steady_safe, ...", show_default="MM_PROFILE")
    ] = None,
    *,
    profile: Annotated[str | None, typer.Option("--profile", help="The same as NAME.")] = None,
    config: ConfigOption = None,
    sets: SetOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write the report only, no parameters.")
    ] = False,
) -> None:
    """Resolve a profile over all layers, print the parameters, leave them for the next session."""
    option = _one_of(name, profile)
    shown = option or os.environ.get("MM_PROFILE") or None
    if shown is None:
        raise ConfigError("E_CFG_MISSING", "NAME", "must be given, or MM_PROFILE")
    request = ConfigRequest(path=config, profile=option, sets=tuple(sets or ()))
    sources, loaded = check_start(request, lambda line: typer.echo(line, err=True))
    for line in loaded.messages:
        typer.echo(line, err=True)
    for line in ("=" * _WIDTH, f"Loading profile: {shown}", "=" * _WIDTH):
        typer.echo(line)
    typer.echo(f"| profile_apply | OK | PROFILE={shown} |")
    typer.echo("\nApplied profile configuration:\n" + "-" * _WIDTH)
    for parameter, value in sorted(effective(to_tree(loaded.config)).items()):
        typer.echo(f"  {parameter:<30} = {value}")
    typer.echo("-" * _WIDTH)
    artifacts = artifacts_dir()
    if not dry_run:
        used = [item.name for item in sources.profiles if item.place == "built-in"]
        materialise(artifacts, used)
        OverridesFile(overrides_path(request.env), {}).write(loaded.parameters)
    path = artifacts / "soak" / "applied_profile.json"
    write_json(path, applied_profile(loaded, loaded.parameters), dp=10)
    typer.echo(f"| save_applied_profile | OK | {path} |")
    if dry_run:
        typer.echo("\n[OK] Dry run complete - profile loaded successfully")


def _one_of(name: str | None, profile: str | None) -> str | None:
    if name is not None and profile is not None and name != profile:
        raise ConfigError("E_CFG_CONFLICT", "--profile", f"{profile} contradicts {name}")
    return profile or name
