"""Where the files of soak runs lie, and how damaged ones are read and put aside."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mmbot.clock import artifact_stamp
from mmbot.errors import StoreError
from mmbot.store.runtime import artifacts_dir

__all__ = ["SoakPaths", "move_corrupt", "read_array", "read_object", "read_summaries"]

SUMMARY_NAME: Final = re.compile(r"ITER_SUMMARY_(\d+)\.json")


@dataclass(frozen=True, slots=True)
class SoakPaths:
    """Files of the soak tree: `root` is the artifacts directory, `latest` the current run's."""

    root: Path
    latest: Path

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> SoakPaths:
        """`ARTIFACTS_DIR` and `SOAK_OUT_DIR`, or their defaults."""
        root = artifacts_dir(env)
        chosen = env.get("SOAK_OUT_DIR", "")
        return cls(root, Path(chosen) if chosen else root / "soak" / "latest")

    @property
    def soak(self) -> Path:
        """The soak tree."""
        return self.root / "soak"

    @property
    def overrides(self) -> Path:
        """Requested values: the only mutable parameter file."""
        return self.soak / "runtime_overrides.json"

    @property
    def state(self) -> Path:
        """What the tuner remembers."""
        return self.latest / "TUNING_STATE.json"

    @property
    def run(self) -> Path:
        """Options and start values of the run."""
        return self.latest / "RUN.json"

    @property
    def tuning_report(self) -> Path:
        """One entry per iteration."""
        return self.latest / "TUNING_REPORT.json"

    @property
    def lock(self) -> Path:
        """Held while a run lasts."""
        return self.latest / "soak.lock"

    def summary(self, iteration: int) -> Path:
        """The record of one iteration."""
        return self.latest / f"ITER_SUMMARY_{iteration}.json"

    def report(self, name: str) -> Path:
        """The newest iteration's edge report or sentinel."""
        return self.root / "reports" / name

    def run_report(self, run_id: str) -> Path:
        """The report of a finished run."""
        return self.root / "soak_reports" / f"{run_id}.json"


def read_object(path: Path) -> dict[str, Any] | None:
    """A JSON object; None when the file is missing or holds anything else.

    Raises:
        StoreError: ``E_STORE_DISK`` when the machine refuses to read an existing file.
    """
    value = _read(path)
    return value if isinstance(value, dict) else None


def read_array(path: Path) -> list[Any] | None:
    """A JSON array; None when the file is missing or holds anything else."""
    value = _read(path)
    return value if isinstance(value, list) else None


def read_summaries(directory: Path) -> tuple[dict[int, dict[str, Any]], list[str]]:
    """All iteration records by number, and the names of files that cannot be used."""
    found: dict[int, dict[str, Any]] = {}
    skipped = []
    for path in sorted(directory.glob("ITER_SUMMARY_*.json")):
        match = SUMMARY_NAME.fullmatch(path.name)
        document = read_object(path)
        if match is None or document is None or not _is_summary(document):
            skipped.append(path.name)
        else:
            found[int(match.group(1))] = document
    return dict(sorted(found.items())), skipped


def move_corrupt(path: Path) -> Path | None:
    """Put a damaged file aside as ``<file>.corrupt.<stamp>``; None when there is none."""
    if not path.exists():
        return None
    stamp = artifact_stamp()
    aside = path.with_name(f"{path.name}.corrupt.{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.corrupt.{stamp}.{number}")
    try:
        path.replace(aside)
    except OSError as exc:
        raise _disk(path, exc) from exc
    return aside


def _read(path: Path) -> object:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise _disk(path, exc) from exc
    try:
        value: object = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return value


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not finite")


def _is_summary(document: Mapping[str, Any]) -> bool:
    return (
        isinstance(document.get("iteration"), int)
        and isinstance(document.get("summary"), dict)
        and isinstance(document.get("tuning"), dict)
        and isinstance(document.get("overrides", {}), dict)
    )


def _disk(path: Path, exc: OSError) -> StoreError:
    reason = exc.strerror or type(exc).__name__
    return StoreError("E_STORE_DISK", f"file={path}", f"cannot be read or moved: {reason}")
