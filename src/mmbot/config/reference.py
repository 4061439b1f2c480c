"""The table of all keys for the documentation, made from the models.

``python -m mmbot.config.reference`` rewrites it inside ``docs/configuration.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mmbot.config.app import AppConfig
from mmbot.config.describe import describe_values, format_value
from mmbot.config.schema import KeyInfo, all_keys
from mmbot.config.tree import to_tree
from mmbot.store.artifacts import write_text

__all__ = ["key_table"]

_PAGE: Final = Path("docs/configuration.md")
_BEGIN: Final = "<!-- keys: begin -->"
_END: Final = "<!-- keys: end -->"


def key_table() -> str:
    """Markdown: one table per section, one row per key."""
    parts: list[str] = []
    section = ""
    for name, info in all_keys().items():
        if info.path[0] != section:
            section = info.path[0]
            doc = AppConfig.model_fields[section].description or ""
            parts.append(f"\n### `{section}`: {doc}\n\n| key | default | range | hot | meaning |")
            parts.append("|---|---|---|---|---|")
        parts.append(_row(name, info))
    return "\n".join(parts).strip("\n") + "\n"


def _row(name: str, info: KeyInfo) -> str:
    rule = info.range or info.type
    hot = "y" if info.hot else "n"
    return f"| `{name}` | {_default(name, info)} | {rule} | {hot} | {info.doc} |"


def _default(name: str, info: KeyInfo) -> str:
    if isinstance(info.default, float):
        return f"{info.default:g}" if abs(info.default) < 1e6 else str(info.default)
    if info.free:
        prefix = f"{name}."
        inner = {k: v for k, v in describe_values(AppConfig()).items() if k.startswith(prefix)}
        if inner:
            return f"{len(inner)} entries, see `mmbot config describe`"
    text = format_value(_plain(info.path))
    return text.replace("|", "\\|") or "none"


def _plain(path: Sequence[str]) -> object:
    value: object = to_tree(AppConfig())
    for part in path:
        assert isinstance(value, dict)
        value = value[part]
    return value


def main() -> int:
    """Rewrite the table in the page."""
    page = _PAGE.read_text(encoding="ascii")
    head, _, rest = page.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    write_text(_PAGE, f"{head}{_BEGIN}\n{key_table()}{_END}{tail}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
