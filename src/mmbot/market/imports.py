"""What was imported: a manifest per source file, and the one step that makes parts visible.

Rows of a source file become visible together. First all its parts are complete under temporary
names; then a commit record says which names they get and what the manifest will hold; then the
files are renamed, the manifest is written and the record is removed. A process killed before the
record leaves temporary files only; one killed after it leaves a record, and the next import
finishes what it says. So a source file is imported once or not at all, whenever the power fails.

::

    <root>/_imports/<sha256 of the source>.json     manifest
    <root>/_imports/<sha256 of the source>.commit   commit record
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from mmbot.errors import MarketDataError, StoreError
from mmbot.market.parts import Root, part_directory
from mmbot.market.writer import PendingPart
from mmbot.store.artifacts import sync_directory
from mmbot.store.canonical import canonical_json
from mmbot.units import NS_PER_HOUR

__all__ = [
    "Manifest",
    "commit",
    "next_number",
    "publish",
    "read_manifest",
    "recover",
    "remove_leftovers",
]

_DIRECTORY: Final = "_imports"
Manifest = dict[str, Any]


def read_manifest(root: Root, sha256: str) -> Manifest | None:
    """The manifest of a source file, or None if nothing of it was imported."""
    data = root.read_bytes(f"{_DIRECTORY}/{sha256}.json")
    return None if data is None else _parsed(data, f"{_DIRECTORY}/{sha256}.json")


def commit(
    root: Root,
    parts: Sequence[PendingPart],
    *,
    source: Mapping[str, Any],
    series: Mapping[str, Any],
) -> None:
    """Makes the parts of one source file visible and remembers that it is done.

    Args:
        root: the catalog.
        parts: complete files.
        source: `name`, `sha256`, `size_bytes` and `format` of the source file.
        series: what was imported, by ``venue/symbol``; joins what an earlier import of other
        symbols
            of the file left there.
    """
    sha256 = str(source["sha256"])
    earlier = read_manifest(root, sha256) or {"series": {}}
    renames = []
    taken: dict[str, int] = {}
    for part in parts:
        directory = part_directory(part.stream, part.venue, part.symbol, part.hour_ns)
        hour = f"{directory}/part-{part.hour_ns // NS_PER_HOUR % 24:02d}"
        number = taken.get(hour, next_number(root, hour))
        taken[hour] = number + 1
        renames.append([part.temp, f"{hour}-{number}.parquet"])
    manifest = {
        "schema": 1,
        "source": dict(source),
        "series": {**earlier["series"], **dict(series)},
        "parts": [
            *earlier.get("parts", []),
            *(
                {**asdict(part), "temp": None, "path": final}
                for part, (_, final) in zip(parts, renames, strict=True)
            ),
        ],
    }
    record = {"renames": renames, "manifest": manifest}
    _put(root, f"{_DIRECTORY}/{sha256}.commit", canonical_json(record, dp=9))
    _apply(root, sha256, record)


def recover(root: Root) -> int:
    """Finishes the imports that were killed while they became visible; returns how many."""
    found = 0
    for name in root.names(_DIRECTORY):
        if name.endswith(".commit"):
            data = root.read_bytes(f"{_DIRECTORY}/{name}")
            if data is not None:
                _apply(root, name.removesuffix(".commit"), _parsed(data, name))
                found += 1
    return found


def remove_leftovers(root: Root, tag: str, series: Iterable[tuple[str, str]]) -> int:
    """Removes temporary files of an earlier attempt with the same tag; returns how many."""
    removed = 0
    for stream in ("book", "trades"):
        for venue, symbol in series:
            base = part_directory(stream, venue, symbol, 0).rsplit("/", 1)[0]
            for path in root.fs.glob(f"{root.at(base)}/date=*/part-*.{tag}.tmp"):
                root.fs.rm_file(path)
                removed += 1
    return removed


def _apply(root: Root, sha256: str, record: Mapping[str, Any]) -> None:
    """The steps after the commit record; each may have been done already."""
    for temp, final in record["renames"]:
        if root.fs.exists(root.at(temp)):
            publish(root, temp, final)
        elif not root.fs.exists(root.at(final)):
            raise MarketDataError(
                "E_MD_FRAME", f"file={final} row=0", "is missing although its import was committed"
            )
    _put(root, f"{_DIRECTORY}/{sha256}.json", canonical_json(record["manifest"], dp=9))
    root.fs.rm_file(root.at(f"{_DIRECTORY}/{sha256}.commit"))


def next_number(root: Root, hour: str) -> int:
    """The first free number of an hour's parts; `hour` is a path below the root up to ``-<n>``."""
    directory, stem = hour.rsplit("/", 1)
    pattern = re.compile(re.escape(stem) + r"-(\d+)\.parquet")
    matches = (pattern.fullmatch(name) for name in root.names(directory))
    return max((int(match[1]) for match in matches if match), default=-1) + 1


def _put(root: Root, relative: str, data: bytes) -> None:
    """Writes a small file so that readers see all of it or none."""
    temp = f"{relative}.tmp"
    with root.create(temp) as file:
        file.write(data)
        file.flush()
        if root.is_local:
            os.fsync(file.fileno())
    publish(root, temp, relative)


def publish(root: Root, old: str, new: str) -> None:
    """Gives a complete file its name; both are relative to the root."""
    try:
        if not root.is_local:
            root.fs.mv(root.at(old), root.at(new))
            return
        Path(root.at(old)).replace(root.at(new))
        sync_directory(Path(root.at(new)).parent)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise StoreError("E_REC_WRITE", f"file={new}", f"cannot be written: {reason}") from exc


def _parsed(data: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as exc:
        raise MarketDataError("E_MD_FRAME", f"file={name} row=0", "is not valid JSON") from exc
    if not isinstance(value, dict):
        raise MarketDataError("E_MD_FRAME", f"file={name} row=0", "is not an import record")
    return value
