"""Files up to 400 lines, functions up to 70, lines up to 100 columns.

`ratchet.json` names what was longer when the rule came; its numbers may only fall, and an entry
that is no longer needed has to go.
"""

import ast
import json
from pathlib import Path

import pytest
from tests.tidy.rust_source import blank_literals, functions
from tests.tidy.sources import PYTHON_MIN, RUST_MIN, python_files, read, relative, rust_files

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100

RATCHET = json.loads(read(Path(__file__).with_name("ratchet.json")))


def python_functions(source: str) -> dict[str, int]:
    """Length in lines by qualified name, from `def` to the last line of the body."""
    lengths: dict[str, int] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{prefix}.{child.name}".lstrip(".")
                if not isinstance(child, ast.ClassDef):
                    lengths[name] = (child.end_lineno or child.lineno) - child.lineno + 1
            visit(child, name)

    visit(ast.parse(source), "")
    return lengths


def rust_functions(source: str) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for function in functions(blank_literals(source)):
        lengths[function.name] = max(function.length, lengths.get(function.name, 0))
    return lengths


def judge(lengths: dict[str, int], limit: int, excused: dict[str, int]) -> list[str]:
    """What breaks the limit, and what is wrong with the excuses."""
    complaints = []
    for name, length in sorted(lengths.items()):
        allowed = excused.get(name, limit)
        if length > allowed:
            complaints.append(f"{name}: {length} lines, {allowed} allowed: split it")
        elif name in excused and length <= limit:
            complaints.append(f"{name}: needs no excuse any more: remove it from ratchet.json")
        elif name in excused and length < allowed:
            complaints.append(f"{name}: lower its number in ratchet.json to {length}")
    gone = sorted(set(excused) - set(lengths))
    return complaints + [f"{name}: is gone: remove it from ratchet.json" for name in gone]


def test_files_are_short():
    files = python_files() + rust_files()
    assert len(python_files()) >= PYTHON_MIN
    assert len(rust_files()) >= RUST_MIN
    lengths = {relative(path): len(read(path).splitlines()) for path in files}
    assert judge(lengths, FILE_LINES_MAX, RATCHET["files"]) == []


def test_functions_are_short():
    lengths: dict[str, int] = {}
    for paths, measure in ((python_files(), python_functions), (rust_files(), rust_functions)):
        for path in paths:
            found = measure(read(path))
            lengths |= {f"{relative(path)}:{name}": length for name, length in found.items()}
    assert len(lengths) > 100
    assert judge(lengths, FUNCTION_LINES_MAX, RATCHET["functions"]) == []


def test_lines_are_narrow():
    wide = [
        f"{relative(path)}:{number}: {len(line)} columns"
        for path in python_files() + rust_files()
        for number, line in enumerate(read(path).splitlines(), 1)
        if len(line) > COLUMNS_MAX
    ]
    assert wide == []


@pytest.mark.parametrize(
    ("length", "excused", "complaint"),
    [
        (70, {}, None),
        (71, {}, "71 lines, 70 allowed"),
        (80, {"f": 80}, None),
        (81, {"f": 80}, "81 lines, 80 allowed"),
        (79, {"f": 80}, "lower its number in ratchet.json to 79"),
        (70, {"f": 80}, "needs no excuse any more"),
        (10, {"gone": 80}, "is gone"),
    ],
)
def test_ratchet_only_tightens(length, excused, complaint):
    complaints = judge({"f": length}, 70, excused)
    if complaint is None:
        assert complaints == []
    else:
        assert len(complaints) == 1
        assert complaint in complaints[0]


def test_measure_of_python_functions():
    source = "class A:\n @d\n def f(self):\n  def g():\n   pass\n  return g\n"
    assert python_functions(source) == {"A.f": 4, "A.f.g": 2}
