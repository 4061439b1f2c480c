"""Iterations of all runs that are still on disk: the current one, snapshots, archives."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmbot.soak.paths import SUMMARY_NAME, SoakPaths, read_summaries

__all__ = ["archive_summaries", "recorded_iterations"]


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
