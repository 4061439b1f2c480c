"""Proof of determinism: the same command in two fresh processes, compared byte by byte."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mmbot.errors import InputError, InvariantError

__all__ = ["Command", "compare_runs"]

_RUNS: Final = 2
_TIMEOUT_SEC: Final = 3600
_MAIN: Final = "from mmbot.cli.app import main; main()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Arguments of one ``mmbot`` call that writes `outputs`, the first of them by ``--out``."""

    arguments: Sequence[str]
    outputs: Sequence[str]


def compare_runs(commands: Sequence[Command]) -> dict[str, bytes]:
    """Run every command twice; return the content of all outputs by name.

    The runs differ in hash seed and directory, and share a frozen artifact clock.

    Raises:
        InvariantError: ``E_BT_NONDETERMINISTIC`` naming the first file that differs or is not in
            canonical form.
        InputError: what a run itself reported.
    """
    contents: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory(prefix="mmbot-check-") as place:
        for command in commands:
            runs = [_run(command, Path(place) / str(number), number) for number in range(_RUNS)]
            for name in command.outputs:
                for before, after in itertools.pairwise(runs):
                    if before[name] != after[name]:
                        raise _broken(name, "differs between two fresh processes")
                _check_form(name, runs[0][name])
            contents |= runs[0]
    return contents


def _run(command: Command, place: Path, number: int) -> Mapping[str, bytes]:
    environment = {**os.environ, "MM_FREEZE_UTC": "1", "PYTHONHASHSEED": str(number)}
    environment.pop("MM_FREEZE_UTC_ISO", None)
    out = place / command.outputs[0]
    done = subprocess.run(
        [sys.executable, "-c", _MAIN, *command.arguments, "--out", str(out)],
        capture_output=True,
        check=False,
        env=environment,
        text=True,
        timeout=_TIMEOUT_SEC,
    )
    if done.returncode != 0:
        raise _reported(done.stderr)
    return {name: (place / name).read_bytes() for name in command.outputs}


def _reported(stderr: str) -> InputError:
    """The error line of a run that failed, as an error of ours."""
    line = stderr.strip().rsplit("\n", 1)[-1] or "E_BT_ARGS: the run failed without a word"
    head, _, message = line.partition(": ")
    code, _, detail = head.partition(":")
    return InputError(code, "", message, detail=detail or None)


def _check_form(name: str, content: bytes) -> None:
    """Sorted keys without spaces, one line feed at the end."""
    if not content.endswith(b"\n") or content.endswith(b"\n\n") or not content.isascii():
        raise _broken(name, "does not end with exactly one line feed, or is not ASCII")
    if name.endswith(".json"):
        value: Any = json.loads(content)
        text = json.dumps(value, sort_keys=True, separators=(",", ":")) + "\n"
        if text.encode("ascii") != content:
            raise _broken(name, "has unsorted keys or spaces")


def _broken(name: str, message: str) -> InvariantError:
    return InvariantError("E_BT_NONDETERMINISTIC", "", message, detail=name)
