"""Iterations of all runs that are still on disk: the current one, snapshots, archives."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmbot.errors import ConfigError
from mmbot.soak.paths import SUMMARY_NAME, SoakPaths, read_object, read_summaries
from mmbot.store.canonical import canonical_json

__all__ = ["archive_summaries", "earlier_iterations", "recorded_iterations"]


def recorded_iterations(paths: SoakPaths, source: Path | None = None) -> list[dict[str, Any]]:
    """ITER_SUMMARY documents, oldest run first; `source` names one directory instead of all."""
    if source is not None:
        found, _ = read_summaries(source)
        return list(found.values())
    records: list[dict[str, Any]] = []
    for entry in sorted((paths.soak / "snapshots").glob("*")):
        if entry.is_dir():
            records += read_summaries(entry)[0].values()
        elif entry.name.endswith(".tar.gz"):
            records += archive_summaries(entry)
    records += read_summaries(paths.latest)[0].values()
    return records


def earlier_iterations(directory: Path) -> list[dict[str, Any]]:
    """ITER_SUMMARY documents of all runs below a directory, archives included.

    Each says under ``market`` which stretch of which market it traded: runs of one source and seed
    have it in common. In an archive nothing tells.

    Raises:
        ConfigError: ``E_SOAK_ARGS`` when there are none.
    """
    records: list[dict[str, Any]] = []
    for run in sorted({path.parent for path in directory.rglob("ITER_SUMMARY_*.json")}):
        options = dict((read_object(run / "RUN.json") or {}).get("options") or {})
        market = {name: options.get(name) for name in ("market", "mode", "seed")}
        for summary in read_summaries(run)[0].values():
            stretch = canonical_json({**market, "window": summary.get("window")}).decode("ascii")
            records.append({**summary, "market": stretch if options else ""})
    for archive in sorted(directory.rglob("*.tar.gz")):
        records += archive_summaries(archive)
    if not records:
        raise ConfigError("E_SOAK_ARGS", f"--prior {directory}", "holds no iteration records")
    return records


def archive_summaries(path: Path) -> list[dict[str, Any]]:
    """The documents in a compressed snapshot; damaged members are left out."""
    found: dict[int, dict[str, Any]] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                match = SUMMARY_NAME.fullmatch(Path(member.name).name)
                file = archive.extractfile(member) if match is not None else None
                document = _parsed(file.read()) if file is not None else None
                if match is not None and document is not None:
                    found[int(match.group(1))] = document
    except (OSError, tarfile.TarError, EOFError):
        return [found[i] for i in sorted(found)]
    return [found[i] for i in sorted(found)]


def _parsed(data: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(data)
    except ValueError:
        return None
    usable = (
        isinstance(document, dict)
        and isinstance(document.get("summary"), Mapping)
        and isinstance(document.get("tuning"), Mapping)
    )
    return document if usable else None
