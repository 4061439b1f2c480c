"""`mmbot config history` and `mmbot config rollback`: versions of a session's configuration."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from mmbot.cli.options import JsonOption
from mmbot.clock import monotonic_ns, sleep_ns
from mmbot.config.describe import format_value
from mmbot.config.overrides import OverridesFile
from mmbot.config.quoting import parameter_of
from mmbot.config.rollback import Pairs, Rollback, Submission, choose_versions, plan_rollback
from mmbot.config.sources import overrides_path
from mmbot.config.versions import ConfigVersion, RuntimeValues, VersionStore
from mmbot.errors import ConfigError
from mmbot.store.canonical import canonical_json
from mmbot.store.runtime import artifacts_dir
from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["history", "rollback"]

_LOOK_NS: Final = 50 * NS_PER_MS


def history(
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Newest versions shown.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the versions of the configuration, newest last: when, who, why, what changed."""
    store = VersionStore(artifacts_dir())
    versions = [store.read(number) for number in store.numbers()[-limit:]]
    if as_json:
        typer.echo(canonical_json([_summary(item) for item in versions]).decode("ascii"), nl=False)
        return
    for item in versions:
        what = ",".join(item.changed) or "-"
        typer.echo(f"{item.version:>6}  {item.utc}  {item.origin:<8}  {item.reason}  {what}")
    if not versions:
        typer.echo("no version yet: a session writes the first one when it starts")


def rollback(
    version: Annotated[
        int | None, typer.Argument(help="Version to return to; the one before the newest if none.")
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; write nothing.")
    ] = False,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait for a running session.")
    ] = 3.0,
) -> None:
    """Return the values that may change live to those of an earlier version."""
    store = VersionStore(artifacts_dir())
    plan = plan_rollback(*choose_versions(store, version))
    _show(plan.changes, "")
    _show(plan.fixed, "  (needs a restart: not rolled back)")
    if dry_run:
        typer.echo(f"[OK] Dry run complete - version {plan.target} not applied")
        return
    if not plan.changes:
        typer.echo(f"| config | ROLLBACK | to={plan.target} changed=0 |")
        return
    answer = _submit(store, plan, wait)
    if answer is None:
        _set_for_next_start(plan)
    elif answer.error is not None:
        raise ConfigError("E_CFG_CONFLICT", f"version={plan.target}", f"refused: {answer.error}")
    else:
        count = len(plan.changes)
        typer.echo(
            f"| config | ROLLBACK | to={plan.target} changed={count} version={answer.version} |"
        )


def _submit(store: VersionStore, plan: Rollback, wait: float) -> RuntimeValues | None:
    """Ask a running session; None when none answers in time."""
    submission = Submission(store, plan)
    deadline = monotonic_ns() + round(wait * NS_PER_SEC)
    while (answer := submission.answer()) is None and monotonic_ns() < deadline:
        sleep_ns(_LOOK_NS)
    return answer if answer is not None else submission.withdraw()


def _set_for_next_start(plan: Rollback) -> None:
    """No session runs: the next one starts from the quoting parameters of the version."""
    path = overrides_path({"ARTIFACTS_DIR": str(artifacts_dir())})
    OverridesFile(path, {}).write(plan.parameters)
    left = sorted(key for key in plan.changes if parameter_of(key) is None)
    typer.echo(f"| config | SAVED | path={path} |")
    typer.echo("no session is running: the next one starts from these quoting parameters")
    if left:
        typer.echo(f"other keys come from file and options at the next start: {','.join(left)}")


def _show(pairs: Pairs, note: str) -> None:
    for key, (old, new) in pairs.items():
        typer.echo(f"{key}: {format_value(old)} -> {format_value(new)}{note}")


def _summary(item: ConfigVersion) -> dict[str, object]:
    return {
        "cfg_hash": item.cfg_hash,
        "changed": list(item.changed),
        "needs_restart": list(item.needs_restart),
        "origin": item.origin,
        "reason": item.reason,
        "utc": item.utc,
        "version": item.version,
    }
