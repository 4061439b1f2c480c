"""What a check found: one line, and the remedy unless all is well."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Level", "bad", "exit_code", "good", "warning"]


class Level(StrEnum):
    """How bad it is; a session can trade with warnings."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """A check's name, its verdict, what was seen, and what to do."""

    name: str
    level: Level
    text: str
    remedy: str = ""


def good(name: str, text: str) -> Finding:
    """All is well."""
    return Finding(name, Level.OK, text)


def warning(name: str, text: str, remedy: str) -> Finding:
    """It works, and an operator should know."""
    return Finding(name, Level.WARN, text, remedy)


def bad(name: str, text: str, remedy: str) -> Finding:
    """A session would fail, or trade wrongly."""
    return Finding(name, Level.FAIL, text, remedy)


def exit_code(findings: Iterable[Finding], *, is_strict: bool) -> int:
    """0, or 1 with a failed check; with `is_strict` a warning is one, too."""
    worst = {finding.level for finding in findings}
    return int(Level.FAIL in worst or (is_strict and Level.WARN in worst))
