"""Validation errors of pydantic in the words and codes of this program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mmbot.config.schema import key_info, unknown_key
from mmbot.config.tree import Path, dotted
from mmbot.errors import ConfigError

__all__ = ["translate"]

_RANGE_TYPES: Final = frozenset(
    {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}
)
_TYPE_WORDS: Final[Mapping[str, str]] = {
    "bool_type": "true or false",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "string_type": "text",
    "tuple_type": "a list",
    "mapping_type": "a mapping",
    "dict_type": "a mapping",
    "model_type": "a section with keys",
}

_OTHERS: Final[Mapping[str, tuple[str, str]]] = {
    "literal_error": ("E_CFG_RANGE", "must be one of {expected}, not {given}"),
    "finite_number": ("E_CFG_INVARIANT", "is not finite"),
    "missing": ("E_CFG_MISSING", "must be given"),
    "too_short": ("E_CFG_RANGE", "must have at least {min_length} item"),
    "too_long": ("E_CFG_RANGE", "must have at most {max_length} items"),
    "string_pattern_mismatch": ("E_CFG_TYPE", "has a wrong form: {given}"),
    "string_too_short": ("E_CFG_RANGE", "must not be empty"),
    "string_too_long": ("E_CFG_RANGE", "must have at most {max_length} characters"),
}


def translate(
    error: ValidationError, place_of: Callable[[Path], str], *, prefix: Path = ()
) -> list[ConfigError]:
    """One `ConfigError` per finding, in the order of the keys; `place_of` tells file and line."""
    details = error.errors(include_url=False)
    # A list whose items are refused is not too short as well.
    deeper = [item["loc"] for item in details if item["type"] != "too_short"]
    found = [
        _one(item, place_of, prefix)
        for item in details
        if item["type"] != "too_short"
        or not any(loc[: len(item["loc"])] == item["loc"] for loc in deeper)
    ]
    return sorted(found, key=lambda item: (item.key, item.code))


def _one(details: ErrorDetails, place_of: Callable[[Path], str], prefix: Path) -> ConfigError:
    path = (*prefix, *(str(part) for part in details["loc"] if part != "[key]"))
    place = place_of(path)
    if details["type"] == "extra_forbidden":
        return unknown_key(dotted(path), place)
    code, message = _code_and_message(details, path)
    return ConfigError(code, dotted(path), _with_place(message, place))


def _code_and_message(details: ErrorDetails, path: Path) -> tuple[str, str]:
    kind = details["type"]
    context = details.get("ctx", {})
    if kind.startswith("E_CFG_"):
        return kind, details["msg"]
    if kind in _RANGE_TYPES:
        return "E_CFG_RANGE", f"must be {_range(path, kind, context)}"
    if kind in _TYPE_WORDS:
        return "E_CFG_TYPE", f"must be {_TYPE_WORDS[kind]}, not {_shown(details['input'])}"
    code, template = _OTHERS.get(kind, ("E_CFG_TYPE", details["msg"]))
    return code, template.format_map({**context, "given": _shown(details["input"])})


def _range(path: Path, kind: str, context: Mapping[str, object]) -> str:
    info = key_info(path)
    if info is not None and info.range and info.path == path:
        return info.range
    sign = {"greater_than": ">", "greater_than_equal": ">=", "less_than": "<"}.get(kind, "<=")
    return f"{sign} {next(iter(context.values()))}"


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, str | int | float) else type(value).__name__


def _with_place(message: str, place: str) -> str:
    return f"{message} ({place})" if place else message
