"""What every section of the configuration is made of.

A section is a frozen model with strict types: text is not a number, 3.0 is not an integer, NaN is
nothing. Ranges stand at the key (`key`), rules between keys in `mmbot.config.invariants`. A section
says whether its keys may change by hot reload; a key may say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

__all__ = ["FrozenMap", "Items", "Section", "Symbol", "SymbolMap", "key", "refuse"]

T = TypeVar("T")

_SYMBOL: Final = re.compile(r"[A-Z0-9][A-Z0-9._:/-]{0,39}")


class Section(BaseModel):
    """A frozen group of keys; unknown keys, wrong types and values that are not finite are errors.

    `HOT` says whether its keys may change while the program runs.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
    )

    HOT: ClassVar[bool] = False


def key(
    default: object,
    doc: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    hot: bool | None = None,
    **more: Any,  # noqa: ANN401 -- passed on to pydantic
) -> Any:  # noqa: ANN401 -- pydantic reads the default as the field's type
    """Declare one key: its default, its meaning in half a sentence, its range.

    Args:
        default: the value when no layer sets the key.
        doc: meaning and unit, shown by `mmbot config explain`.
        ge: smallest allowed value.
        gt: bound that the value must exceed.
        le: largest allowed value.
        hot: whether hot reload may change it; the section's rule when not given.
        more: further constraints of pydantic, such as ``pattern``.
    """
    extra: JsonDict = {} if hot is None else {"hot": hot}
    return Field(
        default=default, description=doc, ge=ge, gt=gt, le=le, json_schema_extra=extra, **more
    )


def refuse(code: str, message: str) -> PydanticCustomError:
    """An error of a validator: `code` is a registered error code, `message` follows the key."""
    # Braces would be read as a template.
    return PydanticCustomError(code, message.replace("{", "(").replace("}", ")"))


def _symbol(text: str) -> str:
    symbol = text.upper()
    if _SYMBOL.fullmatch(symbol) is None:
        raise refuse("E_CFG_TYPE", f"is not a symbol: {text!r}")
    return symbol


def _to_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class _FrozenDict(Mapping[str, T]):
    """A mapping that nobody can change, so copies of it may be itself."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, T]) -> None:
        self._items = dict(items)

    def __getitem__(self, name: str) -> T:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return repr(self._items)

    def __deepcopy__(self, _memo: object) -> _FrozenDict[T]:
        return self


def _frozen(value: Mapping[str, T]) -> Mapping[str, T]:
    return _FrozenDict(value)


def _upper_keys(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return {k.upper() if isinstance(k, str) else k: item for k, item in value.items()}


Symbol = Annotated[str, AfterValidator(_symbol)]
"""A symbol; input is upper-cased."""

Items = Annotated[tuple[T, ...], BeforeValidator(_to_tuple)]
"""A list in the file, a tuple in the program."""

FrozenMap = Annotated[Mapping[str, T], AfterValidator(_frozen)]
"""A mapping with free keys that cannot be changed afterwards."""

SymbolMap = Annotated[Mapping[str, T], BeforeValidator(_upper_keys), AfterValidator(_frozen)]
"""A mapping from symbol; keys are upper-cased."""
