"""YAML with positions: a tree of plain values and the line of every key.

The reader takes one UTF-8 document of mappings, lists and scalars by the core schema of YAML 1.2,
so that ``10:30`` is a time and not 630, and ``on`` is text and not true. Duplicate keys, tags and
keys that are not text are errors, because each of them silently changes what a file means.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml
from yaml.error import MarkedYAMLError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mmbot.config.tree import Path, Tree, dotted
from mmbot.errors import ConfigError

__all__ = ["parse_scalar", "parse_yaml"]

# Far above any real configuration; bounds what aliases can blow a small file up to.
_MAX_VALUES: Final = 100_000
# The deepest key lies four mappings deep; rows of a list add two.
_MAX_DEPTH: Final = 32

# No key takes a number near this long, and Python refuses to read one of thousands of digits.
_MAX_NUMBER: Final = 300

_NULL: Final = re.compile(r"|~|null|Null|NULL")
_TRUE: Final = re.compile(r"true|True|TRUE")
_FALSE: Final = re.compile(r"false|False|FALSE")
_INT: Final = re.compile(r"[-+]?[0-9]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class _Nodes(yaml.SafeLoader):
    """Composes nodes only; values are made here.

    The scanner's work grows with the square of the nesting, so it is bounded where it is scanned.
    """

    def fetch_flow_collection_start(self, TokenClass: Any) -> None:  # noqa: ANN401, N803
        if self.flow_level >= _MAX_DEPTH:
            raise MarkedYAMLError(None, None, "is nested too deeply", self.get_mark())
        super().fetch_flow_collection_start(TokenClass)


# Plain scalars keep no tag of YAML 1.1; `_plain_scalar` decides.
_Nodes.yaml_implicit_resolvers = {}


def parse_yaml(data: bytes, name: str) -> tuple[Tree, dict[Path, str]]:
    """Parse one document.

    Args:
        data: the file's bytes; empty means no keys.
        name: the file, for positions ``name:line``.

    Returns:
        The tree, and the place of every key.

    Raises:
        ConfigError: ``E_CFG_PARSE``.
    """
    try:
        root = yaml.compose(data.decode("utf-8-sig"), Loader=_Nodes)
    except UnicodeDecodeError as exc:
        raise ConfigError("E_CFG_PARSE", name, f"is not UTF-8 at byte {exc.start}") from exc
    except yaml.YAMLError as exc:
        raise ConfigError("E_CFG_PARSE", _where(name, exc), _problem(exc)) from exc
    except RecursionError as exc:
        raise ConfigError("E_CFG_PARSE", name, "is nested too deeply") from exc
    if root is None:
        return {}, {}
    if not isinstance(root, MappingNode):
        raise ConfigError("E_CFG_PARSE", f"{name}:1", "must be a mapping of sections")
    builder = _Builder(name)
    return builder.mapping(root, ()), builder.places


def parse_scalar(text: str, key: str) -> object:
    """Parse the value of one ``KEY=VALUE``: a scalar, or a list or mapping in flow form.

    Raises:
        ConfigError: ``E_CFG_PARSE`` naming `key`.
    """
    try:
        root = yaml.compose(text, Loader=_Nodes)
        return "" if root is None else _Builder(key).value(root, ())
    except (yaml.YAMLError, RecursionError) as exc:
        raise ConfigError("E_CFG_PARSE", key, f"has an unreadable value: {text!r}") from exc


class _Builder:
    """Turns nodes into values; counts them, and remembers where keys stand."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.places: dict[Path, str] = {}
        self.count = 0
        self.open: set[int] = set()

    def value(self, node: Node, path: Path) -> object:
        self.count += 1
        if self.count > _MAX_VALUES or id(node) in self.open:
            raise self._error(node, "expands without end through its aliases")
        if len(self.open) > _MAX_DEPTH:
            raise self._error(node, "is nested too deeply")
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        assert isinstance(node, SequenceNode)
        self._expect_tag(node, "tag:yaml.org,2002:seq")
        self.open.add(id(node))
        items = [self.value(item, path) for item in node.value]
        self.open.discard(id(node))
        return items

    def mapping(self, node: MappingNode, path: Path) -> Tree:
        self._expect_tag(node, "tag:yaml.org,2002:map")
        self.open.add(id(node))
        tree: Tree = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                raise self._error(key_node, "must have text as key")
            key = str(key_node.value)
            inner = (*path, key)
            if key in tree:
                raise self._error(key_node, f"gives {dotted(inner)} twice")
            self.places.setdefault(inner, f"{self.name}:{key_node.start_mark.line + 1}")
            tree[key] = self.value(value_node, inner)
        self.open.discard(id(node))
        return tree

    def _scalar(self, node: ScalarNode) -> object:
        self._expect_tag(node, "tag:yaml.org,2002:str")
        text = str(node.value)
        if node.style is None and len(text) > _MAX_NUMBER and _INT.fullmatch(text):
            raise self._error(node, "has a number of too many digits")
        return _plain_scalar(text) if node.style is None else text

    def _expect_tag(self, node: Node, tag: str) -> None:
        if node.tag != tag:
            raise self._error(node, f"has the tag {node.tag}, which is not allowed")

    def _error(self, node: Node, message: str) -> ConfigError:
        return ConfigError("E_CFG_PARSE", f"{self.name}:{node.start_mark.line + 1}", message)


def _plain_scalar(text: str) -> object:
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) or _NOT_FINITE.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    return None if _NULL.fullmatch(text) else text


def _where(name: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return name if mark is None else f"{name}:{mark.line + 1}"


def _problem(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or error)
