"""Rules for the Python library that neither ruff nor import-linter can state."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.tidy.sources import ROOT, python_files, read, relative, rust_files

from mmbot.error_codes import ERROR_CODES

LIBRARY_MIN = 10
CODE = re.compile(r"[EW]_[A-Z]+(?:_[A-Z]+)+")
WRITING_MODES = re.compile(r"[wax+]")
# Results are written by the store; recorded market data, which is no artifact, by the catalog.
FILE_KEEPERS = ("src/mmbot/store/", "src/mmbot/market/")


def library() -> list[tuple[str, ast.Module]]:
    files = python_files("src")
    assert len(files) >= LIBRARY_MIN
    return [(relative(path), ast.parse(read(path))) for path in files]


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def writes_files(tree: ast.AST) -> list[int]:
    """Lines that open a file for writing or write one in a single call."""
    lines = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        is_method = isinstance(node.func, ast.Attribute)
        if (
            (is_method and name in {"write_text", "write_bytes"})
            or (name == "open" and _opens_for_writing(node))
            or (is_method and ast.unparse(node.func) == "json.dump")
        ):
            lines.append(node.lineno)
    return lines


def _opens_for_writing(call: ast.Call) -> bool:
    position = 0 if isinstance(call.func, ast.Attribute) else 1
    modes = [*call.args[position : position + 1]]
    modes += [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    return any(
        isinstance(mode, ast.Constant)
        and isinstance(mode.value, str)
        and re.fullmatch(r"[rwaxbt+]{1,3}", mode.value) is not None
        and WRITING_MODES.search(mode.value) is not None
        for mode in modes
    )


def test_only_the_core_package_imports_the_extension():
    offenders = [
        name
        for name, tree in library()
        if not name.startswith(("src/mmbot/core/", "src/mmbot/_core"))
        and any(module.startswith("mmbot._core") for module in imported(tree))
    ]
    assert offenders == []


def test_files_are_written_by_their_keepers_only():
    offenders = [
        f"{name}:{line}"
        for name, tree in library()
        if not name.startswith(FILE_KEEPERS)
        for line in writes_files(tree)
    ]
    assert offenders == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("open(p, 'w')", [1]),
        ("path.open('ab')", [1]),
        ("path.open(mode='x')", [1]),
        ("path.write_text(s)", [1]),
        ("json.dump(o, f)", [1]),
        ("open(p)", []),
        ("path.open('rb')", []),
        ("write_text(path, s)", []),
        ("catalog.open('BTCUSDT')", []),
    ],
)
def test_writing_is_recognised(source, lines):
    assert writes_files(ast.parse(source)) == lines


def test_every_code_that_is_named_is_registered():
    named: dict[str, str] = {}
    for name, tree in library():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named |= {code: name for code in CODE.findall(node.value) if code == node.value}
    for path in rust_files("crates"):
        named |= {code[1:-1]: relative(path) for code in re.findall(r'"E_[A-Z_]+"', read(path))}
    assert len(named) > 30
    assert {code: name for code, name in named.items() if code not in ERROR_CODES} == {}


def test_unit_tests_mirror_the_sources():
    packages = {
        path.relative_to(ROOT / "src" / "mmbot")
        for path in (ROOT / "src" / "mmbot").rglob("*")
        if path.is_dir()
    }
    directories = [path for path in (ROOT / "tests" / "unit").rglob("*") if path.is_dir()]
    assert directories
    strangers = [
        relative(path)
        for path in directories
        if path.name != "__pycache__" and path.relative_to(ROOT / "tests" / "unit") not in packages
    ]
    assert strangers == []


def test_every_test_file_holds_a_test():
    files = [path for path in python_files("tests") if path.name.startswith("test_")]
    assert len(files) > 10
    empty = [relative(path) for path in files if "def test_" not in read(path)]
    assert empty == []


def test_packages_have_a_docstring():
    files = [path for path in python_files("src") if path.name == "__init__.py"]
    assert files
    assert [relative(path) for path in files if not _docstring(path)] == []


def _docstring(path: Path) -> str | None:
    return ast.get_docstring(ast.parse(read(path)))
