"""Which tests say that they prove a rule: read from the sources, each tag resolved to its test.

Python: `@pytest.mark.spec("02-8.1")` on a test function, or the same mark in `pytestmark`. Rust: a
line `/// spec: 02-8.1` in the documentation of a `#[test]` function. A tag that belongs to no test
that runs is a complaint, so that none is lost in silence.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

Test = ast.FunctionDef | ast.AsyncFunctionDef
RUST_TAG = re.compile(r"\s*///\s*spec:\s*(.*\S)\s*")
RUST_WRONG_TAG = re.compile(r"\s*//!?\s*spec:\s*\d\d-")
RUST_HEAD = re.compile(r"\s*(?:///|#\[)")
RUST_FN = re.compile(r"\s*(?:pub(?:\([^)]*\))?\s+)?fn\s+(\w+)")


@dataclass(frozen=True)
class Tag:
    rule: str
    test: str
    """`path::name`."""


@dataclass
class Found:
    tags: list[Tag] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def python_tags(path: str, source: str) -> Found:
    """The tags of a file of tests; `path` is what its tests are called by."""
    found = Found()
    tree = ast.parse(source)
    attributed: set[ast.Call] = set()
    everywhere = [call for node in tree.body if _is_pytestmark(node) for call in _marks(node)]
    attributed.update(everywhere)
    for test in _tests(path, tree):
        calls = [call for decorator in test.decorator_list for call in _marks(decorator)]
        attributed.update(calls)
        if calls and any(ast.unparse(mark).endswith("mark.skip") for mark in _bare(test)):
            found.complaints.append(f"{path}:{test.lineno}: {test.name} is always skipped")
        for rule in _rules(path, [*everywhere, *calls], found):
            found.tags.append(Tag(rule, f"{path}::{test.name}"))
    found.complaints += [
        f"{path}:{call.lineno}: a tag that belongs to no test"
        for call in _marks(tree)
        if call not in attributed
    ]
    return found


def _tests(path: str, tree: ast.Module) -> Iterator[Test]:
    """What pytest collects: the house has no classes of tests."""
    if not path.rsplit("/", 1)[-1].startswith("test_"):
        return
    for node in tree.body:
        if isinstance(node, Test) and node.name.startswith("test_"):
            yield node


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"


def _marks(node: ast.AST) -> Iterator[ast.Call]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and ast.unparse(inner.func).endswith("mark.spec"):
            yield inner


def _bare(test: Test) -> Iterator[ast.AST]:
    """The decorators of a test without their arguments."""
    for decorator in test.decorator_list:
        yield decorator.func if isinstance(decorator, ast.Call) else decorator


def _rules(path: str, calls: list[ast.Call], found: Found) -> Iterator[str]:
    for call in calls:
        for argument in call.args:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value
            else:
                found.complaints.append(f"{path}:{call.lineno}: a tag is a text")


def rust_tags(path: str, source: str) -> Found:
    """The tags of a Rust file: of test functions and of properties inside `proptest!`."""
    found = Found()
    head: list[str] = []
    for number, line in enumerate(source.splitlines(), 1):
        if RUST_WRONG_TAG.match(line):
            found.complaints.append(f"{path}:{number}: a tag stands in a `///` line")
        if RUST_HEAD.match(line):
            head.append(line)
            continue
        ids = [tag for above in head if (match := RUST_TAG.fullmatch(above)) for tag in _ids(match)]
        name = RUST_FN.match(line)
        if ids and (complaint := _rust_complaint(head, name is not None)):
            found.complaints.append(f"{path}:{number}: {complaint}")
        elif ids and name:
            found.tags += [Tag(rule, f"{path}::{name[1]}") for rule in ids]
        head = []
    return found


def _ids(match: re.Match[str]) -> list[str]:
    return [part for part in re.split(r"[\s,]+", match[1]) if part]


def _rust_complaint(head: list[str], is_function: bool) -> str | None:
    attributes = {line.strip() for line in head}
    if not is_function or "#[test]" not in attributes:
        return "a tag that belongs to no test"
    if any(line.startswith("#[ignore") for line in attributes):
        return "a tagged test is ignored"
    return None
