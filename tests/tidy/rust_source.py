"""Just enough of Rust's grammar to check sources: where code, functions and test modules end.

Comments and literals are blanked out character by character, so offsets and line numbers stay true
and a brace or a word inside a string is not mistaken for code.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?xs)
      //[^\n]*
    | (?P<block> /\* )
    | b?r(?P<hashes> \#*)" .*? "(?P=hashes)
    | b?" (?: \\. | [^"\\] )* "
    | b?' (?: \\ (?: u\{[0-9a-fA-F_]+\} | x[0-9a-fA-F]{2} | . ) | [^'\\\n] ) '
    """
)
_FUNCTION = re.compile(r"\bfn\s+(\w+)")
_TEST_ITEM = re.compile(r"#\[cfg\((?:test|all\(test\b[^\]]*)\)?\)?\]")


@dataclass(frozen=True)
class Function:
    name: str
    line: int
    length: int


def blank_literals(source: str) -> str:
    """Return `source` with comments and literals replaced by spaces, line by line."""
    parts, at = [], 0
    while match := _TOKEN.search(source, at):
        end = _block_comment_end(source, match.start()) if match["block"] else match.end()
        parts += [source[at : match.start()], re.sub(r"[^\n]", " ", source[match.start() : end])]
        at = end
    return "".join((*parts, source[at:]))


def functions(code: str) -> Iterator[Function]:
    """The functions with a body in blanked `code`, nested ones too."""
    for match in _FUNCTION.finditer(code):
        opening = _body_start(code, match.end())
        if opening is None:
            continue
        end = closing_brace(code, opening)
        line = code.count("\n", 0, match.start()) + 1
        yield Function(match[1], line, code.count("\n", match.start(), end) + 1)


def without_tests(code: str) -> str:
    """Blanked `code` with every item under ``#[cfg(test)]`` blanked too."""
    for match in reversed(list(_TEST_ITEM.finditer(code))):
        opening = _body_start(code, match.end())
        end = code.find(";", match.end()) if opening is None else closing_brace(code, opening)
        span = code[match.start() : end + 1]
        code = code[: match.start()] + re.sub(r"[^\n]", " ", span) + code[end + 1 :]
    return code


def closing_brace(code: str, opening: int) -> int:
    """The offset of the brace that closes the one at `opening`."""
    depth = 0
    for match in re.finditer(r"[{}]", code[opening:]):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return opening + match.start()
    return len(code) - 1


def _body_start(code: str, start: int) -> int | None:
    """The offset of the brace that opens a body, or None where a semicolon comes first."""
    depth = 0
    for at in range(start, len(code)):
        char = code[at]
        depth += (char in "([") - (char in ")]")
        if depth == 0 and char in "{;":
            return at if char == "{" else None
    return None


def _block_comment_end(source: str, start: int) -> int:
    depth = 0
    for match in re.finditer(r"/\*|\*/", source[start:]):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return start + match.end()
    return len(source)
