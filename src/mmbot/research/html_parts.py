"""Building blocks of the HTML report: tiles, cards, tables. Markup in, markup out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources

from mmbot.research.models import Gates

__all__ = ["Tile", "card", "definitions", "page", "table", "tiles", "verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A headline number; `tone` colours it: ``pos``, ``neg`` or nothing."""

    name: str
    value: str
    unit: str = ""
    more: str = ""
    tone: str = ""


def page(title: str, subtitle: str, body: str, footer: str) -> str:
    """The whole document: style and script inside, nothing fetched from anywhere."""
    assets = resources.files("mmbot.research") / "assets"
    style = (assets / "report.css").read_text(encoding="ascii")
    script = (assets / "report.js").read_text(encoding="ascii")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f'<header><div><h1>{escape(title)}</h1><div class="sub">{escape(subtitle)}</div></div>'
        '<button id="theme" type="button">Theme</button></header>\n'
        f'{body}\n<footer>{escape(footer)}</footer>\n</main>\n<div id="tip"></div>\n'
        f"<script>\n{script}</script>\n</body>\n</html>\n"
    )


def tiles(items: Sequence[Tile]) -> str:
    """A grid of headline numbers."""
    return f'<div class="tiles">{"".join(_tile(item) for item in items)}</div>'


def _tile(item: Tile) -> str:
    unit = f" <small>{escape(item.unit)}</small>" if item.unit else ""
    return (
        f'<div class="tile"><div class="name">{escape(item.name)}</div>'
        f'<div class="big {item.tone}">{escape(item.value)}{unit}</div>'
        f'<div class="more">{escape(item.more)}</div></div>'
    )


def verdict(gates: Gates) -> str:
    """The gates as chips: one that says pass, or one for every reason."""
    if gates.passed:
        return '<div class="verdict"><span class="chip ok">All gates passed</span></div>'
    chips = "".join(f'<span class="chip bad">{escape(reason)}</span>' for reason in gates.reasons)
    return f'<div class="verdict"><span class="chip bad">Gates failed</span>{chips}</div>'


def card(title: str, hint: str, content: str, *, wide: bool = False) -> str:
    """A titled box."""
    klass = "card wide" if wide else "card"
    head = f'<h3>{escape(title)}</h3><div class="hint">{escape(hint)}</div>'
    return f'<section class="{klass}">{head}{content}</section>\n'


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, last_is_total: bool = False
) -> str:
    """A table whose first column names the row."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = []
    for number, row in enumerate(rows, 1):
        total = ' class="total"' if last_is_total and number == len(rows) else ""
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in row)
        body.append(f"<tr{total}>{cells}</tr>")
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def definitions(entries: Mapping[str, str]) -> str:
    """Names and what they are."""
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in entries.items())
    return f"<dl>{items}</dl>"
