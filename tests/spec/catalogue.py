"""The catalogue of rules: what `rules.toml` says, in the order of the specification.

An id is `file-section` (`02-8.1`), with `/n` for the n-th item of a list or table in it, or
`file-Dn` for decision n at the end of the file.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

RULES = Path(__file__).with_name("rules.toml")
RULE_ID = re.compile(r"(\d\d)-(?:D(\d+)|(\d+(?:\.\d+)*)(?:/(\d+))?)")


@dataclass(frozen=True)
class Rule:
    id: str
    title: str
    later: str | None
    """Why this version has no test of it; None where it has to have one."""


@dataclass(frozen=True)
class Catalogue:
    files: dict[str, str]
    """Title by number of the file."""
    rules: dict[str, Rule]

    def covers(self, rule_id: str) -> bool:
        """Whether the id is of a file whose rules are listed here."""
        return rule_id.split("-", maxsplit=1)[0] in self.files


def load_catalogue(path: Path = RULES) -> Catalogue:
    """Read the catalogue; an id of another form, or a reason for an unknown rule, is an error."""
    tree = tomllib.loads(path.read_text(encoding="ascii"))
    later: dict[str, str] = tree["later"]
    rules = {
        rule_id: Rule(rule_id, title, later.get(rule_id))
        for rule_id, title in tree["rules"].items()
    }
    strangers = sorted(set(later) - set(rules))
    malformed = [rule_id for rule_id in rules if not RULE_ID.fullmatch(rule_id)]
    if strangers or malformed:
        raise ValueError(f"{path.name}: unknown {strangers}, malformed {malformed}")
    ordered = {rule_id: rules[rule_id] for rule_id in sorted(rules, key=place)}
    return Catalogue(tree["files"], ordered)


def place(rule_id: str) -> tuple[str, bool, tuple[int, ...], int]:
    """Where a rule stands: sections first, items below their section, decisions at the end."""
    match = RULE_ID.fullmatch(rule_id)
    if match is None:
        raise ValueError(f"not an id of a rule: {rule_id}")
    file, decision, section, item = match.groups()
    if decision:
        return file, True, (int(decision),), 0
    return file, False, tuple(int(part) for part in section.split(".")), int(item or 0)
