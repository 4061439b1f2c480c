"""Every row of the table of faults names tests that exist."""

import ast
import re

import pytest
from tests.tidy.sources import ROOT, read

PAGE = ROOT / "docs" / "faults.md"
ROW = re.compile(r"^\| (?P<number>\d+) \| [^|]+ \| [^|]+ \| (?P<tests>[^|]+) \|$")
NAMED = re.compile(r"`(?P<path>(?:tests|crates)/[\w/.-]+\.(?:py|rs))(?:::(?P<name>\w+))?`")
ROWS = 20


def rows():
    found = (ROW.match(line) for line in read(PAGE).splitlines())
    return {int(one["number"]): NAMED.findall(one["tests"]) for one in found if one}


def named_in(path):
    text = read(ROOT / path)
    if path.endswith(".rs"):
        return set(re.findall(r"fn (\w+)\(", text)) if "#[test]" in text else set()
    functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
    return {node.name for node in functions if node.name.startswith("test_")}


def test_every_fault_has_a_row_and_no_row_is_without_a_test():
    found = rows()
    assert sorted(found) == list(range(1, ROWS + 1))
    assert all(found.values())


@pytest.mark.parametrize("number", range(1, ROWS + 1))
def test_the_tests_of_a_row_exist(number):
    for path, name in rows()[number]:
        assert (ROOT / path).is_file(), path
        names = named_in(path)
        assert names, path
        assert not name or name in names, f"{path}::{name}"
