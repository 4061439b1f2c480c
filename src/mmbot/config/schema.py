"""What the keys are: walked from the models, so that no list of keys exists twice."""

from __future__ import annotations

import difflib
import functools
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mmbot.config.app import AppConfig
from mmbot.config.base import Section
from mmbot.config.tree import Path, dotted
from mmbot.errors import ConfigError

__all__ = [
    "KeyInfo",
    "all_keys",
    "is_hot",
    "key_info",
    "nearest_key",
    "range_text",
    "split_key",
    "type_text",
    "unknown_key",
]

_TYPE_NAMES: Final[Mapping[object, str]] = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "text",
}


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """One known key.

    `free` marks a mapping whose names the user chooses (symbols, regimes, overlays).
    """

    path: Path
    doc: str
    type: str
    range: str
    hot: bool
    default: object
    free: bool


@functools.cache
def all_keys() -> Mapping[str, KeyInfo]:
    """Every key by dotted name, in the order of the models."""
    return {dotted(info.path): info for info in _walk(AppConfig, ())}


def key_info(path: Path) -> KeyInfo | None:
    """The key that `path` belongs to: itself, or the free mapping or list it lies in."""
    keys = all_keys()
    for length in range(len(path), 0, -1):
        found = keys.get(dotted(path[:length]))
        if found is not None:
            return found if length == len(path) or found.free else None
    return None


def is_hot(text: str) -> bool:
    """Whether a line of `describe` may change while the program runs."""
    parts = tuple(text.split("."))
    lengths = range(len(parts), 0, -1)
    known = (all_keys().get(dotted(parts[:length])) for length in lengths)
    return next((info.hot for info in known if info is not None), False)


def split_key(text: str) -> Path:
    """Split a dotted key; names inside a colour overlay contain dots themselves.

    Raises:
        ConfigError: ``E_CFG_UNKNOWN_KEY`` with the nearest known key.
    """
    parts = tuple(text.split("."))
    if parts[0] == "rollout" and len(parts) > 2 and parts[1] in {"blue", "green"}:
        parts = (*parts[:2], ".".join(parts[2:]))
    if key_info(parts) is None or "" in parts:
        raise unknown_key(text, "")
    return parts


def unknown_key(text: str, place: str) -> ConfigError:
    """The error for a key that does not exist."""
    if any(name.startswith(f"{text}.") for name in all_keys()):
        return ConfigError("E_CFG_UNKNOWN_KEY", text, "is a section: name a key in it")
    near = nearest_key(text)
    hint = f"; did you mean {near}?" if near else ""
    where = f" ({place})" if place else ""
    return ConfigError("E_CFG_UNKNOWN_KEY", text, f"is not a key{hint}{where}")


def nearest_key(text: str) -> str | None:
    """The known key or section that `text` is most likely a misspelling of."""
    names = list(all_keys())
    sections = sorted({dotted(info.path[:n]) for info in all_keys().values() for n in (1, 2)})
    found = difflib.get_close_matches(text, [*names, *sections], n=1, cutoff=0.6)
    if found:
        return found[0]
    # The right name in the wrong section.
    leaf = text.rsplit(".", 1)[-1]
    by_leaf = {name.rsplit(".", 1)[-1]: name for name in reversed(names)}
    found = difflib.get_close_matches(leaf, list(by_leaf), n=1, cutoff=0.8)
    return by_leaf[found[0]] if found else None


def range_text(path: Path) -> str:
    """The rule of the range of `path`, such as ``in [0,5]``; empty if there is none."""
    info = key_info(path)
    return "" if info is None else info.range


def type_text(annotation: object) -> str:
    """A type in the words of an error message."""
    options = _alternatives(annotation)
    words = [_one_type(option) for option in options if option is not type(None)]
    nullable = ["null"] if type(None) in options else []
    return " or ".join(dict.fromkeys([*words, *nullable]))


def _walk(model: type[BaseModel], prefix: Path) -> Iterator[KeyInfo]:
    section_hot = bool(getattr(model, "HOT", False))
    for name, field in model.model_fields.items():
        path = (*prefix, name)
        if _is_section(field.annotation):
            yield from _walk(typing.cast("type[BaseModel]", field.annotation), path)
            continue
        extra = field.json_schema_extra
        hot = extra.get("hot", section_hot) if isinstance(extra, dict) else section_hot
        yield KeyInfo(
            path=path,
            doc=field.description or "",
            type=type_text(field.annotation),
            range=_range(field),
            hot=bool(hot),
            default=field.default,
            free=typing.get_origin(field.annotation) not in {None, Literal, types.UnionType},
        )


def _is_section(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)


def _range(field: FieldInfo) -> str:
    low = next((rule.ge for rule in field.metadata if isinstance(rule, Ge)), None)
    above = next((rule.gt for rule in field.metadata if isinstance(rule, Gt)), None)
    high = next((rule.le for rule in field.metadata if isinstance(rule, Le)), None)
    if low is not None and high is not None:
        return f"in [{_bound(low)},{_bound(high)}]"
    if above is not None and high is not None:
        return f"in ({_bound(above)},{_bound(high)}]"
    if low is not None:
        return f">= {_bound(low)}"
    return "" if above is None else f"> {_bound(above)}"


def _bound(value: object) -> str:
    number = float(typing.cast("float", value))
    return str(int(number)) if number.is_integer() else repr(number)


def _alternatives(annotation: object) -> tuple[object, ...]:
    if typing.get_origin(annotation) in {types.UnionType, typing.Union}:
        return typing.get_args(annotation)
    return (annotation,)


def _one_type(annotation: object) -> str:
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return "one of " + ", ".join(str(arg) for arg in typing.get_args(annotation))
    if origin is tuple:
        return "a list"
    if origin is not None:
        return "a mapping"
    return _TYPE_NAMES.get(annotation, "a section")
