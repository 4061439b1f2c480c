"""Links, anchors and make targets that the documents name exist."""

import re
from pathlib import Path

from tests.tidy.sources import ROOT, read, relative

README_LINES_MAX = 200
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"(?:^|`)make ([a-z][a-z-]*)", re.MULTILINE)


def documents() -> list[Path]:
    found = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
    assert len(found) >= 4
    return found


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of `text`."""
    headings = re.findall(r"^#+ +(.+?) *$", FENCE.sub("", text), re.MULTILINE)
    plain = [re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


def broken_links(path: Path) -> list[str]:
    complaints = []
    for groups in LINK.findall(FENCE.sub("", read(path))):
        target = groups[0] or groups[1]
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists():
            complaints.append(f"{relative(path)}: {target} does not exist")
        elif anchor and file.suffix == ".md" and anchor not in anchors(read(file)):
            complaints.append(f"{relative(path)}: {target} has no such heading")
    return complaints


def test_links_lead_somewhere():
    assert [complaint for path in documents() for complaint in broken_links(path)] == []


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z][a-z-]*):", read(ROOT / "Makefile"), re.MULTILINE))
    assert {"run", "test", "check", "bench", "docs-check", "help"} <= targets
    named = {target for path in documents() for target in MAKE.findall(read(path))}
    assert {"run", "test"} <= named
    assert named <= targets


def test_readme_fits_the_attention_of_a_newcomer():
    assert len(read(ROOT / "README.md").splitlines()) < README_LINES_MAX


def test_anchors_are_made_as_the_host_makes_them():
    text = "# One `two`: three\n```\n# not a heading\n```\n## [A](b) - c\n"
    assert anchors(text) == {"one-two-three", "a---c"}
