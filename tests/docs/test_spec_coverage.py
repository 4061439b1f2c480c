"""The page of rules and tests is what the tests say, and no rule is without one."""

import pytest
from tests.spec.catalogue import load_catalogue
from tests.spec.coverage import PAGE, all_tags, complaints, page, without_test
from tests.tidy.sources import read

# A scan that sees less looks in the wrong place: counts of the first whole page, rounded down.
PYTHON_TAGS_MIN = 250
RUST_TAGS_MIN = 250
RULES_MIN = 200
LATER_MAX = 3


@pytest.fixture(scope="module")
def found():
    return all_tags()


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue()


def test_the_page_is_what_the_tags_say(catalogue, found):
    expected = page(catalogue, found.tags)
    assert read(PAGE) == expected, "run: python -m tests.spec.coverage"


def test_every_rule_has_a_test(catalogue, found):
    assert without_test(catalogue, found.tags) == []


def test_every_tag_belongs_to_a_test_and_names_a_rule(catalogue, found):
    assert complaints(catalogue, found) == []


def test_the_scan_saw_the_tests_of_both_languages(found):
    rust = sum(1 for tag in found.tags if tag.test.startswith("crates/"))
    assert rust >= RUST_TAGS_MIN
    assert len(found.tags) - rust >= PYTHON_TAGS_MIN


def test_the_catalogue_is_whole_and_little_waits(catalogue):
    assert set(catalogue.files) == {"01", "02", "03", "07", "09"}
    assert len(catalogue.rules) >= RULES_MIN
    for file, last in (("01", 26), ("02", 24), ("03", 19)):
        decisions = {f"{file}-D{number}" for number in range(1, last + 1)}
        assert decisions == {rule for rule in catalogue.rules if rule.startswith(f"{file}-D")}
    assert sum(1 for rule in catalogue.rules.values() if rule.later) <= LATER_MAX
