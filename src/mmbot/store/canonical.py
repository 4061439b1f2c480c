"""Canonical bytes: one value has one textual form.

JSON is ASCII with sorted keys, without spaces, with one line feed at the end; floats are rounded
and never `-0.0`. NaN and infinity have no form in JSON and never pass silently: they are an error,
or `null` where the caller says that the schema allows it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Literal

from mmbot.errors import StoreError

__all__ = ["DEFAULT_DP", "NonFinite", "canonical_json", "canonical_text"]

DEFAULT_DP = 6

NonFinite = Literal["reject", "null"]


def canonical_json(obj: object, *, dp: int = DEFAULT_DP, nonfinite: NonFinite = "reject") -> bytes:
    """Serialise `obj` (mappings with text keys, sequences, text, numbers, booleans, None).

    Args:
        obj: the value; numpy scalars count as numbers.
        dp: decimal places that floats are rounded to.
        nonfinite: what to do with NaN and infinity.

    Raises:
        StoreError: ``E_STORE_NONFINITE`` or ``E_STORE_TYPE``, with the path of the offending value.
    """
    plain = _plain(obj, "$", dp, nonfinite)
    text = json.dumps(
        plain, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return text.encode("ascii") + b"\n"


def canonical_text(text: str) -> bytes:
    """Return ASCII bytes of `text` with LF line ends and exactly one at the end.

    Raises:
        StoreError: ``E_STORE_TYPE`` with line and column of the first character that is not ASCII.
    """
    body = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"
    try:
        return body.encode("ascii")
    except UnicodeEncodeError as exc:
        line = body.count("\n", 0, exc.start) + 1
        column = exc.start - body.rfind("\n", 0, exc.start)
        raise StoreError("E_STORE_TYPE", f"line={line} column={column}", "is not ASCII") from exc


def _plain(value: object, path: str, dp: int, nonfinite: NonFinite) -> object:
    """Reduce `value` to what the json module writes the same way everywhere."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return _rounded(float(value), path, dp, nonfinite)
    if isinstance(value, Mapping):
        return {
            _key(key, path): _plain(item, f"{path}.{key}", dp, nonfinite)
            for key, item in value.items()
        }
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_plain(item, f"{path}[{i}]", dp, nonfinite) for i, item in enumerate(value)]
    raise StoreError("E_STORE_TYPE", path, f"has no JSON form: {type(value).__name__}")


def _rounded(number: float, path: str, dp: int, nonfinite: NonFinite) -> float | None:
    if math.isfinite(number):
        # Adding zero turns -0.0 into 0.0.
        return round(number, dp) + 0.0
    if nonfinite == "null":
        return None
    raise StoreError("E_STORE_NONFINITE", path, "is not finite")


def _key(key: object, path: str) -> str:
    if not isinstance(key, str):
        raise StoreError("E_STORE_TYPE", path, f"has a key that is not text: {key!r}")
    return key
