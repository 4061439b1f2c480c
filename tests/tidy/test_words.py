"""Words and characters that do not belong into sources."""

import re

import pytest
from tests.tidy.sources import (
    PYTHON_MIN,
    RUST_MIN,
    build_files,
    python_files,
    read,
    relative,
    rust_files,
)

# Put together from halves so that this file does not find itself.
LATER, BROKEN, STUBBED = ("".join(halves) for halves in (("TO", "DO"), ("FIX", "ME"), ("to", "do")))
MARKER = re.compile(rf"\b(?:{LATER}|{BROKEN}|X{'X'}X|HA{'C'}K)\b(?!\(#\d+\))")
STUB = re.compile(rf"NotImplemented{'Error'}|\b(?:{STUBBED}|un{'implemented'})!")
VAGUE_NAMES = frozenset({"common", "helper", "helpers", "misc", "util", "utils"})
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|Users|work)/\w")


def findings(pattern: re.Pattern[str]) -> list[str]:
    files = python_files() + rust_files() + build_files()
    assert len(files) >= PYTHON_MIN + RUST_MIN + 5
    return [
        f"{relative(path)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(read(path).splitlines(), 1)
        if pattern.search(line)
    ]


def test_nothing_is_marked_as_unfinished_without_an_issue():
    assert findings(MARKER) == []


def test_there_are_no_stubs():
    assert findings(STUB) == []


def test_no_path_of_somebodys_machine():
    assert findings(MACHINE_PATH) == []


def test_sources_are_ascii():
    assert findings(re.compile(r"[^\x00-\x7f]")) == []


def test_modules_are_named_after_what_they_do():
    files = python_files() + rust_files()
    vague = [
        relative(path) for path in files if {path.stem.lower(), path.parent.name} & VAGUE_NAMES
    ]
    assert vague == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"# {LATER}: later", True),
        (f"# {LATER}(#12): later", False),
        (f"// {BROKEN}", True),
        ("mastodon", False),
    ],
)
def test_marker_pattern(line, found):
    assert bool(MARKER.search(line)) is found
