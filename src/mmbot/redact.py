"""The one redactor: text in, the same text without secrets out.

Rules, in this order (deterministic, and applying them twice changes nothing):

1. every secret that this process has loaded (`hide`), wherever it occurs;
2. the value that follows a secret's name (``api_key=...``, ``"password": "..."``, ``token: ...``);
3. secrets that show by their shape: PEM private keys, well-known token prefixes, credentials in a
   URL.

It refuses to guess: digests, order ids and paths look random too, and a log without them explains
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["MASK", "hide", "is_secret_key", "redact", "redact_mapping"]

MASK = "****"

# Shorter values occur in innocent words; a secret that short is none.
_HIDDEN_MIN = 6
_hidden: set[str] = set()

_SECRET_NAMES = (
    "api_key",
    "api-key",
    "api_secret",
    "api-secret",
    "secret",
    "token",
    "password",
    "passwd",
    "authorization",
    "hmac",
    "secret_access_key",
)

# A key is a secret's name or ends in one ("pg_password", "X-Admin-Token"), but for the code of an
# error, such as E_CFG_SECRET. The value is quoted, or runs to a delimiter.
_NAMED_VALUE = re.compile(
    r"""(?ix)
    (?<![\w.-]) (?! (?-i: [EW]_[A-Z]+_[A-Z_]+ : ) )
    (?P<name> ["']? [\w.-]* (?:"""
    + "|".join(re.escape(name) for name in _SECRET_NAMES)
    + r""") ["']? \s* [:=] \s* (?:(?:bearer|basic)\s+)? )
    (?: (?P<quote>["']) (?:\\.|(?!(?P=quote)).)* (?P=quote) | [^\s"',;&}\])]+ )
    """
)

_SHAPES = (
    re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
    ),
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"\b(?:gh[pos]_|xox[bp]-|sk_(?:live|test)_|AIza)[A-Za-z0-9_-]{8,}"),
)
_URL_CREDENTIALS = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/@:]+:[^\s/@]+@", re.IGNORECASE
)


def hide(secret: str) -> None:
    """Mask this value from now on wherever it occurs; called by what loads a secret."""
    if len(secret) >= _HIDDEN_MIN:
        _hidden.add(secret)


def redact(text: str) -> str:
    """Return `text` with every recognised secret replaced by `MASK`."""
    # Longest first: one secret may contain another.
    for secret in sorted(_hidden, key=len, reverse=True):
        text = text.replace(secret, MASK)
    for shape in _SHAPES:
        text = shape.sub(MASK, text)
    text = _URL_CREDENTIALS.sub(rf"\g<scheme>{MASK}:{MASK}@", text)
    return _NAMED_VALUE.sub(_mask_value, text)


def redact_mapping(fields: Mapping[str, object]) -> dict[str, object]:
    """Return a copy of `fields` with secrets masked, by key first and inside text values second."""
    return {key: _redact_field(key, value) for key, value in fields.items()}


def is_secret_key(key: str) -> bool:
    """Whether the value under `key` must never be shown."""
    return key.lower().endswith(_SECRET_NAMES)


def _mask_value(match: re.Match[str]) -> str:
    quote = match["quote"] or ""
    return f"{match['name']}{quote}{MASK}{quote}"


def _redact_field(key: str, value: object) -> object:
    if is_secret_key(key):
        return MASK
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return redact_mapping(value)
    if isinstance(value, list | tuple):
        return [_redact_field("", item) for item in value]
    return value
