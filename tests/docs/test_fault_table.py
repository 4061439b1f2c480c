"""Every row of the table of faults names tests that exist."""

import ast
import re

import pytest
from tests.fault_rows import LEAVES
from tests.tidy.sources import ROOT, read

from mmbot.trading.live.fault_kinds import COUNTED_ONLY, FaultKind

PAGE = ROOT / "docs" / "faults.md"
ROW = re.compile(
    r"^\| (?P<number>\d+) \| [^|]+ \| [^|]+ \| (?P<leaves>[^|]+) \| (?P<tests>[^|]+) \|$"
)
LEFT = re.compile(r"`([a-z_]+[^`]*)`")
KIND = re.compile(r"^\| `(?P<name>[a-z_]+)` \| [^|]+ \| (?P<leaves>counter|counter, audit) \|$")
NAMED = re.compile(r"`(?P<path>(?:tests|crates)/[\w/.-]+\.(?:py|rs))(?:::(?P<name>\w+))?`")
ROWS = 20


def left_by():
    found = (ROW.match(line) for line in read(PAGE).splitlines())
    return {int(one["number"]): LEFT.findall(one["leaves"]) for one in found if one}


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


def test_the_page_names_every_fault_and_says_what_it_leaves():
    found = [one for line in read(PAGE).splitlines() if (one := KIND.match(line))]
    assert [one["name"] for one in found] == list(FaultKind)
    counted = {one["name"] for one in found if one["leaves"] == "counter"}
    assert counted == COUNTED_ONLY


def test_a_row_names_what_its_tests_find_and_nothing_that_there_is_not():
    found = left_by()
    assert {number for number, names in found.items() if names} == set(LEAVES)
    for number, names in found.items():
        assert set(LEAVES.get(number, ())) <= set(names)
        for name in names:
            FaultKind(name.partition(".")[0])


@pytest.mark.parametrize("number", range(1, ROWS + 1))
def test_the_tests_of_a_row_exist(number):
    for path, name in rows()[number]:
        assert (ROOT / path).is_file(), path
        names = named_in(path)
        assert names, path
        assert not name or name in names, f"{path}::{name}"
