"""The installation: packages that are missing or too old, the extension against its sources."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

from mmbot.ops.doctor.finding import Finding, bad, good, warning

__all__ = ["Requirement", "dependencies", "extension", "parse_requirement", "required_packages"]

# Names, optional extras, then the clauses of the version; what follows ';' is a marker.
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_CLAUSE: Final = re.compile(r"(>=|<=|==|!=|<|>)\s*([0-9][0-9.]*)")
_EXTRA: Final = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_PYTHON: Final = re.compile(r"""python_version\s*(<|>=)\s*['"](\d+)\.(\d+)['"]""")

Version = tuple[int, ...]


class Requirement:
    """One line of a package's requirements, as far as this program writes them."""

    def __init__(self, name: str, clauses: Sequence[tuple[str, Version]], extra: str) -> None:
        self.name = name
        self.clauses = tuple(clauses)
        self.extra = extra

    def fits(self, version: str) -> bool:
        """Whether an installed version will do."""
        have = _version(version)
        tests = {
            ">=": have.__ge__,
            "<=": have.__le__,
            "<": have.__lt__,
            ">": have.__gt__,
            "==": have.__eq__,
            "!=": have.__ne__,
        }
        return all(tests[sign](wanted) for sign, wanted in self.clauses)


def parse_requirement(line: str, *, python: tuple[int, int]) -> Requirement | None:
    """Read one line; None if its marker is for another Python."""
    head, _, marker = line.partition(";")
    found = _PYTHON.search(marker)
    if found is not None:
        limit = (int(found[2]), int(found[3]))
        if (python < limit) is not (found[1] == "<"):
            return None
    name = _NAME.match(head.strip())
    assert name is not None
    extra = _EXTRA.search(marker)
    clauses = [(sign, _version(text)) for sign, text in _CLAUSE.findall(head)]
    return Requirement(name[0], clauses, extra[1] if extra else "")


def required_packages(python: tuple[int, int]) -> list[Requirement]:
    """What the installed mmbot says that it needs."""
    lines = metadata.requires("mmbot") or []
    found = (parse_requirement(line, python=python) for line in lines)
    return [one for one in found if one is not None]


def dependencies(
    requirements: Iterable[Requirement],
    extras: Iterable[str],
    version_of: Callable[[str], str | None],
) -> Finding:
    """Judge the packages of the base and of the extras that the configuration needs."""
    wanted = {"", *extras}
    checked, troubles = 0, []
    for one in requirements:
        if one.extra not in wanted:
            continue
        checked += 1
        have = version_of(one.name)
        if have is None:
            troubles.append((one.extra, f"{one.name} is missing"))
        elif not one.fits(have):
            troubles.append((one.extra, f"{one.name} {have} does not fit"))
    if not troubles:
        return good("dependencies", f"{checked} packages present")
    extra, text = troubles[0]
    more = f" and {len(troubles) - 1} more" if len(troubles) > 1 else ""
    target = f"'mmbot[{extra}]'" if extra else "--upgrade mmbot"
    return bad("dependencies", text + more, f"pip install {target}")


def extension(built: Path | None, sources: Path) -> Finding:
    """Judge the Rust extension; `sources` are the crates of a checkout, absent in a package.

    Args:
        built: file of the extension, None if it could not be imported.
        sources: ``crates`` beside the package's ``src``.
    """
    if built is None:
        text = "mmbot._core cannot be imported"
        return bad("rust_extension", text, "make setup, or pip install --force-reinstall mmbot")
    if not sources.is_dir():
        return good("rust_extension", f"{built.name} is present")
    built_ns = built.stat().st_mtime_ns
    newer = [path for path in sources.rglob("*.rs") if path.stat().st_mtime_ns > built_ns]
    if newer:
        text = f"{len(newer)} sources are newer than {built.name}, {newer[0].name} for one"
        return warning("rust_extension", text, "make setup")
    return good("rust_extension", f"{built.name} is newer than its sources")


def _version(text: str) -> Version:
    """The leading numbers of a version; trailing zeros say nothing."""
    numbers = []
    for part in text.split("."):
        digits = re.match(r"\d+", part)
        if digits is None:
            break
        numbers.append(int(digits[0]))
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
