"""`mmbot ops`: what operators do with sessions and their figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmbot.cli.options import ConfigOption

__all__ = ["app"]

app = typer.Typer(
    help="What operators do with sessions and their figures.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.callback()
def _group() -> None:
    """A group, however many commands it has."""


@app.command(
    "export-metrics",
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot ops export-metrics\n\n"
        "mmbot ops export-metrics --from 7c1f1c1e-5d1b-5c55-8d0e-3d2f6a0b9c11 --out day.json"
    ),
)
def export_metrics(
    *,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="SESSION|DIR",
            help="A session id or the directory of its journal.",
            show_default="the newest session",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", show_default="artifacts/metrics.json")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Write metrics.json of a session, one that runs or one that is over, from its journal."""
    # loads the engine
    from mmbot.cli.journal_place import journal_dir, located, session_of  # noqa: PLC0415
    from mmbot.cli.progress import byte_bar  # noqa: PLC0415
    from mmbot.config import ConfigRequest, load_config  # noqa: PLC0415
    from mmbot.research.journal_metrics import journal_metrics  # noqa: PLC0415
    from mmbot.research.session_metrics import write_metrics  # noqa: PLC0415
    from mmbot.store.journal.segments import list_segments  # noqa: PLC0415
    from mmbot.store.runtime import artifact_path  # noqa: PLC0415

    path = session_of(journal_dir(config), None) if source is None else located(source, config)
    target = out or artifact_path("metrics.json")
    loaded = load_config(ConfigRequest(path=config)).config
    with byte_bar() as bar:
        bar.begin("replay", sum(one.stat().st_size for one in list_segments(path)))
        document = journal_metrics(path, loaded, bar.advance)
    write_metrics(target, document, lambda line: typer.echo(line, err=True))
    typer.echo(f"wrote {target}")
