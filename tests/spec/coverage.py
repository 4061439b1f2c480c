"""The page that says which test proves which rule of the specification.

``python -m tests.spec.coverage`` rewrites ``docs/spec-coverage.md`` from the catalogue of rules
(``tests/spec/rules.toml``) and from the tags in the sources of all tests; what is wrong with the
tags goes to stderr, and then nothing is written.
"""

import sys
from collections import defaultdict
from pathlib import Path

from tests.spec.catalogue import RULE_ID, Catalogue, Rule, load_catalogue, place
from tests.spec.tags import Found, Tag, python_tags, rust_tags
from tests.tidy.sources import ROOT, python_files, read, relative, rust_files

from mmbot.store.artifacts import write_text

PAGE = ROOT / "docs" / "spec-coverage.md"
HEAD = """# Rules and their tests

Made by `python -m tests.spec.coverage` from `tests/spec/rules.toml` and the tags of the tests; do
not edit. A number is file-section of the specification, `/n` the n-th item of a list or table in
it, `Dn` a numbered decision. A test says what it proves: `@pytest.mark.spec("02-8.1")` in Python,
a line `/// spec: 02-8.1` above a test in Rust.
"""


def all_tags() -> Found:
    """The tags of all tests of the project."""
    found = Found()
    for paths, scan in ((python_files("tests"), python_tags), (rust_files("crates"), rust_tags)):
        for path in paths:
            part = scan(relative(path), read(path))
            found.tags += part.tags
            found.complaints += part.complaints
    return found


def complaints(catalogue: Catalogue, found: Found) -> list[str]:
    """What is wrong: tags of no test, ids of no rule, rules that wait although a test is there."""
    wrong = list(found.complaints)
    tagged = set()
    for tag in found.tags:
        tagged.add(tag.rule)
        if not RULE_ID.fullmatch(tag.rule):
            wrong.append(f"{tag.test}: {tag.rule} is not an id of a rule")
        elif catalogue.covers(tag.rule) and tag.rule not in catalogue.rules:
            wrong.append(f"{tag.test}: no rule {tag.rule}")
    wrong += [
        f"{rule.id}: waits for a later version, but a test names it"
        for rule in catalogue.rules.values()
        if rule.later and rule.id in tagged
    ]
    return wrong


def without_test(catalogue: Catalogue, tags: list[Tag]) -> list[str]:
    """Rules of this version that no test names."""
    tagged = {tag.rule for tag in tags}
    return [
        rule.id for rule in catalogue.rules.values() if not rule.later and rule.id not in tagged
    ]


def page(catalogue: Catalogue, tags: list[Tag]) -> str:
    """The page, Markdown."""
    tests: defaultdict[str, set[str]] = defaultdict(set)
    for tag in tags:
        tests[tag.rule].add(tag.test)
    parts = [HEAD, _summary(catalogue, tests)]
    for number, title in catalogue.files.items():
        parts.append(f"\n## {number} {title}\n\n| rule | what it says | tests |\n|---|---|---|")
        rules = [rule for rule in catalogue.rules.values() if rule.id.startswith(f"{number}-")]
        parts += [_row(rule, tests[rule.id]) for rule in rules]
    others = sorted((rule for rule in tests if not catalogue.covers(rule)), key=place)
    parts.append("\n## Rules of other files that tests name\n\n| rule | tests |\n|---|---|")
    parts += [f"| {rule} | {_cell(tests[rule])} |" for rule in others]
    return "\n".join(parts) + "\n"


def _summary(catalogue: Catalogue, tests: dict[str, set[str]]) -> str:
    later = [rule for rule in catalogue.rules.values() if rule.later]
    here = len(catalogue.rules) - len(later)
    proven = sum(1 for rule_id in catalogue.rules if tests.get(rule_id))
    return f"{proven} of {here} rules have a test; {len(later)} wait for what this version has not."


def _row(rule: Rule, tests: set[str]) -> str:
    cell = _cell(tests) if tests else f"later: {rule.later}" if rule.later else "**none**"
    return f"| {rule.id} | {rule.title} | {cell} |"


def _cell(tests: set[str]) -> str:
    return "<br>".join(f"`{test}`" for test in sorted(tests))


def main(path: Path = PAGE) -> int:
    """Rewrite the page, or say what is wrong."""
    catalogue, found = load_catalogue(), all_tags()
    wrong = complaints(catalogue, found)
    if wrong:
        sys.stderr.write("\n".join(wrong) + "\n")
        return 1
    write_text(path, page(catalogue, found.tags))
    missing = without_test(catalogue, found.tags)
    sys.stderr.write(f"{len(missing)} rules without a test: {' '.join(missing)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
