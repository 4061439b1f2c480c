"""Bodies and queries: checked as a whole, the first wrong field named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from mmbot.api.errors import AdminError

__all__ = ["Answer", "Request", "Yes", "count_query", "parse_body"]

M = TypeVar("M", bound="Request")

_COUNT: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


def _is_true(value: bool) -> bool:  # noqa: FBT001 -- a validator's argument
    if not value:
        raise ValueError("must be true")
    return value


Yes = Annotated[bool, AfterValidator(_is_true)]
"""A field that can only be true; `Literal[True]` would take 1 as well."""


class Request(BaseModel):
    """A body; types are strict, fields that nobody knows are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Answer(BaseModel):
    """An answer; `model_dump` gives the body."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def parse_body(model: type[M], body: object, *, whole: str | None = None) -> M:
    """The body as a request.

    Args:
        model: what it must be.
        body: parsed JSON.
        whole: the reason for any wrong field, if the endpoint has only one.

    Raises:
        AdminError: ``invalid_payload`` if it is no object or has an unknown field, else
        ``invalid_<field>`` for the first wrong field in the order of the model.
    """
    if not isinstance(body, Mapping):
        raise AdminError("invalid_payload")
    try:
        return model.model_validate(dict(body))
    except ValidationError as exc:
        wrong = {str(error["loc"][0]) for error in exc.errors() if error["loc"]}
        named = next((name for name in model.model_fields if name in wrong), None)
        reason = "invalid_payload" if named is None else f"invalid_{named}"
        raise AdminError(whole or reason) from exc


def count_query(
    query: Mapping[str, str], name: str, *, default: int, low: int, high: int | None = None
) -> int:
    """A whole number of the query, or its default.

    Raises:
        AdminError: ``invalid_<name>`` for another form or outside [low, high].
    """
    text = query.get(name)
    if text is None:
        return default
    if _COUNT.fullmatch(text) is None:
        raise AdminError(f"invalid_{name}")
    value = int(text)
    if value < low or (high is not None and value > high):
        raise AdminError(f"invalid_{name}")
    return value
