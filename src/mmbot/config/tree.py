"""Configuration as a plain tree: nested dictionaries of lists and scalars.

Layers are merged as trees, before anything is validated: dictionaries merge recursively, lists and
scalars replace. Every leaf remembers who set it, in order, so that the program can say where a
value comes from and what it overrode.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from mmbot.errors import ConfigError

__all__ = [
    "Assignment",
    "Layer",
    "Merged",
    "Path",
    "Tree",
    "dotted",
    "get",
    "leaves",
    "merge",
    "put",
    "to_tree",
]

Path = tuple[str, ...]
Tree = dict[str, object]


@dataclass(frozen=True, slots=True)
class Assignment:
    """One layer's word on one leaf: `origin` is the layer, `place` where in it (may be empty)."""

    origin: str
    place: str
    value: object


@dataclass(frozen=True, slots=True)
class Layer:
    """Values of one source.

    `rank` orders layers, higher wins; layers of one rank must not contradict each other.
    """

    rank: int
    origin: str
    values: Tree
    places: Mapping[Path, str] = field(default_factory=dict)

    def place(self, path: Path) -> str:
        """Where `path` was set; the nearest enclosing place if the leaf has none of its own."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, "")


@dataclass(frozen=True, slots=True)
class Merged:
    """The result of `merge`: the tree, and all assignments of every leaf, lowest layer first."""

    tree: Tree
    history: Mapping[Path, tuple[Assignment, ...]]


def dotted(path: Path) -> str:
    """The textual form of a path."""
    return ".".join(path)


def merge(layers: Sequence[Layer]) -> Merged:
    """Lay `layers` over each other in the order of their ranks."""
    tree: Tree = {}
    history: dict[Path, tuple[Assignment, ...]] = {}
    for layer in sorted(layers, key=lambda layer: layer.rank):
        _lay_over(tree, layer.values)
        for path, value in leaves(layer.values):
            said = Assignment(layer.origin, layer.place(path), value)
            history[path] = (*history.get(path, ()), said)
    return Merged(tree, history)


def leaves(tree: Mapping[str, object], prefix: Path = ()) -> Iterator[tuple[Path, object]]:
    """All leaves with their paths; an empty dictionary and a list are leaves."""
    for name, value in tree.items():
        path = (*prefix, name)
        if isinstance(value, dict) and value:
            yield from leaves(value, path)
        else:
            yield path, value


def get(tree: Mapping[str, object], path: Path) -> object:
    """The value at `path`, None where there is none."""
    value: object = tree
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def put(tree: Tree, path: Path, value: object) -> None:
    """Set the value at `path`, with the dictionaries above it.

    Raises:
        ConfigError: ``E_CFG_CONFLICT`` when a scalar stands above it.
    """
    for name in path[:-1]:
        inner = tree.setdefault(name, {})
        if not isinstance(inner, dict):
            message = f"lies below {name}, which is set itself"
            raise ConfigError("E_CFG_CONFLICT", dotted(path), message)
        tree = inner
    tree[path[-1]] = value


def to_tree(value: BaseModel) -> Tree:
    """The plain tree of a model."""
    return {name: _plain(getattr(value, name)) for name in type(value).model_fields}


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return to_tree(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _lay_over(base: Tree, upper: Mapping[str, object]) -> None:
    for name, value in upper.items():
        below = base.get(name)
        if isinstance(value, dict):
            # A copy, so that a later layer never writes into an earlier one.
            target: Tree = below if isinstance(below, dict) else {}
            base[name] = target
            _lay_over(target, value)
        else:
            base[name] = value
